"""The eraser against the embedded MongoDB: rows and journal go, it is told once, and whoever came back with
an older store goes again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pytest
from pymongo import AsyncMongoClient

from rapport.embedded.stack import start_mongo
from rapport.home import Home
from services.interactions.settings import InteractionsSettings
from services.interactions.worker import handler as at_the_desk
from services.loyalty.settings import LoyaltySettings
from services.loyalty.worker import handler
from shared.domain import Handler
from shared.journal.processor import JournalProcessor
from shared.journal.store import WorkerStore
from shared.journal.testing_results import event_of
from shared.kafka.brokers import Brokers
from shared.kafka.publisher import Publisher, Record
from shared.runtime.mongo import Document
from shared.schemas.base import Data, Money
from shared.schemas.commands.customers import CustomerMergeRequested, CustomerUnmergeRequested
from shared.schemas.commands.loyalty import MemberEnrolRequested
from shared.schemas.customers import (
    CustomerErased,
    CustomerMerged,
    CustomerRegistered,
    CustomerUnmerged,
    ErasureCompleted,
    ErasureLifted,
)
from shared.schemas.event import COMMANDS, Event
from shared.schemas.feedback import ReferralMade
from shared.schemas.purchases import PurchaseItem, PurchaseMade
from shared.worker.processing import Batch, Message, Origin

AT = datetime(2026, 1, 1, tzinfo=UTC)
KEY = "k" * 16
MARK = "marked-customer"


class Kept(Publisher):
    """Acknowledged at once, and kept."""

    def __init__(self) -> None:
        super().__init__(Brokers("unused:1"))
        self.records: list[Record] = []

    async def publish(self, records: Any) -> None:
        self.records += records


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_mongo(Home(tmp_path_factory.mktemp("eraser"))) as part:
        yield f"mongodb://{part.address}/?directConnection=true"


@pytest.fixture
async def client(address: str) -> AsyncIterator[AsyncMongoClient[Document]]:
    async with AsyncMongoClient[Document](address, tz_aware=True) as found:
        for service in ("loyalty", "interactions"):
            await found.drop_database(f"rapport_{service}")
        yield found


async def worker(client: AsyncMongoClient[Document], publisher: Publisher) -> JournalProcessor[Any]:
    settings = LoyaltySettings(kafka="nowhere:1", mongo="mongodb://nowhere", secret_key=KEY)
    return await begun(client, publisher, handler(settings))


async def begun(
    client: AsyncMongoClient[Document], publisher: Publisher, handler: Handler[Any]
) -> JournalProcessor[Any]:
    store = WorkerStore(client, handler)
    await store.prepare()
    found = JournalProcessor(handler, store, publisher, secret_key=KEY.encode(), stream=False)
    await found.assigned(frozenset({0}), 1)
    return found


def bought(order: str) -> Data:
    price = Money(amount=5_000, currency="EUR")
    item = PurchaseItem(sku="tea", quantity=1, unit_price=price)
    return PurchaseMade(order_id=order, channel="web", total=price, items=(item,))


async def tell(target: JournalProcessor[Any], start: int, *told: tuple[str, Data]) -> None:
    messages = [
        Message(0, AT, Event(f"e{n}", "/api/till", who, AT, data), Origin(data.topic, 0, n))
        for n, (who, data) in enumerate(told, start)
    ]
    now = AT + timedelta(minutes=1)
    await target.process(Batch(0, 1, tuple(messages), now, now))


async def work(target: JournalProcessor[Any], database: Any, seconds: float = 60) -> None:
    """As the loop calls it, until no chore is left."""
    settled = None
    async with asyncio.timeout(seconds):
        while await database["erasing"].count_documents({}):
            wanted = await target.idle(settled)
            settled = {0: frozenset({"purchases", "customers", "commands"})} if wanted.settled else None
            await asyncio.sleep(0.02)  # it reads in a task of its own


async def everywhere(database: Any) -> list[str]:
    """The collections in which the customer's id stands anywhere, in any form."""
    found = []
    for name in sorted(await database.list_collection_names()):
        if MARK.encode() in b"".join([bson.encode(d) async for d in database[name].find({})]):
            found.append(name)
    return found


