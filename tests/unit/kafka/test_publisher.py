"""The publisher drops a producer that can write no more, and readiness tells of one that writes nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from shared.kafka import publisher as publishing
from shared.kafka.brokers import Brokers
from shared.kafka.clients import BrokerAwayError, ProducerBrokenError, Record, RecordTooLargeError
from shared.kafka.keys import partition_of
from shared.kafka.publisher import Publisher

RECORD = Record("purchases", b"c1", b"{}")


class MemoryProducer:
    """Implements ``ProducerClient``."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        """Raised by the first sends, one each; the last again and again."""
        self.away = False
        self.written: list[Record] = []
        self.closed = False
        self.asked = 0

    async def send(self, records: Sequence[Record], seconds: float) -> None:
        if self.errors:
            raise self.errors.pop(0) if len(self.errors) > 1 else self.errors[0]
        self.written += records

    async def counts(self) -> Mapping[str, int]:
        self.asked += 1
        if self.away:
            raise BrokerAwayError("away")
        return {"purchases": 4}

    async def close(self, seconds: float) -> bool:
        self.closed = True
        return True


@asynccontextmanager
async def started(*producers: MemoryProducer) -> AsyncIterator[Publisher]:
    made = iter(producers)
    publisher = Publisher(Brokers("unused"), timeout=0.02, producer=lambda: next(made))
    await publisher.start()
    await publisher.connected()
    try:
        yield publisher
    finally:
        await publisher.stop()


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(5000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise TimeoutError


async def test_a_record_goes_where_its_key_says_unless_it_says_so_itself() -> None:
    producer = MemoryProducer()
    async with started(producer) as publisher:
        await publisher.publish([RECORD, Record("purchases", b"c1", b"{}", partition=3)])
        assert [r.partition for r in producer.written] == [partition_of(b"c1", 4), 3]
        assert await publisher.partitions("purchases") == 4
        assert producer.asked == 1
        with pytest.raises(BrokerAwayError, match="no topic"):
            await publisher.publish([Record("elsewhere", b"c1", b"{}")])
    assert producer.closed


async def test_before_the_broker_was_met_nothing_is_published() -> None:
    publisher = Publisher(Brokers("unused"), producer=MemoryProducer)
    with pytest.raises(BrokerAwayError):
        await publisher.publish([RECORD])
    await publisher.publish([])
    assert not publisher.ready


async def test_a_broken_producer_is_replaced_at_once() -> None:
    broken, fresh = MemoryProducer(ProducerBrokenError("out of order")), MemoryProducer()
    async with started(broken, fresh) as publisher:
        with pytest.raises(BrokerAwayError):
            await publisher.publish([RECORD])
        await publisher.publish([RECORD])
        assert len(fresh.written) == 1
        await until(lambda: broken.closed)


async def test_a_producer_that_writes_nothing_is_replaced_though_the_broker_answers() -> None:
    stuck, fresh = MemoryProducer(BrokerAwayError("timed out")), MemoryProducer()
    async with started(stuck, fresh) as publisher:
        tries = 0
        while not fresh.written:
            try:
                await publisher.publish([RECORD])
            except BrokerAwayError:
                tries += 1
                if not stuck.closed and publisher._producer is stuck:
                    assert not publisher.ready
                await asyncio.sleep(0.01)
        assert tries >= 3
        assert publisher.ready


async def test_an_idle_producer_that_does_not_reach_the_broker_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else an API that only reads is not ready for ever, though the broker is back."""
    monkeypatch.setattr(publishing, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr(publishing, "LOST_SECONDS", 0.05)
    lost, fresh = MemoryProducer(), MemoryProducer()
    async with started(lost, fresh) as publisher:
        lost.away = True
        await until(lambda: not publisher.ready)
        await until(lambda: publisher.ready)
        assert publisher._producer is fresh
        assert lost.closed


async def test_a_producer_is_kept_while_the_broker_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "WATCH_SECONDS", 0.01)
    producer = MemoryProducer(BrokerAwayError("timed out"))
    async with started(producer) as publisher:
        producer.away = True
        await until(lambda: not publisher.ready)
        for _ in range(12):
            with pytest.raises(BrokerAwayError):
                await publisher.publish([RECORD])
            await asyncio.sleep(0.01)
        producer.away = False
        producer.errors.clear()
        await publisher.publish([RECORD])
        await until(lambda: publisher.ready)


async def test_a_record_that_is_too_large_says_so() -> None:
    async with started(MemoryProducer(RecordTooLargeError("2 MiB"))) as publisher:
        with pytest.raises(RecordTooLargeError):
            await publisher.publish([RECORD])
        assert publisher.ready
