"""The record loop through rebalances: nothing of an assignment that has passed takes effect in the next."""

import asyncio
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from shared.worker import member
from shared.worker.processing import FencedError
from tests.unit.worker.consumer import MemoryConsumer
from tests.unit.worker.running import EVENTS, LAST, ONE, ZERO, Recorder, running, until


async def test_what_is_assigned_is_read_from_what_is_durable_and_committed() -> None:
    consumer, processor = MemoryConsumer(EVENTS), Recorder({ONE: 3})
    consumer.committed_offsets[ZERO] = 2
    async with running(consumer, processor) as loop:
        assert (loop.held, loop.partitions) == (frozenset(), 0)
        consumer.assign(ZERO, ONE)
        await until(lambda: consumer.committed_offsets.get(ONE) == len(consumer.log[ONE]))
        await until(lambda: consumer.committed_offsets[ZERO] == len(consumer.log[ZERO]))
        assert (loop.held, loop.partitions) == (frozenset({0, 1}), 2)
        assert loop.watermark(0) == LAST[0]
    read = [*consumer.log[ZERO][2:], *consumer.log[ONE][3:]]
    assert len(processor.handled) == len(read)
    assert loop.held == frozenset()
    assert processor.told[-1] == "revoked [0, 1]"
    assert consumer.closed


async def test_a_rebalance_is_no_trouble_with_the_broker() -> None:
    def retries() -> float:
        labels = {"service": "recorder", "dependency": "kafka"}
        return REGISTRY.get_sample_value("rapport_retries_total", labels) or 0.0

    before = retries()
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    consumer.open.clear()
    async with running(consumer, processor, stream=True) as loop:
        consumer.assign(ZERO)
        await until(lambda: loop.held == frozenset({0}))
        await consumer.revoke()
        assert loop.held == frozenset()
        consumer.assign(ONE)
        consumer.open.set()
        await until(lambda: len(processor.handled) == len(consumer.log[ONE]))
    assert retries() == before


async def test_an_assignment_that_passes_while_it_is_taken_over_is_never_served() -> None:
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    processor.ready.clear()
    async with running(consumer, processor) as loop:
        consumer.assign(ZERO)
        await until(lambda: bool(processor.told))
        await consumer.revoke()
        consumer.assign(ONE)
        processor.ready.set()
        await until(lambda: len(processor.handled) == len(consumer.log[ONE]))
        assert loop.held == frozenset({1})
    assert consumer.started == [ONE]
    assert processor.told == ["assigned [0]", "assigned [1]", "batch", "revoked [1]"]


async def test_a_fenced_batch_is_read_again_from_what_is_durable() -> None:
    def counted() -> list[float]:
        names = ("rapport_takeovers_total", "rapport_fenced_total")
        return [REGISTRY.get_sample_value(name, {"service": "recorder"}) or 0.0 for name in names]

    before = counted()
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    processor.errors = [FencedError("another worker was here")]
    async with running(consumer, processor) as loop:
        consumer.assign(ZERO)
        await until(lambda: bool(processor.handled))
        assert loop.watermark(0) == LAST[0]
    assert [now - was for now, was in zip(counted(), before, strict=True)] == [2, 1]
    assert len(processor.handled) == len(consumer.log[ZERO])
    told = ["assigned [0]", "batch"] * 2
    assert [t for t in processor.told if t in told][:4] == told
    assert consumer.started == [ZERO, ZERO]


async def test_a_fenced_worker_asks_the_group_before_it_takes_over_again() -> None:
    """It slept, and another has its partition by now; it was not told yet. To take the partition over again
    would fence the other one."""
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    processor.errors = [FencedError("another worker was here")]
    async with running(consumer, processor) as loop:
        consumer.member = False
        consumer.assign(ZERO)
        await until(lambda: consumer.confirmations >= 2)
        assert processor.told == ["assigned [0]", "batch"]
        assert loop.held == frozenset()
        consumer.lose()
        consumer.assign(ZERO)
        await until(lambda: bool(processor.handled))
    assert processor.told.count("assigned [0]") == 2
    assert loop.held == frozenset()


