"""``WorkerStore`` against the embedded MongoDB: shared counters under two writers, sums, rejected events."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from rapport.embedded.stack import start_mongo
from rapport.home import Home
from shared.domain import Context, Effects, Handler, Take
from shared.journal import epoch
from shared.journal.counters import Counters
from shared.journal.plan import Entry, Plan, Tombstone
from shared.journal.processor import JournalProcessor
from shared.journal.store import CountersMovedError, DuplicateEventsError, WorkerStore
from shared.kafka.brokers import Brokers
from shared.kafka.publisher import Publisher, Record
from shared.runtime.mongo import Document
from shared.schemas.base import Frozen, Money
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseItem, PurchaseMade
from shared.worker.processing import Batch, Message, Origin
from shared.worker.retry import passes

AT = datetime(2026, 1, 1, tzinfo=UTC)
STOCK = 40


class Gifts(Frozen):
    had: int = 0
    refused: int = 0


def apply(state: Gifts, event: Event, context: Context) -> Effects[Gifts]:
    if context.used("stock") >= STOCK:
        return Effects(state.model_copy(update={"refused": state.refused + 1}))
    return Effects(state.model_copy(update={"had": state.had + 1}), takes=(Take("stock", 1, STOCK),))


HANDLER: Handler[Gifts] = Handler("counting", (PurchaseMade,), Gifts, lambda customer: Gifts(), apply)


def sale(name: str, customer: str) -> Event:
    price = Money(amount=1, currency="EUR")
    item = PurchaseItem(sku="tea", quantity=1, unit_price=price)
    return Event(
        name, "/till", customer, AT, PurchaseMade(order_id=name, channel="web", total=price, items=(item,))
    )


def entry(name: str, offset: int = 0, *emitted: Record) -> Entry:
    return Entry(sale(name, "c"), Origin("purchases", 0, offset), None, None, emitted)


def taking(name: str, stored: int | None, *takes: Take) -> Plan[Gifts]:
    counters = Counters({"stock": stored})
    counters.take(takes)
    return Plan(entries=[entry(name)], counters=counters)


class Accepting(Publisher):
    async def publish(self, records: Any) -> None:
        """Acknowledged at once."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_mongo(Home(tmp_path_factory.mktemp("counters"))) as part:
        yield f"mongodb://{part.address}/?directConnection=true"


@pytest.fixture
async def client(address: str) -> AsyncIterator[AsyncMongoClient[Document]]:
    client: AsyncMongoClient[Document] = AsyncMongoClient(address, tz_aware=True)
    await client.drop_database("rapport_counting")
    yield client
    await client.close()


@pytest.fixture
async def store(client: AsyncMongoClient[Document]) -> WorkerStore[Gifts]:
    store = WorkerStore(client, HANDLER)
    await store.prepare()
    assert await store.take_over(3, 4) == 1
    return store


async def write(store: WorkerStore[Gifts], plan: Plan[Gifts], **options: Any) -> None:
    await store.write(plan, {}, partition=3, epoch=1, attempt=1, watermark=None, **options)


async def test_workers_that_start_together_find_all_collections(client: AsyncMongoClient[Document]) -> None:
    await asyncio.gather(*(WorkerStore(client, HANDLER).prepare() for _ in range(3)))
    there = await client["rapport_counting"].list_collection_names()
    assert {"state", "journal", "timers", "partitions", "counters"} <= set(there)


async def test_takes_hold_up_to_the_limit_and_a_failed_one_leaves_nothing(store: WorkerStore[Gifts]) -> None:
    assert await store.counters(["stock", "other"]) == {"stock": None, "other": None}
    await write(store, taking("a", None, Take("stock", 3, 5)))
    assert await store.counters(["stock"]) == {"stock": 3}
    for stale in (None, 0, 2):  # as read before the first; 0 and 2 would leave room for 3 more
        for first in (False, True):
            with pytest.raises(CountersMovedError):
                await write(store, taking("b", stale, Take("stock", 3, 5)), counters_first=first)
    assert await store.journalled(["/till b c"]) == {}
    await write(store, taking("b", 2, Take("stock", 2, 5)))  # stale too, but there is room
    await write(store, taking("c", 5, Take("stock", -4)))
    await write(store, taking("d", 1, Take("stock", 9)))
    assert await store.counters(["stock"]) == {"stock": 10}


async def test_giving_back_to_a_counter_without_a_document_makes_one(store: WorkerStore[Gifts]) -> None:
    await write(store, taking("a", None, Take("stock", -2)))
    assert await store.counters(["stock"]) == {"stock": -2}


async def test_a_redelivery_takes_nothing_again(store: WorkerStore[Gifts]) -> None:
    await write(store, taking("a", None, Take("stock", 1, 5)))
    with pytest.raises(DuplicateEventsError):
        await write(store, taking("a", 1, Take("stock", 1, 5)))
    assert await store.counters(["stock"]) == {"stock": 1}