def completed(publisher: Kept) -> list[Event]:
    return [e for e in map(event_of, publisher.records) if isinstance(e.data, ErasureCompleted)]


def removed(event: Event) -> dict[str, int]:
    assert isinstance(event.data, ErasureCompleted)
    return dict(event.data.removed)


async def test_nothing_has_the_id_any_more_and_it_is_told_what_went(
    client: AsyncMongoClient[Document],
) -> None:
    database, publisher = client["rapport_loyalty"], Kept()
    target = await worker(client, publisher)
    await tell(target, 0, (MARK, MemberEnrolRequested()), *((MARK, bought(f"o-{n}")) for n in range(5)))
    await tell(target, 10, ("other", bought("o-9")))
    await tell(target, 20, (MARK, CustomerErased()), (MARK, bought("late")))
    assert await everywhere(database) == ["erasing", "journal", "ledger"]
    await work(target, database)
    assert await everywhere(database) == []
    (event,) = completed(publisher)
    gone = removed(event)
    assert (event.subject, gone["state"], gone["ledger"], gone["journal"]) == (MARK, 1, 5, 7)
    assert await database["ledger"].count_documents({"member": "other"}) == 1
    command = await database["journal"].find_one({"_id": "/api/till e0"})
    assert command is not None
    assert (command["outcome"]["status"], command["subject"], command.get("emitted")) == (410, None, None)


async def test_whoever_dies_in_between_the_next_worker_ends_it_with_the_same_words(
    client: AsyncMongoClient[Document],
) -> None:
    database, first = client["rapport_loyalty"], Kept()
    target = await worker(client, first)
    await tell(target, 0, *((MARK, bought(f"o-{n}")) for n in range(5)), (MARK, CustomerErased()))
    again = await database["erasing"].find_one({})
    assert again is not None
    await work(target, database)
    # It was told, and the chore was to be forgotten when the worker died.
    (told,) = completed(first)
    await database["erasing"].insert_one(again | {"removed": removed(told), "ended": told.time})
    second = Kept()
    await work(await worker(client, second), database)
    assert completed(second) == [told]
    assert await everywhere(database) == []


async def test_one_who_is_back_with_an_older_store_is_erased_again(
    client: AsyncMongoClient[Document],
) -> None:
    database = client["rapport_loyalty"]
    target = await worker(client, Kept())
    await tell(target, 0, *((MARK, bought(f"o-{n}")) for n in range(3)))
    backup = {name: await database[name].find({}).to_list() for name in ("state", "ledger", "timers")}
    await tell(target, 10, (MARK, CustomerErased()))
    await work(target, database)
    for name, documents in backup.items():
        if mine := [d for d in documents if MARK in str(d)]:
            await database[name].insert_many(mine)
    assert await everywhere(database) == ["ledger", "state", "timers"]
    publisher = Kept()
    target = await worker(client, publisher)
    await tell(target, 20, (MARK, bought("late")))
    await work(target, database)
    assert await everywhere(database) == []
    (event,) = completed(publisher)
    assert removed(event)["ledger"] == 3


async def referred(target: JournalProcessor[Any], publisher: Kept, referrer: str, friend: str) -> None:
    """A member brings a friend, who buys; what loyalty asks of itself comes back to it."""
    told = [
        Event("b", "/till", referrer, AT - timedelta(days=2), bought("o-first")),
        Event("r", "/shop", referrer, AT - timedelta(days=1), ReferralMade(referred_customer=friend)),
        Event("f", "/till", friend, AT, bought("o-friend")),
    ]
    offset = 0
    while told:
        event = told.pop(0)
        before = len(publisher.records)
        message = Message(0, event.time, event, Origin(event.data.topic, 0, offset))
        now = AT + timedelta(minutes=1)
        await target.process(Batch(0, 1, (message,), now, now))
        offset += 1
        asked = [event for event in map(event_of, publisher.records[before:]) if event.data.topic == COMMANDS]
        told = [*asked, *told]


