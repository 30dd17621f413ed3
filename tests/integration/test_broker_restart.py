"""A broker that is away for longer than a session: once it is back, its reader goes on in less than one."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from rapport.embedded.part import Part
from rapport.embedded.stack import start_kafka
from rapport.home import Home
from shared.kafka.brokers import Brokers
from shared.kafka.clients import Assigned, BrokerAwayError, Lost, Record, Revoked
from shared.kafka.librdkafka_consumer import LibrdkafkaConsumer, consumer_options
from shared.kafka.librdkafka_producer import LibrdkafkaProducer, producer_options
from tests.frozen import frozen

TOPIC = "purchases"
SESSION_SECONDS = 6.0
AWAY_SECONDS = SESSION_SECONDS + 3.0
READS_WITHIN = SESSION_SECONDS
"""Once a group that is new can be joined and read by, however long the broker takes until then. A member that
waits for the one it was before, or for a request to join that nobody stands behind any more, joins a session
after that at the earliest. One that need not wait is there as soon as the other, or a pause of its clients
later."""
WRITES_WITHIN = 60.0


@pytest.fixture
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Part]:
    with start_kafka(Home(tmp_path_factory.mktemp("restart"))) as part:
        yield part


class Reader:
    """A member that takes over what it is given, as the record loop does."""

    def __init__(self, address: str) -> None:
        group = f"group-{uuid.uuid4().hex[:8]}"
        options = consumer_options(group, session_seconds=SESSION_SECONDS, poll_seconds=60.0)
        self.client = LibrdkafkaConsumer(Brokers(address), options, [TOPIC])
        self.read: list[bytes | None] = []
        self.lost = 0
        self._news = asyncio.Event()
        self._taken: Assigned | None = None
        self._begun = False

    async def run(self) -> None:
        while True:
            room = self._taken.held if self._taken is not None and self._begun else ()
            polled = await self.client.poll(0.1, 100, room)
            if isinstance(polled, Sequence):
                self.read += [record.value for record in polled]
                self._news.set()
                if self._taken is not None and not self._begun:
                    await self._begin(self._taken)
                continue
            self._taken, self._begun = None, False
            if isinstance(polled, Assigned):
                self._taken = polled
            elif isinstance(polled, Revoked):
                self.client.release(polled, {})
            self.lost += isinstance(polled, Lost)

    async def _begin(self, taken: Assigned) -> None:
        try:
            self._begun = await self.client.start(taken, {})
        except BrokerAwayError:
            await asyncio.sleep(0.2)

    async def has_read(self, value: bytes, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while value not in self.read:
                self._news.clear()
                await self._news.wait()


async def written(producer: LibrdkafkaProducer, value: bytes) -> None:
    """A broker that is just back may take nothing for some seconds: it is tried again."""
    async with asyncio.timeout(WRITES_WITHIN):
        while True:
            try:
                return await producer.send([Record(TOPIC, None, value, partition=0)], 10.0)
            except BrokerAwayError:
                continue


@asynccontextmanager
async def closed(*clients: LibrdkafkaConsumer | LibrdkafkaProducer) -> AsyncIterator[None]:
    """Closed at the end, whatever happened."""
    try:
        yield
    finally:
        for client in clients:
            await client.close(1.0)


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_it_reads_again_in_less_than_a_session_from_the_brokers_return(kafka: Part, how: str) -> None:
    reader = Reader(kafka.address)
    producer = LibrdkafkaProducer(Brokers(kafka.address), producer_options(timeout=5.0, largest=1024 * 1024))
    async with closed(reader.client, producer), asyncio.TaskGroup() as group:
        running = group.create_task(reader.run())
        await written(producer, b"before")
        await reader.has_read(b"before", 30.0)
        if how == "killed":
            await asyncio.to_thread(kafka.kill)
            await asyncio.sleep(AWAY_SECONDS)
            await asyncio.to_thread(kafka.start)
            await asyncio.to_thread(kafka.wait_ready)
        else:
            assert kafka.pid is not None
            with frozen(kafka.pid):
                await asyncio.sleep(AWAY_SECONDS)
        assert reader.lost == 1
        await written(producer, b"after")
        other = Reader(kafka.address)
        async with closed(other.client), asyncio.TaskGroup() as beside:
            joining = beside.create_task(other.run())
            await other.has_read(b"after", 60.0)
            joining.cancel()
        back = monotonic()
        await reader.has_read(b"after", 60.0)
        assert monotonic() - back < READS_WITHIN
        running.cancel()
