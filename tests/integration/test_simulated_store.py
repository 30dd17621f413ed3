"""The simulation's MongoDB against the embedded server: the same small scripts say the same on both."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import AsyncMongoClient, DeleteOne, InsertOne, ReplaceOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError

from rapport.embedded.stack import start_mongo
from rapport.home import Home
from tests.simulation.client import SimClient
from tests.simulation.scheduler import Node, VirtualLoop
from tests.simulation.store import Store

Script = Callable[[Any], Awaitable[Any]]
SCRIPTS: list[Script] = []


def script(function: Script) -> Script:
    SCRIPTS.append(function)
    return function


async def said(call: Awaitable[Any]) -> Any:
    """What came of it: a value, or the codes and labels of the error."""
    try:
        return await call
    except BulkWriteError as error:
        return "bulk", sorted(e["code"] for e in error.details["writeErrors"])
    except PyMongoError as error:
        return getattr(error, "code", None), error.has_error_label("TransientTransactionError")


async def all_of(collection: Any) -> list[dict[str, Any]]:
    return sorted(await collection.find({}).to_list(), key=lambda d: str(d["_id"]))


@script
async def single_documents(client: Any) -> Any:
    c = client["sim"]["one"]
    at = datetime(2026, 1, 2, tzinfo=UTC)
    results = []
    for filter, update, upsert in [
        ({"_id": "a"}, {"$set": {"n": 1}}, False),
        ({"_id": "a"}, {"$set": {"n": 1}, "$setOnInsert": {"k": "a"}}, True),
        ({"_id": "a", "n": {"$lte": 1}}, {"$inc": {"n": 4, "deep.er": 2}}, False),
        ({"_id": "a", "n": {"$lte": 1}}, {"$inc": {"n": 4}}, False),
        ({"_id": "b"}, {"$max": {"to": at}, "$addToSet": {"s": b"1"}}, True),
        ({"_id": "b"}, {"$max": {"to": at.replace(year=2025)}, "$addToSet": {"s": b"1"}}, True),
        ({"_id": "b"}, {"$push": {"l": {"$each": [1, 2, 3]}}}, True),
        ({"_id": "b"}, {"$pull": {"l": {"$in": [1, 3]}}, "$unset": {"s": ""}}, False),
        ({"_id": "b"}, {"$pullAll": {"l": [2]}}, False),
        ({"_id": "a", "n": 77}, {"$set": {"n": 1}}, True),
    ]:
        result = await said(c.update_one(filter, update, upsert=upsert))
        results.append(result if isinstance(result, tuple) else (result.matched_count, result.modified_count))
    many = await c.update_many({"_id": {"$in": ["a", "b", "c"]}, "n": {"$gte": 1}}, {"$inc": {"n": 1}})
    results.append((many.matched_count, many.modified_count))
    found = await c.find_one_and_update(
        {"_id": 7}, {"$inc": {"version": 1}}, upsert=True, return_document=ReturnDocument.AFTER
    )
    due = await c.find({"to": {"$lte": at}}, {"to": 1}).sort("to", 1).limit(3).to_list()
    mod = await c.find({"n": {"$mod": [5, 0]}}).to_list()
    return results, found, due, mod, await all_of(c)


@script
async def bulks(client: Any) -> Any:
    c = client["sim"]["bulk"]
    await c.insert_many([{"_id": n} for n in range(3)], ordered=False)
    twice = await said(c.insert_many([{"_id": n} for n in (2, 3, 1)], ordered=False))
    result = await c.bulk_write(
        [
            UpdateOne({"_id": 0, "v": None}, {"$set": {"v": 1}}),
            UpdateOne({"_id": 1, "v": 9}, {"$set": {"v": 1}}),
            ReplaceOne({"_id": 9}, {"_id": 9, "x": 1}, upsert=True),
            DeleteOne({"_id": 2}),
            DeleteOne({"_id": 22}),
            InsertOne({"_id": 5}),
        ],
        ordered=False,
    )
    counts = result.inserted_count, result.matched_count, result.upserted_count, result.deleted_count
    return twice, counts, await all_of(c)


@script
async def a_snapshot_and_its_conflicts(client: Any) -> Any:
    c = client["sim"]["tx"]
    await c.insert_many([{"_id": "a", "n": 0}, {"_id": "b", "n": 0}])
    said_so = []
    async with client.start_session() as s, client.start_session() as t:
        await s.start_transaction()
        said_so.append(await c.find_one({"_id": "a"}, session=s))
        await c.update_one({"_id": "a"}, {"$inc": {"n": 1}})
        await c.insert_one({"_id": "late"})
        said_so.append(await c.find_one({"_id": "a"}, session=s))  # as of its snapshot
        said_so.append(await c.find_one({"_id": "late"}, session=s))
        said_so.append(await said(c.update_one({"_id": "a"}, {"$inc": {"n": 1}}, session=s)))
        said_so.append(await said(c.find_one({"_id": "b"}, session=s)))  # it has been aborted
        await s.abort_transaction()
        await s.start_transaction()
        await t.start_transaction()
        await c.update_one({"_id": "b"}, {"$inc": {"n": 1}}, session=s)
        said_so.append(await said(c.update_one({"_id": "b"}, {"$inc": {"n": 1}}, session=t)))
        await s.commit_transaction()
        said_so.append(await said(t.commit_transaction()))
    return said_so, await all_of(c)


@script
async def a_duplicate_ends_its_transaction(client: Any) -> Any:
    c = client["sim"]["dup"]
    await c.insert_one({"_id": "a"})
    said_so = []
    async with client.start_session() as s:
        await s.start_transaction()
        await c.insert_one({"_id": "b"}, session=s)
        said_so.append(await said(c.insert_many([{"_id": "a"}, {"_id": "c"}], ordered=False, session=s)))
        said_so.append(await said(s.commit_transaction()))
    return said_so, await all_of(c)


@script
async def a_write_outside_waits_for_the_transaction(client: Any) -> Any:
    c = client["sim"]["wait"]
    await c.insert_one({"_id": "a", "n": 0})
    async with client.start_session() as s:
        await s.start_transaction()
        await c.update_one({"_id": "a"}, {"$inc": {"n": 1}}, session=s)
        outside = asyncio.create_task(c.update_one({"_id": "a"}, {"$inc": {"n": 10}}))
        await asyncio.sleep(0.2)
        waits = not outside.done()
        await s.commit_transaction()
        await outside
    return waits, await all_of(c)


@script
async def killed_sessions(client: Any) -> Any:
    c = client["sim"]["kill"]
    await c.insert_one({"_id": "a", "n": 0})
    async with client.start_session() as s:
        await s.start_transaction()
        await c.update_one({"_id": "a"}, {"$inc": {"n": 1}}, session=s)
        await client.admin.command({"killSessions": [{"id": s.session_id["id"]}]})
        commit = await said(s.commit_transaction())
    await c.update_one({"_id": "a"}, {"$inc": {"n": 10}})
    return commit, await all_of(c)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_mongo(Home(tmp_path_factory.mktemp("simulated"))) as part:
        yield f"mongodb://{part.address}/?directConnection=true"


async def on_the_server(one: Script, address: str) -> Any:
    client: AsyncMongoClient[Any] = AsyncMongoClient(address, tz_aware=True, tzinfo=UTC)
    try:
        await client.drop_database("sim")
        for name in ("one", "bulk", "tx", "dup", "wait", "kill"):
            await client["sim"].create_collection(name)
        return await one(client)
    finally:
        await client.close()


def in_memory(one: Script) -> Any:
    loop = VirtualLoop(1)
    found = loop.run_until_complete(one(SimClient(Store(loop), Node("w", loop))))
    loop.bury()
    return found


@pytest.mark.parametrize("one", SCRIPTS, ids=lambda f: f.__name__)
def test_both_say_the_same(one: Script, address: str) -> None:
    assert in_memory(one) == asyncio.run(on_the_server(one, address))
