"""A record loop that runs over a log in memory, and a processor that notes what it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta

from shared.kafka.keys import partition_of
from shared.schemas.purchases import PurchaseMade
from shared.worker.budget import Budget
from shared.worker.intake import Intake
from shared.worker.loop import RecordLoop
from shared.worker.processing import Batch, TopicOffset, Wanted
from tests.unit.journal.driver import START, purchase
from tests.unit.worker.consumer import PARTITIONS, MemoryConsumer

EVENTS = [purchase(n, f"c{n % 7}", START + timedelta(hours=n), 5) for n in range(20)]
LAST = {partition_of(e.subject.encode(), PARTITIONS): e.time for e in EVENTS}
ZERO, ONE = (("purchases", p) for p in (0, 1))


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
        self.running = 0
        """Takeovers and batches that are under way."""
        self.together = 0
        """The most that were at the same time."""
        self.deaf_seconds = 0.0
        """For so long a batch goes on after it is cancelled."""
        self._durable: dict[TopicOffset, int] = {}

    async def assigned(self, partitions: frozenset[int], count: int) -> Mapping[TopicOffset, int]:
        self.told.append(f"assigned {sorted(partitions)}")
        with self._counted():
            await self.ready.wait()
        return self.stored

    async def first_count(self) -> int:
        return 1

    async def watermark(self, partition: int) -> None:
        return None

    async def process(self, batch: Batch) -> None:
        self.told.append("batch")
        with self._counted():
            try:
                await self.free.wait()
            except asyncio.CancelledError:
                await asyncio.sleep(self.deaf_seconds)
                raise
            if self.errors:
                raise self.errors.pop()
            self.handled += [m.event.id for m in batch.messages]
            self._durable.update(batch.offsets)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.running += 1
        self.together = max(self.together, self.running)
        try:
            yield
        finally:
            self.running -= 1

    async def idle(self, settled: Mapping[int, frozenset[str]] | None) -> Wanted:
        return Wanted()

    async def revoked(self, partitions: frozenset[int]) -> None:
        self.told.append(f"revoked {sorted(partitions)}")

    def durable(self) -> Mapping[TopicOffset, int]:
        offsets, self._durable = self._durable, {}
        return offsets


@asynccontextmanager
async def running(
    consumer: MemoryConsumer,
    processor: Recorder,
    *more: MemoryConsumer,
    stream: bool = False,
    budget: Budget | None = None,
) -> AsyncIterator[RecordLoop]:
    """A loop that has no partitions yet. ``more``: the consumers that it makes after the first."""
    made = iter((consumer, *more))
    loop = RecordLoop(
        service="recorder",
        consumer=lambda: next(made),
        topics={"purchases"},
        intake=Intake("recorder", (PurchaseMade,)),
        processor=processor,
        stream=stream,
        budget=budget,
        wall_clock=lambda: START + timedelta(days=9),
    )
    task = asyncio.create_task(loop.run())
    await asyncio.sleep(0)
    try:
        yield loop
    finally:
        loop.stop()
        processor.free.set()
        processor.ready.set()
        await task


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    for _ in range(int(seconds * 1000)):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise TimeoutError
