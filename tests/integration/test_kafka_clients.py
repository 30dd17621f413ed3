"""The protocols of Kafka's clients on a real broker: order of changes, commits, bounds when it is frozen."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from time import monotonic

import pytest
from kafka.admin import MemberToRemove

from rapport.broker import admin
from rapport.embedded.stack import start_kafka
from rapport.home import Home
from shared.kafka.brokers import Brokers
from shared.kafka.clients import (
    Assigned,
    BrokerAwayError,
    KafkaRecord,
    Lost,
    Polled,
    Record,
    RecordTooLargeError,
    Revoked,
    TopicPartition,
)
from shared.kafka.librdkafka_consumer import LibrdkafkaConsumer, consumer_options
from shared.kafka.librdkafka_producer import LibrdkafkaProducer, producer_options
from tests.frozen import frozen

TOPIC = "purchases"
ZERO = (TOPIC, 0)


class Broker:
    def __init__(self, address: str, pid: int) -> None:
        self.address = address
        self.pid = pid

    def drop_members(self, group: str) -> None:
        with admin(Brokers(self.address)) as client:
            members = client.describe_groups([group])[group]["members"]
            client.remove_group_members(group, [MemberToRemove(m["member_id"]) for m in members])

    def member(self, group: str) -> LibrdkafkaConsumer:
        options = consumer_options(group, session_seconds=6.0, poll_seconds=60.0)
        return LibrdkafkaConsumer(Brokers(self.address), options, [TOPIC])


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with start_kafka(Home(tmp_path_factory.mktemp("clients"))) as part:
        assert part.pid is not None
        yield Broker(part.address, part.pid)


@pytest.fixture
async def producer(broker: Broker) -> AsyncIterator[LibrdkafkaProducer]:
    client = LibrdkafkaProducer(
        Brokers(broker.address), producer_options(timeout=2.0, largest=2 * 1024 * 1024)
    )
    yield client
    await client.close(2.0)


@pytest.fixture
def group() -> str:
    return f"group-{uuid.uuid4().hex[:8]}"


def made(count: int) -> list[Record]:
    headers = (("twice", b"1"), ("twice", b""))
    return [Record(TOPIC, None, b"%d" % n, headers, partition=n % 4) for n in range(count)]


async def change(member: LibrdkafkaConsumer, seconds: float = 30.0) -> Polled:
    """Its next change of the group."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        polled = await member.poll(0.1, 100, ())
        if not isinstance(polled, Sequence):
            return polled
        assert not polled  # nothing is read before it is begun, or where there is no room
    raise TimeoutError


async def assigned(member: LibrdkafkaConsumer) -> Assigned:
    found = await change(member)
    assert isinstance(found, Assigned)
    return found


async def begun(member: LibrdkafkaConsumer, taken: Assigned) -> bool:
    try:
        return await member.start(taken, {})
    except BrokerAwayError:
        return False


async def read(member: LibrdkafkaConsumer, held: frozenset[TopicPartition], count: int) -> list[KafkaRecord]:
    records: list[KafkaRecord] = []
    async with asyncio.timeout(20):
        while len(records) < count:
            polled = await member.poll(0.1, 50, held)
            assert isinstance(polled, Sequence)
            records += polled
    return records


async def test_what_a_member_releases_its_successor_goes_on_from(
    broker: Broker, producer: LibrdkafkaProducer, group: str
) -> None:
    assert (await producer.counts())[TOPIC] == 4
    await producer.send(made(40), 5.0)
    first = broker.member(group)
    taken = await assigned(first)
    assert taken.held == {(TOPIC, p) for p in range(4)}
    assert await first.partitions(TOPIC) == 4
    assert await first.partitions("nowhere") == 0
    assert await first.start(taken, {})
    records = await read(first, taken.held, 40)
    mine = [r for r in records if (r.topic, r.partition) == ZERO]
    assert [r.offset for r in mine] == list(range(mine[0].offset, mine[0].offset + len(mine)))
    assert records[0].headers == (("twice", b"1"), ("twice", b""))
    assert not await first.unread(taken.held)
    assert await first.start(taken, {ZERO: 3})  # again, from elsewhere
    assert await first.unread([ZERO]) == [ZERO]
    again = await read(first, frozenset({ZERO}), len(mine) - 3)
    assert [r.offset for r in again if r.partition == 0] == list(range(3, len(mine)))

    second = broker.member(group)
    joining = asyncio.create_task(assigned(second))
    gone = await change(first)
    assert isinstance(gone, Revoked)
    first.release(gone, {(TOPIC, p): 7 for p in range(4)})
    rest = await assigned(first)
    assert not await first.start(taken, {})  # that one is over
    given = await joining
    assert rest.held | given.held == taken.held
    assert not rest.held & given.held
    assert await second.start(given, {})
    offsets: dict[int, int] = {}
    for r in await read(second, given.held, len(given.held)):
        offsets.setdefault(r.partition, r.offset)
    assert set(offsets.values()) == {7}
    assert await second.close(5.0)
    assert await first.close(5.0)


async def test_a_poll_brings_about_as_many_bytes_as_it_is_asked_for(
    broker: Broker, producer: LibrdkafkaProducer, group: str
) -> None:
    """With a client that holds less ready than a single record has."""
    large = [Record(TOPIC, None, b"%d" % n + b"x" * 1_900_000, partition=1) for n in range(9)]
    await producer.send(large, 20.0)
    options = consumer_options(group, session_seconds=6.0, poll_seconds=60.0, fetch_bytes=1024 * 1024)
    member = LibrdkafkaConsumer(Brokers(broker.address), options, [TOPIC])
    taken = await assigned(member)
    assert await member.start(taken, {})
    found: list[KafkaRecord] = []
    async with asyncio.timeout(30):
        while sum(r.size > 1_000_000 for r in found) < 9:
            polled = await member.poll(0.1, 500, taken.held, 4_000_000)
            assert isinstance(polled, Sequence)
            assert sum(r.size for r in polled) < 4_000_000 + 2_000_000
            found += polled
    order = [r.value[:1] for r in found if r.size > 1_000_000 and r.value]
    assert order == [b"%d" % n for n in range(9)]
    assert await member.close(5.0)


