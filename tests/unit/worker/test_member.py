"""A worker stays in its group, and alive, whatever it waits for; and it stops when it is told to."""

import asyncio
from time import monotonic

import pytest
from prometheus_client import REGISTRY

from shared.worker import loop as looping
from shared.worker import member
from shared.worker.budget import DEFAULT_BYTES, Budget
from tests.unit.worker.consumer import MemoryConsumer
from tests.unit.worker.running import EVENTS, ONE, ZERO, Recorder, running, until

SHORT = 0.6
"""Seconds: more than twice the time between two polls while something is under way."""


def fresh(consumer: MemoryConsumer) -> float:
    consumer.longest, consumer.polled_at = 0.0, monotonic()
    return monotonic()


async def test_a_standby_polls_is_one_and_takes_over() -> None:
    def shown() -> float | None:
        loop.show()
        return REGISTRY.get_sample_value("rapport_standby", {"service": "recorder"})

    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    async with running(consumer, processor) as loop:
        assert (loop.standby, shown()) == (False, 0)
        consumer.assign()
        await until(lambda: loop.standby)
        assert shown() == 1
        fresh(consumer)
        await asyncio.sleep(SHORT)
        assert consumer.longest < SHORT / 2
        assert loop.held == frozenset()
        await consumer.revoke()
        assert not loop.standby
        consumer.assign(ZERO)
        await until(lambda: len(processor.handled) == len(consumer.log[ZERO]))
        assert (loop.held, loop.standby) == (frozenset({0}), False)


@pytest.mark.parametrize("state", ["joining", "standby", "taking over", "broker away", "batch", "full"])
async def test_it_polls_and_is_alive_in_every_state(state: str) -> None:
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    if state == "taking over":
        processor.ready.clear()
    if state in ("batch", "full"):
        processor.free.clear()
    consumer.away = state == "broker away"
    budget = Budget(1 if state == "full" else DEFAULT_BYTES)
    async with running(consumer, processor, budget=budget) as loop:
        if state != "joining":
            consumer.assign(*(() if state == "standby" else (ZERO, ONE)))
        await asyncio.sleep(0.3)
        began = fresh(consumer)
        await asyncio.sleep(3 * SHORT)
        assert consumer.longest < SHORT
        assert loop.progress > began + 2 * SHORT
        consumer.away = False
        if state in ("joining", "standby"):
            consumer.assign(ZERO, ONE)
        processor.free.set()
        processor.ready.set()
        await until(lambda: len(processor.handled) == len(EVENTS))


async def test_nothing_is_left_running_beside_a_takeover(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where a cancellation gets lost: what goes on is waited for, and the member polls meanwhile."""
    monkeypatch.setattr(member, "REVOKE_SECONDS", 0.02)
    monkeypatch.setattr(member, "CANCEL_SECONDS", 0.02)
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    processor.free.clear()
    processor.deaf_seconds = 2 * SHORT
    async with running(consumer, processor):
        consumer.assign(ZERO)
        await until(lambda: "batch" in processor.told)
        await consumer.revoke()
        consumer.assign(ONE)
        fresh(consumer)
        await until(lambda: "assigned [1]" in processor.told)
        assert consumer.longest < SHORT
        processor.deaf_seconds = 0.0
        processor.free.set()
        await until(lambda: len(processor.handled) == len(consumer.log[ONE]))
    assert processor.together == 1


async def test_polling_that_raises_leaves_nothing_running_and_a_new_client_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(member, "RENEW_SECONDS", 0.01)
    broken, consumer, processor = MemoryConsumer(EVENTS), MemoryConsumer(EVENTS), Recorder()
    processor.free.clear()
    async with running(broken, processor, consumer) as loop:
        broken.assign(ZERO)
        await until(lambda: "batch" in processor.told)
        broken.broken = True
        await until(lambda: broken.closed)
        assert not processor.running
        assert loop.held == frozenset()
        consumer.assign(ZERO)
        processor.free.set()
        await until(lambda: len(processor.handled) == len(consumer.log[ZERO]))
    assert processor.together == 1


@pytest.mark.parametrize("state", ["serving", "taking over", "batch", "deaf"])
async def test_it_stops_in_time_whatever_is_under_way(state: str) -> None:
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    if state == "taking over":
        processor.ready.clear()
    if state in ("batch", "deaf"):
        processor.free.clear()
    processor.deaf_seconds = 3.0 if state == "deaf" else 0.0
    async with running(consumer, processor) as loop:
        consumer.assign(ZERO)
        await until(lambda: bool(processor.told))
        began = monotonic()
        loop.stop()
        await loop.finished.wait()
        assert monotonic() - began < looping.STOP_SECONDS + looping.LEAVE_SECONDS
        assert consumer.closed
        assert bool(processor.running) is (state == "deaf")


async def test_no_batch_is_made_while_it_is_not_known_what_is_unread() -> None:
    """The stream clock asks the broker; while that does not answer, what is in memory waits."""
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    consumer.open.clear()
    async with running(consumer, processor, stream=True) as loop:
        consumer.assign(ZERO)
        await until(lambda: loop.held == frozenset({0}))
        consumer.away = True
        consumer.open.set()
        await asyncio.sleep(SHORT)
        assert not processor.handled
        consumer.away = False
        await until(lambda: len(processor.handled) == len(consumer.log[ZERO]))
    assert consumer.started == [ZERO]