@pytest.mark.parametrize("stored", [None, 0])
async def test_of_two_transactions_at_once_one_is_told_that_the_counter_moved(
    store: WorkerStore[Gifts], client: AsyncMongoClient[Document], stored: int | None
) -> None:
    if stored is not None:
        await client["rapport_counting"]["counters"].insert_one({"_id": "stock", "used": stored})
    plans = [taking("a", stored, Take("stock", 1, 5)), taking("b", stored, Take("stock", 1, 5))]
    async with client.start_session() as other, await other.start_transaction():
        await client["rapport_counting"]["counters"].update_one(
            {"_id": "stock"}, {"$inc": {"used": 1}}, upsert=True, session=other
        )
        for plan, first in zip(plans, (False, True), strict=True):
            with pytest.raises(CountersMovedError):
                await write(store, plan, counters_first=first)
    assert await store.counters(["stock"]) == {"stock": 1}
    assert await store.journalled(["/till a c", "/till b c"]) == {}


async def test_two_workers_on_one_stock_give_out_exactly_what_there_is(
    store: WorkerStore[Gifts], address: str
) -> None:
    async def worker(partition: int) -> None:
        client: AsyncMongoClient[Document] = AsyncMongoClient(address, tz_aware=True)
        mine = WorkerStore(client, HANDLER)
        target = JournalProcessor(
            HANDLER, mine, Accepting(Brokers("unused:1")), secret_key=b"k" * 16, stream=False
        )
        await target.assigned(frozenset({partition}), 2)
        for n in range(12):
            events = [sale(f"{partition}-{n}-{i}", f"c{partition}-{i}") for i in range(1 + 3 * (n % 2))]
            messages = [
                Message(partition, AT, event, Origin("purchases", partition, 10 * n + i))
                for i, event in enumerate(events)
            ]
            await target.process(Batch(partition, 3, tuple(messages), AT, AT))
        await client.close()

    await asyncio.gather(*(worker(p) for p in range(3)))
    states = await store.database["state"].find().to_list()
    assert await store.counters(["stock"]) == {"stock": STOCK}
    told = [json.loads(s["data"]) for s in states]
    assert sum(one["had"] for one in told) == STOCK
    assert sum(one["had"] + one["refused"] for one in told) == 3 * 30
    assert await store.database["journal"].count_documents({}) == 3 * 30


async def test_increments_add_up_in_a_partitions_own_document(store: WorkerStore[Gifts]) -> None:
    for n, plan in enumerate((Plan[Gifts](), Plan[Gifts]())):
        plan.entries = [entry(str(n))]
        plan.increments = {("days", "d1"): {"sales": 5 - 7 * n, "orders": 1}, ("days", "d2"): {"sales": 1}}
        await write(store, plan)
    assert await store.database["days"].find().sort("_id", 1).to_list() == [
        {"_id": "3|d1", "key": "d1", "sales": 3, "orders": 2},
        {"_id": "3|d2", "key": "d2", "sales": 2},
    ]


async def test_a_rejected_event_is_known_by_its_place_and_replaced_under_its_id(
    store: WorkerStore[Gifts],
) -> None:
    dead_letter = Record("purchases.dlq", b"c", b"{}", (("rapport-error", b"bad"),), 3)
    await write(store, Plan(entries=[entry("r", 1)]))
    tombstones = {"/till r c": Tombstone(sale("r", "c"), Origin("purchases", 0, 1), 2)}
    await write(
        store, Plan(entries=[entry("cause", 2, dead_letter)], tombstones=tombstones, forgotten={"/till r c"})
    )
    found = await store.journalled(["/till r c", "/till cause c"])
    assert (found["/till r c"].until, found["/till r c"].origin.offset) == (2, 1)
    assert found["/till cause c"].emitted == (dead_letter,)
    with pytest.raises(DuplicateEventsError):
        await write(store, Plan(entries=[entry("r", 3)]))
    await write(store, Plan(entries=[entry("r", 3)], forgotten={"/till r c"}))
    found = await store.journalled(["/till r c"])
    assert (found["/till r c"].retracted, found["/till r c"].origin.offset) == (False, 3)


async def test_a_transaction_has_a_limit_and_what_it_wrote_is_gone_at_once(
    store: WorkerStore[Gifts], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver's own limit is for each call: a slow one after the other would go on without end."""
    counting = store._write_counters

    async def slowly(*arguments: Any) -> None:
        await asyncio.sleep(0.5)
        await counting(*arguments)

    with monkeypatch.context() as slow:
        slow.setattr(epoch, "WRITING_SECONDS", 0.3)
        slow.setattr(store, "_write_counters", slowly)
        with pytest.raises(PyMongoError) as late:
            await write(store, taking("a", None, Take("stock", 3, 5)))
    assert late.value.timeout
    assert passes(late.value)
    async with asyncio.timeout(2):  # nobody waits for what it had locked
        await write(store, taking("a", None, Take("stock", 3, 5)))
    assert await store.counters(["stock"]) == {"stock": 3}