async def test_a_change_is_told_before_what_was_fetched_ahead(
    broker: Broker, producer: LibrdkafkaProducer, group: str
) -> None:
    """So a member that takes a record at a time beside a slow batch still lets go in time."""
    await producer.send([Record(TOPIC, None, b"x", partition=n % 4) for n in range(4000)], 20.0)
    first = broker.member(group)
    taken = await assigned(first)
    assert await first.start(taken, {})
    await read(first, taken.held, 1)
    await asyncio.sleep(1.0)  # the rest is fetched by now
    second = broker.member(group)
    joining = asyncio.create_task(assigned(second))
    polls = 0
    async with asyncio.timeout(20):
        while isinstance(polled := await first.poll(0.0, 1, taken.held), Sequence):
            polls += 1
            await asyncio.sleep(0.02)
    assert isinstance(polled, Revoked)
    assert polls < 1000
    first.release(polled, {})
    await change(first)
    await joining
    assert await second.close(5.0)
    assert await first.close(5.0)


async def test_a_commit_is_acknowledged_and_nothing_that_is_not_held_is_committed(
    broker: Broker, producer: LibrdkafkaProducer, group: str
) -> None:
    await producer.send(made(4), 5.0)
    first = broker.member(group)
    taken = await assigned(first)
    assert await first.start(taken, {})
    first.commit({ZERO: 1, ("elsewhere", 0): 1})
    assert first.uncommitted_for > 0
    async with asyncio.timeout(10):
        while first.uncommitted_for:
            await first.poll(0.05, 10, ())
    assert await first.close(5.0)
    second = broker.member(group)
    taken = await assigned(second)
    assert await second.start(taken, {})
    assert (await read(second, frozenset({ZERO}), 1))[0].offset == 1
    assert await second.close(5.0)


async def test_every_call_is_bounded_while_the_broker_is_frozen(
    broker: Broker, producer: LibrdkafkaProducer, group: str
) -> None:
    member = broker.member(group)
    taken = await assigned(member)
    assert await member.start(taken, {})
    with frozen(broker.pid):
        member.commit({ZERO: 1})
        calls: tuple[tuple[float, Callable[[], Awaitable[object]]], ...] = (
            (2.2, lambda: member.unread([ZERO])),
            (5.2, lambda: member.partitions(TOPIC)),
            (5.2, lambda: member.start(taken, {})),
            (5.2, lambda: member.confirm(taken)),
            (2.2, producer.counts),
            (4.0, lambda: producer.send(made(4), 3.0)),
        )
        for bound, call in calls:
            began = monotonic()
            try:
                answer = await call()
            except BrokerAwayError:
                assert monotonic() - began < bound
            else:
                pytest.fail(f"after {monotonic() - began:.3f} s, with a bound of {bound} s, it said {answer}")
        assert isinstance(await change(member, 20.0), Lost)
        began = monotonic()
        assert await member.poll(0.1, 10, ()) == []
        assert monotonic() - began < 1.0
        leaving = broker.member(group)
        await leaving.poll(0.5, 10, ())
        began = monotonic()
        await leaving.close(1.0)
        assert monotonic() - began < 1.5
    # Its leaders have another epoch now, which every client has to notice by itself.
    await producer.send(made(4), 10.0)
    taken = await assigned(member)
    async with asyncio.timeout(20):
        while not await begun(member, taken):
            await member.poll(0.5, 10, ())
        assert await member.unread([ZERO]) == [ZERO]
    assert await member.close(5.0)


async def confirmed(member: LibrdkafkaConsumer, taken: Assigned) -> bool:
    """The group's answer, for which it is polled as the record loop does it."""
    asked = asyncio.create_task(member.confirm(taken))
    while not asked.done():
        polled = await member.poll(0.05, 10, ())
        assert isinstance(polled, Lost) or not polled
    return await asked


async def test_the_group_confirms_what_a_member_holds_and_nothing_else(
    broker: Broker, producer: LibrdkafkaProducer, group: str
) -> None:
    await producer.send(made(4), 5.0)
    first = broker.member(group)
    taken = await assigned(first)
    assert await confirmed(first, taken)  # nothing is begun, nor committed
    assert await first.start(taken, {ZERO: 1})
    first.commit({ZERO: 1})
    assert await confirmed(first, taken)  # beside a commit
    assert await confirmed(first, taken)
    await asyncio.to_thread(broker.drop_members, group)  # as it would drop one that slept
    assert not await confirmed(first, taken)
    again = await assigned(first)
    assert not await confirmed(first, taken)
    assert await first.start(again, {})
    assert await first.unread([ZERO])
    assert await first.close(5.0)
    second = broker.member(group)
    taken = await assigned(second)
    assert await second.start(taken, {})
    assert (await read(second, frozenset({ZERO}), 1))[0].offset == 1  # a confirmation commits no news
    assert await second.close(5.0)


async def test_a_record_that_is_too_large_says_so_and_the_others_are_written(
    producer: LibrdkafkaProducer,
) -> None:
    with pytest.raises(RecordTooLargeError):
        await producer.send([Record(TOPIC, None, b"x" * 3 * 1024 * 1024, partition=0)], 5.0)
    await producer.send(made(4), 5.0)
