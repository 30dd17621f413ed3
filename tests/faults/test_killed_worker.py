"""kill -9 at each step of a batch, under load: no effect is lost, none happens twice."""

import random
import threading
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.faults.conftest import WorkerStarter
from tests.faults.platform import Platform, event, purchase, refund

pytestmark = pytest.mark.faults

CUSTOMERS = 25
ORDERS = 500


class Load:
    """Purchases, duplicates of them and full refunds, all of today, and the points they must leave.

    Totals stay small, so that every member stays bronze and a point is a whole euro.
    """

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        run = uuid.uuid4().hex[:8]
        at = datetime.now(UTC).isoformat()
        self.expected: dict[str, int] = defaultdict(int)
        self.entries: dict[str, int] = defaultdict(int)
        self.events: list[dict[str, Any]] = []
        for number in range(ORDERS):
            customer, order = f"k{run}-{number % CUSTOMERS}", f"{run}-{number}"
            cents = rng.randrange(100, 900)
            made = purchase(customer, order, cents, at)
            self.events.append(made)
            self.expected[customer] += cents // 100
            self.entries[customer] += 1
            if rng.random() < 0.2:
                self.events.append(made)
            if rng.random() < 0.1:
                self.events.append(refund(customer, order, cents, at))
                self.expected[customer] -= cents // 100
                self.entries[customer] += 1

    def sending(self, platform: Platform) -> threading.Thread:
        """Sends in the background, in pieces, so that the worker dies while records arrive."""

        def send() -> None:
            for start in range(0, len(self.events), 100):
                platform.send("purchases", self.events[start : start + 100])

        thread = threading.Thread(target=send)
        thread.start()
        return thread

    def check(self, platform: Platform) -> None:
        for customer, member in platform.members(self.expected).items():
            assert member.balance == self.expected[customer]
            assert member.ledger_sum == self.expected[customer]
            assert member.ledger_entries == self.entries[customer]
            assert member.told_sum == self.expected[customer]
            assert member.told_entries == self.entries[customer]


@pytest.mark.parametrize("point", ["mid_batch", "after_transaction", "after_publish", "after_commit"])
def test_a_worker_killed_at_a_step_of_a_batch(platform: Platform, worker: WorkerStarter, point: str) -> None:
    load = Load(seed=1)
    sender = load.sending(platform)
    worker(fault=f"{point}:1").wait_killed()
    worker(fault=f"{point}:{1 if point == 'after_commit' else 6}").wait_killed()
    survivor = worker()
    sender.join()
    survivor.wait_ready()
    platform.wait_caught_up("loyalty")
    load.check(platform)


def test_workers_killed_at_random_while_others_take_over(platform: Platform, worker: WorkerStarter) -> None:
    load = Load(seed=2)
    running = [worker(), worker()]
    for started in running:
        started.wait_ready()
    sender = load.sending(platform)
    rng = random.Random(3)
    for _ in range(3):
        threading.Event().wait(rng.uniform(0.2, 1.2))  # any moment will do: that is the point
        running.pop(rng.randrange(2)).kill()
        running.append(worker())
    sender.join()
    for started in running:
        started.wait_ready()
    platform.wait_caught_up("loyalty")
    load.check(platform)


def test_a_worker_killed_between_a_timers_transaction_and_its_publication(
    platform: Platform, worker: WorkerStarter
) -> None:
    """Lots of a year ago run out a few seconds from now; the worker dies as their expiry is written."""
    run = uuid.uuid4().hex[:8]
    customers = [f"t{run}-{n}" for n in range(20)]
    year_ago = datetime.now(UTC) - timedelta(days=365)
    bought = [
        purchase(c, f"{c}-o", 500 + n, (year_ago + timedelta(seconds=25 + n % 5)).isoformat())
        for n, c in enumerate(customers)
    ]
    first = worker(fault="after_timer_transaction:1")
    first.wait_ready()
    platform.send("purchases", bought)
    first.wait_killed()
    worker(fault="after_timer_transaction:2").wait_killed()
    worker().wait_ready()
    loyalty = platform.database("loyalty")
    platform.wait(
        lambda: loyalty["ledger"].count_documents({"member": {"$in": customers}, "kind": "expired"}) == 20,
        60,
        "all lots expired",
    )
    platform.wait(
        lambda: not list(loyalty["partitions"].find({"outbox.0": {"$exists": True}})),
        30,
        "nothing unpublished",
    )
    for customer, member in platform.members(customers).items():
        # What is left is the gift for the first anniversary, which falls on the same instant.
        assert (member.balance, member.ledger_sum, member.told_sum) == (100, 100, 100), customer
        assert member.ledger_entries == member.told_entries == 3, customer


def test_a_killed_metrics_worker_counts_each_answer_once(platform: Platform, worker: WorkerStarter) -> None:
    """Its journal is compact: after a crash it goes on from the offsets its aggregates stand for."""
    run = uuid.uuid4().hex[:8]
    at = datetime.now(UTC).isoformat()
    answers = [
        event("survey.answered", f"m{run}-{n % 40}", f"{run}-{n}", at, {"survey": "nps", "score": n % 11})
        for n in range(1500)
    ]
    running = worker("metrics")
    running.wait_ready()
    for start in range(0, len(answers), 300):
        platform.send("feedback", answers[start : start + 300])
        platform.send("feedback", answers[start : start + 20])  # and some again
        threading.Event().wait(0.4)
        running.kill()
        running = worker("metrics")
        running.wait_ready()
    platform.wait_caught_up("metrics")
    api = worker("metrics", kind="api")
    api.wait_ready()
    promoters = sum(1 for n in range(1500) if n % 11 >= 9)
    detractors = sum(1 for n in range(1500) if n % 11 <= 6)
    seen = api.get("/kpis?window=2d")
    assert seen["basis"]["nps"]["n"] == 1500
    assert seen["nps"] == pytest.approx(100 * (promoters - detractors) / 1500, abs=0.05)
