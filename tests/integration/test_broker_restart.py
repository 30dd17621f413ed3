"""A broker that is away for longer than a session: once it is back, its reader goes on in less than one."""

import asyncio
import uuid
from collections.abc import Iterator, Sequence
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
"""Once the broker takes requests. A member that waits for the one it was before, or for a request to join
that nobody stands behind any more, joins a session after that at the earliest. One that need not wait is
there after the pauses of its clients: a second or so, and some three where each is met at its beginning."""


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


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_it_reads_again_in_less_than_a_session_from_the_brokers_return(kafka: Part, how: str) -> None:
    reader = Reader(kafka.address)
    producer = LibrdkafkaProducer(Brokers(kafka.address), producer_options(timeout=5.0, largest=1024 * 1024))
    running = asyncio.create_task(reader.run())
    try:
        await producer.send([Record(TOPIC, None, b"before", partition=0)], 10.0)
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
        back = monotonic()
        assert reader.lost == 1
        await producer.send([Record(TOPIC, None, b"after", partition=0)], 10.0)
        await reader.has_read(b"after", 30.0)
        assert monotonic() - back < READS_WITHIN
    finally:
        running.cancel()
        await producer.close(1.0)
        await reader.client.close(1.0)
