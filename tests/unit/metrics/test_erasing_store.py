"""Erasing against a real server: what is removed is gone, in the transaction that tells it."""

from typing import Any

from pymongo import AsyncMongoClient

from services.metrics.domain.rows import COLLECTIONS, OWED, RAISED
from services.metrics.domain.themes import Matcher, Theme, ThemesPolicy
from shared.facts.erased import ERASED_IDS, erased_hash
from shared.kafka.publisher import Record
from shared.merging.rows import MERGED
from shared.schemas.customers import CustomerErased, ErasureCompleted, ErasureLifted
from shared.schemas.feedback import SurveyAnswered

from .judging import LOOKING, insights
from .story import event, purchase
from .test_store import Worker

Client = AsyncMongoClient[dict[str, Any]]
LATE = Matcher(ThemesPolicy(names=(Theme(name="delivery", words=("late",)),)))


async def test_all_that_names_the_customer_goes(client: Client, database_name: str) -> None:
    database, published = client[database_name], list[Record]()
    for collection in COLLECTIONS:  # as the worker does before its first transaction
        await database.create_collection(collection.name)

    async def publish(records: Any) -> None:
        published.extend(records)

    first = Worker(client, database_name, publish=publish, themes=LATE, looking=LOOKING, stream=False)
    await first.processor.assigned(frozenset({0}), 2)
    late = SurveyAnswered(survey="nps", score=1, comment="late")
    told = [event(late, subject=who) for who in ("ann", "bob")]
    await first.process([*told, event(purchase("o1"), subject="ann")], start=0)
    await database[MERGED.name].insert_many([{"_id": "old", "into": "ann"}, {"_id": "other", "into": "bob"}])
    await first.process([], start=3)
    assert await database[RAISED].count_documents({}) == 2
    await first.process([event(CustomerErased(), subject="ann", id="x")], start=3)
    await first.process([event(purchase("o2"), subject="ann")], start=4)
    hashes = {erased_hash(b"key", "ann")}
    for name, left in (("customers", {"bob"}), (MERGED.name, {"other"}), (ERASED_IDS, hashes)):
        assert {row["_id"] async for row in database[name].find({})} == left
    assert [row["customer"] async for row in database[RAISED].find({})] == ["bob"]
    assert not [row async for row in database[OWED].find({}) if b"ann" in row["customers"]]
    done = [one.data for one in insights(published) if isinstance(one.data, ErasureCompleted)]
    assert done == [ErasureCompleted(service="metrics", removed={"customers": 1, "raised": 1, "merged": 1})]

    second = Worker(client, database_name, publish=publish, stream=False)
    await second.processor.assigned(frozenset({0}), 2)
    await second.process([event(purchase("o3"), subject="ann")], start=5)
    second.time += 1_000.0
    await second.processor.idle()
    assert await database["customers"].count_documents({"_id": "ann"}) == 0
    await second.process(
        [event(ErasureLifted(), subject="ann"), event(purchase("o4"), subject="ann")], start=6
    )
    await second.process([], start=8)
    assert await database[ERASED_IDS].count_documents({}) == 0
    assert await database["customers"].count_documents({"_id": "ann"}) == 1
