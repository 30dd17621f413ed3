"""``WorkerStore`` against the embedded MongoDB: who is erased leaves a hash and nothing else, and the next
worker knows them by it."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from rapport.embedded.stack import start_mongo
from rapport.home import Home
from services.loyalty.settings import LoyaltySettings
from services.loyalty.worker import handler
from shared.facts.erased import erased_hash, erasure_key
from shared.journal.processor import JournalProcessor
from shared.journal.store import WorkerStore
from shared.kafka.brokers import Brokers
from shared.kafka.publisher import Publisher
from shared.runtime.mongo import Document
from shared.schemas.base import Data, Money
from shared.schemas.commands.loyalty import MemberEnrolRequested
from shared.schemas.customers import CustomerErased
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseItem, PurchaseMade
from shared.worker.processing import Batch, Message, Origin

AT = datetime(2026, 1, 1, tzinfo=UTC)
KEY = b"k" * 16
NEIGHBOUR = "ann|due"
"""Whose timers' keys begin as hers do."""


class Accepting(Publisher):
    async def publish(self, records: Any) -> None:
        """Acknowledged at once."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_mongo(Home(tmp_path_factory.mktemp("erasing"))) as part:
        yield f"mongodb://{part.address}/?directConnection=true"


@pytest.fixture
async def store(address: str) -> AsyncIterator[WorkerStore[Any]]:
    settings = LoyaltySettings(kafka="nowhere:1", mongo=address, secret_key=KEY.decode())
    async with AsyncMongoClient[Document](address, tz_aware=True) as client:
        found = WorkerStore(client, handler(settings))
        await found.prepare()
        yield found


def worker(store: WorkerStore[Any]) -> JournalProcessor[Any]:
    settings = LoyaltySettings(kafka="nowhere:1", mongo="mongodb://nowhere", secret_key=KEY.decode())
    publisher = Accepting(Brokers("unused:1"))
    return JournalProcessor(handler(settings), store, publisher, secret_key=KEY, stream=False)


def bought(order: str) -> Data:
    price = Money(amount=5_000, currency="EUR")
    item = PurchaseItem(sku="tea", quantity=1, unit_price=price)
    return PurchaseMade(order_id=order, channel="web", total=price, items=(item,))


async def tell(target: JournalProcessor[Any], number: int, *told: tuple[str, Data]) -> None:
    messages = [
        Message(
            0, AT, Event(f"e{number}-{n}", "/till", who, AT, data), Origin(data.topic, 0, 10 * number + n)
        )
        for n, (who, data) in enumerate(told)
    ]
    now = AT + timedelta(minutes=1)
    await target.process(Batch(0, 1, tuple(messages), now, now))


async def test_a_hash_stays_and_the_next_worker_knows_them_by_it(store: WorkerStore[Any]) -> None:
    database = store.database
    first = worker(store)
    await first.assigned(frozenset({0}), 1)
    await tell(first, 1, ("ann", bought("o-1")), (NEIGHBOUR, bought("o-2")))
    assert await database["timers"].count_documents({"subject": "ann"}) > 0
    theirs = await database["timers"].find({"subject": NEIGHBOUR}).to_list()
    await tell(first, 2, ("ann", CustomerErased()), ("new", CustomerErased()), ("ann", bought("o-3")))
    hashes = {erased_hash(erasure_key(KEY), who) for who in ("ann", "new")}
    assert await database["erased"].find().sort("_id", 1).to_list() == [
        {"_id": one} for one in sorted(hashes)
    ]
    assert await database["state"].distinct("_id") == [NEIGHBOUR]
    assert await database["timers"].find({"subject": "ann"}).to_list() == []
    assert await database["timers"].find({"subject": NEIGHBOUR}).to_list() == theirs != []

    second = worker(store)
    await second.assigned(frozenset({0}), 1)
    await tell(second, 3, ("ann", bought("o-4")), ("new", MemberEnrolRequested()), ("ann", CustomerErased()))
    assert await database["state"].distinct("_id") == [NEIGHBOUR]
    assert await database["erased"].count_documents({}) == 2
    command = await database["journal"].find_one({"_id": "/till e3-1"})
    assert command is not None
    assert (command["outcome"]["status"], command["outcome"]["body"]["code"]) == (410, "erased")
    assert command["subject"] is None
    (entry,) = await database["ledger"].find({"member": ""}).to_list()
    assert (entry["reason"], entry["points"]) == ("erased", sum(lot["points"] for lot in entry["lots"]))
    held = sum([row["points"] async for row in database["ledger"].find({})])
    sums = await database["liability"].find({}).to_list()
    assert held == sum(row.get("outstanding", 0) for row in sums)
