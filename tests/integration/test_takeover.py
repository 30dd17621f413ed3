"""A worker that is gone in the middle of a transaction does not hold up its successor; one that lives on
after its takeover can write nothing. Against the embedded MongoDB."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import _TxnState
from pymongo.errors import PyMongoError

from rapport.embedded.stack import start_mongo
from rapport.home import Home
from shared.domain import Handler
from shared.journal.epoch import Epochs
from shared.journal.plan import Entry, Plan, Timer
from shared.journal.store import DuplicateEventsError, WorkerStore
from shared.kafka.publisher import Record
from shared.runtime.mongo import Document
from shared.schemas.event import Event
from shared.schemas.timer import TimerFired
from shared.worker.processing import TIMER_TOPIC, FencedError, Origin
from tests.unit.journal.memory import HANDLER as TALLY
from tests.unit.journal.memory import Tally

AT = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)
HANDLER: Handler[Tally] = Handler("heir", TALLY.consumes, Tally, TALLY.initial, TALLY.apply)
Client = AsyncMongoClient[Document]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_mongo(Home(tmp_path_factory.mktemp("takeover"))) as part:
        yield f"mongodb://{part.address}/?directConnection=true"


@pytest.fixture
async def gone(address: str) -> AsyncIterator[Client]:
    client: Client = AsyncMongoClient(address, tz_aware=True)
    await client.drop_database("rapport_heir")
    yield client
    await client.close()


@pytest.fixture
async def heir(address: str) -> AsyncIterator[Client]:
    client: Client = AsyncMongoClient(address, tz_aware=True)
    yield client
    await client.close()


def firing(emitted: str, due_at: datetime = AT) -> Plan[Tally]:
    """Of the timer ``c|t``, which is not set anew."""
    data = TimerFired(name="t", due_at=due_at, payload={})
    event = Event(f"c|t|{due_at.isoformat()}", "/rapport/heir/timers", "c", due_at, data)
    record = Record("loyalty", b"c", emitted.encode())
    entry = Entry(event, Origin(TIMER_TOPIC, -1, -1), None, None, (record,))
    return Plan(entries=[entry], timers={"c|t": None}, fired={"c|t": due_at})


async def prepared(client: Client) -> WorkerStore[Tally]:
    store = WorkerStore(client, HANDLER)
    await store.prepare()
    return store


async def set_timer(store: WorkerStore[Tally], epoch: int, due_at: datetime) -> None:
    plan: Plan[Tally] = Plan(timers={"c|t": Timer("c", "t", due_at)})
    await store.write(plan, {}, partition=2, epoch=epoch, attempt=1, watermark=None)


async def test_the_successor_ends_what_the_writer_before_left_open(gone: Client, heir: Client) -> None:
    before, after = Epochs(gone, gone["rapport_heir"]), Epochs(heir, heir["rapport_heir"])
    rows = heir["rapport_heir"]["rows"]
    await rows.insert_one({"_id": "c", "n": 0})
    epoch = (await before.take_over(2, 4))["epoch"]
    opened, over = asyncio.Event(), asyncio.Event()

    async def dies() -> None:
        async with before.transaction({2: epoch}) as session:
            await before.write(2, epoch, {}, session)
            await gone["rapport_heir"]["rows"].update_one({"_id": "c"}, {"$inc": {"n": 1}}, session=session)
            opened.set()
            await over.wait()

    dying = asyncio.create_task(dies())
    await opened.wait()
    async with asyncio.timeout(10):
        await after.take_over(1, 4)  # another partition's writer may live on
        assert not dying.done()
        mine = (await after.take_over(2, 4))["epoch"]
        assert mine == epoch + 1
        async with after.transaction({2: mine}) as session:
            await after.write(2, mine, {}, session)
            await rows.update_one({"_id": "c"}, {"$inc": {"n": 10}}, session=session)
    over.set()
    with pytest.raises((PyMongoError, FencedError)):
        await dying
    assert await rows.find_one({"_id": "c"}) == {"_id": "c", "n": 10}
    with pytest.raises(FencedError):
        await before.settle(2, epoch)


async def test_a_transaction_of_timers_alone_is_fenced(gone: Client, heir: Client) -> None:
    old, new = await prepared(gone), await prepared(heir)
    epoch = await old.take_over(2, 4)
    await set_timer(old, epoch, AT)
    mine = await new.take_over(2, 4)
    with pytest.raises(FencedError):
        await old.write(firing("old"), {}, partition=2, epoch=epoch, attempt=1, watermark=None)
    with pytest.raises(FencedError):
        await old.clear_outbox(2, epoch, [])
    with pytest.raises(FencedError):
        await old.prove(2, epoch)
    assert [t.due_at for t in await new.due_timers(0, 1, LATER, 10)] == [AT]
    await new.write(firing("new"), {}, partition=2, epoch=mine, attempt=1, watermark=LATER)
    assert await new.due_timers(0, 1, LATER, 10) == []
    assert [r.value for records in (await new.outbox(2)).values() for r in records] == [b"new"]
    assert await new.watermark(2) == LATER


async def test_a_row_goes_only_as_it_was_read(gone: Client) -> None:
    store = await prepared(gone)
    epoch = await store.take_over(2, 4)
    await set_timer(store, epoch, LATER)  # moved since it was read
    await store.write(firing("a"), {}, partition=2, epoch=epoch, attempt=1, watermark=None)
    assert [t.due_at for t in await store.due_timers(0, 1, LATER, 10)] == [LATER]


async def test_the_outbox_gets_entries_and_loses_those_that_were_published(gone: Client) -> None:
    store = await prepared(gone)
    epoch = await store.take_over(2, 4)
    first, second = firing("a"), firing("b", LATER)
    for plan in (first, second):
        await store.write(plan, {}, partition=2, epoch=epoch, attempt=1, watermark=LATER)
    assert list(await store.outbox(2)) == first.outbox + second.outbox
    await store.clear_outbox(2, epoch, first.outbox)
    assert list(await store.outbox(2)) == second.outbox
    await store.take_over(2, 4)
    assert list(await store.outbox(2)) == second.outbox, "a takeover keeps it"


async def test_after_settling_nothing_that_was_left_open_can_commit(gone: Client) -> None:
    """The connection breaks between the writes and the commit."""
    store = await prepared(gone)
    epoch = await store.take_over(2, 4)
    epochs = store._epochs

    async def breaks() -> None:
        async with epochs.transaction({2: epoch}) as session:
            await epochs.write(2, epoch, {}, session)
            session._transaction.state = _TxnState.COMMITTED  # so that the driver does not abort it
            raise OSError("the connection broke")

    with pytest.raises(OSError, match="connection"):
        await breaks()
    async with asyncio.timeout(10):
        assert await store.settle(2, epoch) == 0
        await store.write(firing("a"), {}, partition=2, epoch=epoch, attempt=7, watermark=None)
    assert await store.settle(2, epoch) == 7
    with pytest.raises(DuplicateEventsError):
        await store.write(firing("a"), {}, partition=2, epoch=epoch, attempt=1, watermark=None)


async def test_after_growth_event_time_is_where_it_was_for_the_keys_that_moved(gone: Client) -> None:
    """Of two partitions one becomes three of four: whoever moved keeps the time that has been told."""
    store = await prepared(gone)
    assert await store.first_count() == 0
    for partition, watermark in ((0, AT), (1, LATER)):
        epoch = await store.take_over(partition, 2)
        plan: Plan[Tally] = Plan()
        await store.write(plan, {}, partition=partition, epoch=epoch, attempt=1, watermark=watermark)
    for partition in (3, 2, 1, 0):
        await store.take_over(partition, 4)
    assert [await store.watermark(p) for p in range(4)] == [AT, LATER, AT, LATER]
    assert await store.first_count() == 2
    await store.take_over(4, 5)
    assert await store.watermark(4) == LATER, "of five, its keys may have been in any"


async def test_one_taken_over_later_begins_where_the_others_were_when_topics_grew(gone: Client) -> None:
    """Else timers of a customer who moved there fire that are not due by what their partition told."""
    store = await prepared(gone)
    epoch = await store.take_over(0, 1)
    await store.write(Plan[Tally](), {}, partition=0, epoch=epoch, attempt=1, watermark=AT)
    epoch = await store.take_over(0, 2)
    await store.write(Plan[Tally](), {}, partition=0, epoch=epoch, attempt=1, watermark=LATER)
    await store.take_over(1, 2)
    assert [await store.watermark(p) for p in range(2)] == [LATER, AT]
