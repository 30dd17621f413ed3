"""Of whom ``POST /events`` says that they have been erased: by one read, which keeps nothing out."""

import asyncio
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from services.interactions import erasure_store
from services.interactions.accepting import Told
from services.interactions.erasure_store import ErasedIds
from services.interactions.routes.events import without_effect
from shared.facts.erased import ERASED_IDS, erased_hash
from shared.schemas.customers import CustomerErased, CustomerUpdated
from shared.schemas.teams import AgentChanged, Capacity

from .told import event

KEY = b"k" * 16
STORE: Any = None
"""Is not asked of whom nobody imports a consent."""


class Rows:
    """The collection; ``trouble`` is what the store says instead."""

    def __init__(self, *erased: str) -> None:
        self.trouble: Exception | None = None
        self.asked: list[set[str]] = []
        self._hashes = {erased_hash(KEY, id) for id in erased}

    def find(self, query: Any, batch_size: int) -> Any:
        asked = set(query["_id"]["$in"])
        assert batch_size > len(asked)
        self.asked.append(asked)
        found = [{"_id": hash} for hash in asked & self._hashes]
        return Mock(to_list=AsyncMock(return_value=found, side_effect=self.trouble))


def ids(rows: Rows) -> ErasedIds:
    database: Any = {ERASED_IDS: rows}
    return ErasedIds(database, KEY)


def updated(customer: str) -> Told:
    return Told(event(CustomerUpdated(name="Ann"), subject=customer))


async def test_a_batch_is_one_read_and_each_event_is_named() -> None:
    rows = Rows("ann", "bob")
    again = Told(event(CustomerErased(), subject="ann"))
    changed = AgentChanged(
        agent_id="a-1", name="Bo", capacity=Capacity(total=5), on_shift=True, on_break=False
    )
    agent = Told(event(changed, subject="bob"))
    told = [updated("cem"), updated("ann"), again, updated("bob"), agent, updated("ann")]
    vain = await without_effect(told, STORE, ids(rows))
    assert [(one.index, one.code) for one in vain] == [(1, "erased"), (3, "erased"), (5, "erased")]
    assert vain[0].detail == "The customer has been erased."
    assert rows.asked == [{erased_hash(KEY, id) for id in ("ann", "bob", "cem")}]


async def test_who_asks_while_another_read_is_under_way_shares_the_next() -> None:
    kept, going = Rows("ann", "dan"), asyncio.Event()
    rows: Any = kept
    found, answer = ids(kept), kept.find

    def slow(query: Any, batch_size: int) -> Any:
        told = answer(query, batch_size)

        async def to_list() -> Any:
            await going.wait()
            return await told.to_list()

        return Mock(to_list=to_list)

    rows.find = slow
    asking = [asyncio.create_task(found.among(names)) for names in (["ann"], ["bob", "dan"], ["ann", "cem"])]
    await asyncio.sleep(0)
    late = asyncio.create_task(found.among(["dan"]))
    await asyncio.sleep(0)
    asking[1].cancel()
    going.set()
    assert [await asking[0], await asking[2], await late] == [{"ann"}, {"ann"}, {"dan"}]
    told = [sorted(asked) for asked in kept.asked]
    assert told == [
        sorted({erased_hash(KEY, id) for id in asked}) for asked in (["ann"], ["ann", "bob", "cem", "dan"])
    ]


async def test_of_nobody_nothing_is_read() -> None:
    rows = Rows("ann")
    assert await without_effect([Told(event(CustomerErased(), subject="ann"))], STORE, ids(rows)) == []
    assert rows.asked == []


@pytest.mark.parametrize("trouble", [ConnectionFailure("away"), OperationFailure("no"), TimeoutError()])
async def test_a_store_that_does_not_say_it_is_not_asked_each_time(
    trouble: PyMongoError | TimeoutError, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(erasure_store, "monotonic", lambda: now)
    rows = Rows("ann")
    found = ids(rows)
    rows.trouble = trouble
    for _ in range(3):
        assert await found.among(["ann"]) == frozenset()
    assert len(rows.asked) == 1
    rows.trouble = None
    now += erasure_store.AWAY_S
    assert await found.among(["ann"]) == {"ann"}