@pytest.mark.parametrize("marked_is", ["friend", "referrer"])
async def test_who_was_brought_or_brought_somebody_is_named_nowhere(
    client: AsyncMongoClient[Document], marked_is: str
) -> None:
    database, publisher = client["rapport_loyalty"], Kept()
    target = await worker(client, publisher)
    pair = ("other", MARK) if marked_is == "friend" else (MARK, "other")
    await referred(target, publisher, *pair)
    (row,) = await database["ledger"].find({"member": "other", "reason": "referral"}).to_list()
    assert row["why"][marked_is] == MARK
    await tell(target, 20, (MARK, CustomerErased()))
    await work(target, database)
    assert await everywhere(database) == []
    (after,) = await database["ledger"].find({"member": "other", "reason": "referral"}).to_list()
    assert after["why"][marked_is] == ""
    assert {name: value for name, value in after.items() if name != "why"} == {
        name: value for name, value in row.items() if name != "why"
    }


async def test_an_un_merged_id_says_no_more_whom_it_was_taken_for(client: AsyncMongoClient[Document]) -> None:
    database = client["rapport_loyalty"]
    target = await worker(client, Kept())
    await tell(target, 0, ("old", CustomerMerged(into=MARK, reason="r")), ("old", MemberEnrolRequested()))
    before = await database["journal"].find_one({"_id": "/api/till e1"})
    assert before is not None
    assert before["outcome"]["body"]["merged_into"] == MARK
    unmerged = CustomerUnmerged.model_validate({"from": MARK, "reason": "r"})
    await tell(target, 10, ("old", unmerged), (MARK, CustomerErased()))
    await work(target, database)
    entry = await database["journal"].find_one({"_id": "/api/till e1"})
    assert entry is not None
    assert (entry["outcome"]["status"], entry["subject"], entry.get("digest")) == (410, "old", None)
    assert MARK not in str(await database["journal"].find({}).to_list())


async def test_who_asked_for_a_merge_that_was_undone_is_answered_without_the_erased(
    client: AsyncMongoClient[Document],
) -> None:
    settings = InteractionsSettings(kafka="nowhere:1", mongo="mongodb://nowhere", secret_key=KEY)
    database = client["rapport_interactions"]
    target = await begun(client, Kept(), at_the_desk(settings))
    known = CustomerRegistered(name="Ada")
    await tell(target, 0, ("old", known), (MARK, known), ("old", CustomerMergeRequested(into=MARK)))
    await tell(target, 10, ("old", CustomerUnmergeRequested(into=MARK)), (MARK, CustomerErased()))
    asked = {"_id": {"$in": ["/api/till e2", "/api/till e10"]}}
    before = await database["journal"].find(asked).to_list()
    assert sorted(one["outcome"]["body"]["into"] for one in before) == [MARK, "old"]
    await work(target, database)
    after = await database["journal"].find(asked).to_list()
    assert [one["outcome"]["status"] for one in after] == [200, 200]
    assert {one["outcome"]["body"]["customer_id"] for one in after} == {"old"}
    assert MARK not in str(await database["journal"].find({}).to_list())


async def test_a_lift_is_heard_once_all_has_gone(client: AsyncMongoClient[Document]) -> None:
    database, publisher = client["rapport_loyalty"], Kept()
    target = await worker(client, publisher)
    await tell(target, 0, (MARK, bought("o-1")), (MARK, CustomerErased()))
    await tell(target, 10, (MARK, ErasureLifted()), (MARK, bought("o-2")))
    assert len(completed(publisher)) == 1
    assert await database["erased"].count_documents({}) == await database["erasing"].count_documents({}) == 0
    assert await database["state"].distinct("_id") == [MARK]
    rows = await database["ledger"].find({"member": MARK}).to_list()
    assert [row["order_id"] for row in rows] == ["o-2"]