async def test_what_the_group_has_just_given_is_taken_over_at_once() -> None:
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    async with running(consumer, processor):
        for _ in range(2):
            consumer.assign(ZERO)
            await until(lambda: consumer.committed_offsets.get(ZERO) == len(consumer.log[ZERO]))
            await consumer.revoke()
    assert consumer.confirmations == 0


async def test_nobody_takes_over_what_the_group_cannot_be_asked_about() -> None:
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    processor.errors = [FencedError("another worker was here")]
    processor.free.clear()
    async with running(consumer, processor):
        consumer.assign(ZERO)
        await until(lambda: "batch" in processor.told)
        consumer.away = True
        processor.free.set()
        await until(lambda: consumer.confirmations >= 2)
        assert processor.told == ["assigned [0]", "batch"]
        consumer.away = False
        await until(lambda: bool(processor.handled))


async def test_a_revoke_waits_for_the_batch_in_flight_and_commits_it() -> None:
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    processor.free.clear()
    async with running(consumer, processor):
        consumer.assign(ZERO, ONE)
        await until(lambda: "batch" in processor.told)
        revoke = asyncio.create_task(consumer.revoke())
        await asyncio.sleep(0.3)
        assert not revoke.done()
        processor.free.set()
        await revoke
        assert processor.told == ["assigned [0, 1]", "batch", "revoked [0, 1]"]
        (done,) = consumer.committed_offsets
        assert consumer.committed_offsets[done] == len(consumer.log[done]) == len(processor.handled)


async def test_a_batch_that_hangs_is_abandoned_at_a_revoke(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, "REVOKE_SECONDS", 0.02)
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    processor.free.clear()
    async with running(consumer, processor) as loop:
        consumer.assign(ZERO)
        await until(lambda: "batch" in processor.told)
        await consumer.revoke()
        assert not processor.handled
        assert not consumer.committed_offsets
        processor.free.set()
        consumer.assign(ONE)
        await until(lambda: len(processor.handled) == len(consumer.log[ONE]))
        assert loop.held == frozenset({1})


async def test_after_a_fence_there_is_nothing_good_to_let_go_of() -> None:
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    processor.free.clear()
    processor.errors = [FencedError("half applied")]
    async with running(consumer, processor):
        consumer.assign(ZERO)
        await until(lambda: "batch" in processor.told)
        revoke = asyncio.create_task(consumer.revoke())
        await asyncio.sleep(0.25)
        processor.free.set()
        await revoke
        assert "revoked [0]" not in processor.told


async def test_what_is_lost_is_given_up_at_once_and_not_committed() -> None:
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    processor.free.clear()
    async with running(consumer, processor) as loop:
        consumer.assign(ZERO)
        await until(lambda: "batch" in processor.told)
        consumer.lose()
        await until(lambda: "revoked [0]" in processor.told)
        assert (loop.held, loop.standby) == (frozenset(), False)
        assert not processor.running
        assert not consumer.committed_offsets


async def test_lag_is_told_only_of_what_is_held() -> None:
    def lag() -> float | None:
        labels = {"service": "recorder", "topic": "purchases", "partition": "0"}
        return REGISTRY.get_sample_value("rapport_lag_records", labels)

    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    async with running(consumer, processor):
        consumer.assign(ZERO)
        await until(lambda: lag() is not None)
        await consumer.revoke()
        assert lag() is None
        assert REGISTRY.get_sample_value("rapport_lag_seconds", {"service": "recorder"}) is None


def test_a_revoke_fits_what_the_group_waits() -> None:
    from shared.kafka.clients import RELEASE_SECONDS

    seconds = member.REVOKE_SECONDS + member.CANCEL_SECONDS + member.LET_GO_SECONDS + member.ATTEND_SECONDS
    assert timedelta(seconds=seconds) < timedelta(seconds=RELEASE_SECONDS)
