"""Other systems write in transactions: what is aborted or open is not read, and markers in the log are not
taken for records that wait."""

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import Producer

from rapport.embedded.stack import start_kafka
from rapport.home import Home
from shared.kafka.brokers import Brokers
from shared.kafka.clients import Assigned, KafkaRecord
from shared.kafka.librdkafka_consumer import LibrdkafkaConsumer, consumer_options

TOPIC = "purchases"
PLACE = (TOPIC, 0)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_kafka(Home(tmp_path_factory.mktemp("transactions"))) as part:
        yield part.address


@pytest.fixture
async def member(address: str) -> LibrdkafkaConsumer:
    group = f"group-{uuid.uuid4().hex[:8]}"
    options = consumer_options(group, session_seconds=6.0, poll_seconds=60.0)
    return LibrdkafkaConsumer(Brokers(address), options, [TOPIC])


@contextmanager
def transaction(address: str) -> Iterator[Any]:
    producer = Producer({"bootstrap.servers": address, "transactional.id": uuid.uuid4().hex})
    producer.init_transactions(20)
    producer.begin_transaction()
    yield producer


def write(producer: Any, value: bytes) -> None:
    producer.produce(TOPIC, value, partition=0)
    producer.flush(10)


async def begun(member: LibrdkafkaConsumer) -> Assigned:
    async with asyncio.timeout(30):
        while True:
            polled = await member.poll(0.1, 100, ())
            if isinstance(polled, Assigned):
                assert await member.start(polled, {})
                return polled


async def read(member: LibrdkafkaConsumer, seconds: float) -> list[KafkaRecord]:
    records: list[KafkaRecord] = []
    until = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < until:
        polled = await member.poll(0.1, 50, frozenset({PLACE}))
        assert isinstance(polled, Sequence)
        records += polled
    return records


async def test_of_transactions_only_what_is_committed_is_read_and_nothing_else_waits(
    address: str, member: LibrdkafkaConsumer
) -> None:
    await begun(member)
    with transaction(address) as kept, transaction(address) as dropped:
        write(dropped, b"dropped")
        write(kept, b"kept")
        assert await read(member, 2.0) == []  # both are open
        dropped.abort_transaction(20)
        kept.commit_transaction(20)
    assert [r.value for r in await read(member, 3.0)] == [b"kept"]
    assert await member.unread([PLACE]) == []  # only a marker follows
    with transaction(address) as dropped:
        write(dropped, b"dropped again")
        dropped.abort_transaction(20)
    assert await read(member, 3.0) == []
    assert await member.unread([PLACE]) == []
    await member.close(2.0)
