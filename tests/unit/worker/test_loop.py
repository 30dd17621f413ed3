"""The record loop through rebalances: nothing of an assignment that has passed takes effect in the next."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiokafka import TopicPartition
from prometheus_client import REGISTRY

from shared.kafka.keys import partition_of
from shared.schemas.purchases import PurchaseMade
from shared.worker import loop as looping
from shared.worker.intake import Intake
from shared.worker.loop import RecordLoop
from shared.worker.processing import Batch, FencedError, TopicOffset
from tests.unit.journal.driver import START, purchase
from tests.unit.worker.consumer import PARTITIONS, MemoryConsumer

EVENTS = [purchase(n, f"c{n % 7}", START + timedelta(hours=n), 5) for n in range(20)]
LAST = {partition_of(e.subject.encode(), PARTITIONS): e.time for e in EVENTS}
ZERO, ONE = (TopicPartition("purchases", p) for p in (0, 1))


class Recorder:
    """A processor that notes what it is told. A batch waits until ``free`` is set, a takeover until
    ``ready`` is."""

    def __init__(self, stored: Mapping[TopicOffset, int] | None = None) -> None:
        self.stored = stored or {}
        self.told: list[str] = []
        self.handled: list[str] = []
        self.errors: list[Exception] = []
        self.free, self.ready = asyncio.Event(), asyncio.Event()
        self.free.set()
        self.ready.set()
        self._durable: dict[TopicOffset, int] = {}

    async def assigned(self, partitions: frozenset[int]) -> Mapping[TopicOffset, int]:
        self.told.append(f"assigned {sorted(partitions)}")
        await self.ready.wait()
        return self.stored

    async def watermark(self, partition: int) -> None:
        return None

    async def process(self, batch: Batch) -> None:
        self.told.append("batch")
        await self.free.wait()
        if self.errors:
            raise self.errors.pop()
        self.handled += [m.event.id for m in batch.messages]
        self._durable.update(batch.offsets)

    async def idle(self) -> None: ...

    async def revoked(self, partitions: frozenset[int]) -> None:
        self.told.append(f"revoked {sorted(partitions)}")

    def durable(self) -> Mapping[TopicOffset, int]:
        offsets, self._durable = self._durable, {}
        return offsets


@asynccontextmanager
async def running(
    consumer: MemoryConsumer, processor: Recorder, *, stream: bool = False
) -> AsyncIterator[RecordLoop]:
    """A loop that has a consumer and no partitions yet."""

    async def connect(*_: object) -> MemoryConsumer:
        return consumer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looping, "connect", connect)
        loop = RecordLoop(
            service="recorder",
            bootstrap="unused",
            topics={"purchases"},
            intake=Intake("recorder", (PurchaseMade,)),
            processor=processor,
            stream=stream,
            wall_clock=lambda: START + timedelta(days=9),
        )
        task = asyncio.create_task(loop.run())
        await asyncio.sleep(0)
        try:
            yield loop
        finally:
            loop.stop()
            consumer.open.set()
            processor.free.set()
            await task


async def assign(loop: RecordLoop, consumer: MemoryConsumer, *partitions: TopicPartition) -> None:
    consumer.assign(*partitions)
    await loop.on_partitions_assigned(partitions)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(5000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise TimeoutError


async def test_what_is_assigned_is_read_from_what_is_durable_and_committed() -> None:
    consumer, processor = MemoryConsumer(EVENTS), Recorder({("purchases", 1): 3})
    consumer.committed_offsets[ZERO] = 2
    async with running(consumer, processor) as loop:
        assert (loop.held, loop.partitions) == (frozenset(), 0)
        await assign(loop, consumer, ZERO, ONE)
        await until(lambda: consumer.committed_offsets.get(ONE) == len(consumer.log[ONE]))
        await until(lambda: consumer.committed_offsets[ZERO] == len(consumer.log[ZERO]))
        assert (loop.held, loop.partitions) == (frozenset({0, 1}), 2)
        assert loop.watermark(0) == LAST[0]
    read = [*consumer.log[ZERO][2:], *consumer.log[ONE][3:]]
    assert len(processor.handled) == len(read)
    assert loop.held == frozenset()
    assert processor.told[-1] == "revoked [0, 1]"


async def test_what_a_fetch_brings_after_a_rebalance_is_read_again() -> None:
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    consumer.open.clear()
    async with running(consumer, processor) as loop:
        await assign(loop, consumer, ZERO)
        await until(lambda: consumer.fetching)
        await loop.on_partitions_revoked([ZERO])
        assert loop.held == frozenset()
        await assign(loop, consumer, ZERO, ONE)
        consumer.open.set()
        await until(lambda: len(processor.handled) >= len(EVENTS))
    assert sorted(processor.handled) == sorted(e.id for e in EVENTS)


async def test_a_rebalance_during_a_fetch_is_no_trouble_with_the_broker() -> None:
    def retries() -> float | None:
        return REGISTRY.get_sample_value(
            "rapport_retries_total", {"service": "recorder", "dependency": "kafka"}
        )

    before = retries()
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    consumer.open.clear()
    async with running(consumer, processor, stream=True) as loop:
        await assign(loop, consumer, ZERO)
        await until(lambda: consumer.fetching)
        await loop.on_partitions_revoked([ZERO])
        await assign(loop, consumer, ONE)
        consumer.open.set()
        await until(lambda: len(processor.handled) == len(consumer.log[ONE]))
    assert retries() == before


async def test_an_assignment_that_passes_while_it_is_taken_over_is_never_served() -> None:
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    processor.ready.clear()
    async with running(consumer, processor) as loop:
        await assign(loop, consumer, ZERO)
        await until(lambda: bool(processor.told))
        await loop.on_partitions_revoked([ZERO])
        await assign(loop, consumer, ONE)
        processor.ready.set()
        await until(lambda: len(processor.handled) == len(consumer.log[ONE]))
        assert loop.held == frozenset({1})
    assert consumer.sought == [ONE]
    assert processor.told == ["assigned [0]", "assigned [1]", "batch", "revoked [1]"]


async def test_a_fenced_batch_is_read_again_from_what_is_durable() -> None:
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    processor.errors = [FencedError("another worker was here")]
    async with running(consumer, processor) as loop:
        await assign(loop, consumer, ZERO)
        await until(lambda: bool(processor.handled))
        assert loop.watermark(0) == LAST[0]
    assert len(processor.handled) == len(consumer.log[ZERO])
    told = ["assigned [0]", "batch"] * 2
    assert [t for t in processor.told if t in told][:4] == told


async def test_a_revoke_waits_for_the_batch_in_flight_and_commits_it() -> None:
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    processor.free.clear()
    async with running(consumer, processor) as loop:
        await assign(loop, consumer, ZERO, ONE)
        await until(lambda: "batch" in processor.told)
        revoke = asyncio.create_task(loop.on_partitions_revoked([ZERO, ONE]))
        await asyncio.sleep(0.01)
        assert not revoke.done()
        processor.free.set()
        await revoke
        await asyncio.sleep(0.1)
        assert processor.told == ["assigned [0, 1]", "batch", "revoked [0, 1]"]
        (done,) = consumer.committed_offsets
        assert consumer.committed_offsets[done] == len(consumer.log[done]) == len(processor.handled)


async def test_a_batch_that_hangs_is_abandoned_at_a_revoke(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looping, "REVOKE_SECONDS", 0.02)
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    processor.free.clear()
    async with running(consumer, processor) as loop:
        await assign(loop, consumer, ZERO)
        await until(lambda: "batch" in processor.told)
        await loop.on_partitions_revoked([ZERO])
        assert not processor.handled
        assert not consumer.committed_offsets
        processor.free.set()
        await assign(loop, consumer, ONE)
        await until(lambda: len(processor.handled) == len(consumer.log[ONE]))
        assert loop.held == frozenset({1})


async def test_after_a_fence_there_is_nothing_good_to_let_go_of() -> None:
    consumer, processor = MemoryConsumer(EVENTS), Recorder()
    processor.free.clear()
    processor.errors = [FencedError("half applied")]
    async with running(consumer, processor) as loop:
        await assign(loop, consumer, ZERO)
        await until(lambda: "batch" in processor.told)
        revoke = asyncio.create_task(loop.on_partitions_revoked([ZERO]))
        await asyncio.sleep(0)
        processor.free.set()
        await revoke
        assert "revoked [0]" not in processor.told
