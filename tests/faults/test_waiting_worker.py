"""Workers that wait: as a standby, for a broker or a store that is away, and at a stop."""

import json
import threading
import time

import pytest

from tests.faults.conftest import ServiceProcess, WorkerStarter
from tests.faults.platform import Platform
from tests.faults.test_killed_worker import Load

pytestmark = pytest.mark.faults

PARTITIONS = 4
POLL_INTERVAL = 5.0
OUTAGE_SECONDS = 75.0
"""More than a worker's loop may stand still."""
STOP_SECONDS = 3.0


def held(worker: ServiceProcess) -> list[int] | None:
    """The partitions of a worker that is ready; none of a standby."""
    status, body = worker.page("/readyz")
    if status != 200:
        return None
    assert body["status"] == ("ready" if body["partitions"] else "standby")
    return list(body["partitions"])


def settled(workers: list[ServiceProcess]) -> bool:
    """Whether every partition is with one of them, and all are ready."""
    found = [held(worker) for worker in workers]
    return None not in found and sorted(p for of in found for p in of or ()) == list(range(PARTITIONS))


def json_lines(worker: ServiceProcess) -> bool:
    lines = worker.log.read_text().splitlines()
    return all(isinstance(json.loads(line), dict) for line in lines)


def test_a_standby_takes_over_after_more_than_the_poll_interval(
    platform: Platform, worker: WorkerStarter
) -> None:
    workers = [worker(poll_interval=str(POLL_INTERVAL)) for _ in range(PARTITIONS + 1)]
    platform.wait(lambda: settled(workers), 60, "one standby, and all are ready")
    threading.Event().wait(2 * POLL_INTERVAL)
    assert settled(workers)
    standby = next(w for w in workers if held(w) == [])
    holder = next(w for w in workers if w is not standby)
    workers.remove(holder)
    holder.kill()
    platform.wait(lambda: settled(workers), 30, "the standby has taken over")
    assert held(standby)
    load = Load(seed=5)
    platform.send("purchases", load.events)
    platform.wait_caught_up("loyalty")
    load.check(platform)


@pytest.mark.long
@pytest.mark.parametrize("parts", [("kafka",), ("mongo",)])
def test_no_outage_fails_liveness(platform: Platform, worker: WorkerStarter, parts: tuple[str, ...]) -> None:
    load = Load(seed=6)
    running = [worker(), worker("metrics")]
    for started in running:
        started.wait_ready()
    sender = load.sending(platform)
    sender.join(0.3)
    if parts == ("kafka",):
        sender.join()
    with platform.frozen(*parts):
        running.append(worker())  # it has never met what is away
        deadline = time.monotonic() + OUTAGE_SECONDS
        while time.monotonic() < deadline:
            time.sleep(1.0)
            for started in running:
                assert started.process.poll() is None, started.tail()
                status, body = started.page("/healthz")
                # The new one may still be starting.
                assert status == 200 or (status, started) == (0, running[-1]), body
        assert all(started.page("/readyz")[0] == 503 for started in running)
    sender.join()
    for started in running:
        started.wait_ready()
    platform.wait_caught_up("loyalty")
    platform.wait_caught_up("metrics")
    load.check(platform)
    assert all(json_lines(started) for started in running)


@pytest.mark.parametrize("after", [0.2, pytest.param(1.5, marks=pytest.mark.long)])
def test_a_stop_beside_one_that_was_killed(platform: Platform, worker: WorkerStarter, after: float) -> None:
    killed, stopped = worker(session_timeout="10"), worker(session_timeout="10")
    platform.wait(lambda: settled([killed, stopped]), 60, "both hold partitions")
    killed.kill()
    threading.Event().wait(after)
    assert stopped.stop() < STOP_SECONDS
    late = worker()
    # It is about to join, beside one whose session is not over.
    platform.wait(lambda: late.page("/healthz")[0] == 200, 60, "it has begun")
    threading.Event().wait(after)
    assert late.stop() < STOP_SECONDS
    assert json_lines(stopped)
    assert json_lines(late)


@pytest.mark.parametrize("parts", [("kafka",), ("mongo",), ("kafka", "mongo")])
def test_a_stop_while_something_is_away(
    platform: Platform, worker: WorkerStarter, parts: tuple[str, ...]
) -> None:
    load = Load(seed=7)
    running = [worker(), worker("metrics")]
    for started in running:
        started.wait_ready()
    sender = load.sending(platform)
    threading.Event().wait(0.5)
    with platform.frozen(*parts):
        threading.Event().wait(1.0)
        took = [started.stop() for started in running]
        assert max(took) < STOP_SECONDS, took
    sender.join()
    for started in [worker(), worker("metrics")]:
        started.wait_ready()
    platform.wait_caught_up("loyalty")
    load.check(platform)
    assert all(json_lines(started) for started in running)
