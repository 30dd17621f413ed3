"""A row that tells its owner of somebody erased stays, and names them no more."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.domain import Append, Collection, Context, Effects
from shared.journal.erasing import named_in
from shared.schemas.customers import CustomerErased, ErasureCompleted
from shared.schemas.event import Event
from shared.worker.processing import Message, Origin
from tests.unit.journal.driver import START, batch_of, processor, purchase
from tests.unit.journal.memory import MemoryPublisher, MemoryStore
from tests.unit.journal.test_eraser import erase, told
from tests.unit.journal.test_erasing import HANDLER, Diary, apply


def nameless(row: Mapping[str, Any], gone: frozenset[str]) -> dict[str, Any]:
    return {"why.friend": "", "among": [id for id in row["among"] if id not in gone]}


GIFTS = Collection("gifts", owner="customer", personal=(), names=("why.friend", "among"), without=nameless)


def given(state: Diary, event: Event, context: Context) -> Effects[Diary]:
    effects = apply(state, event, context)
    row = {"_id": context.new_id("gift"), "customer": event.subject, "points": 5}
    row |= {"why": {"friend": "c"}, "among": ["c", "d"]}
    return replace(effects, rows=(Append("gifts", row),) if effects.rows else ())


GIVER = replace(HANDLER, apply=given, collections=(GIFTS,))


def test_who_is_named_is_found_in_parts_and_lists() -> None:
    assert named_in(GIFTS, {"why": {"friend": "c"}, "among": ["d", "e"]}) == {"c", "d", "e"}
    assert named_in(GIFTS, {"why": {"friend": ""}, "among": []}) == set()
    assert named_in(GIFTS, {"why": None}) == set()


async def test_others_rows_stay_without_them_and_are_counted() -> None:
    store, publisher = MemoryStore(GIVER), MemoryPublisher()
    target = processor(store, publisher, GIVER)
    await target.assigned(frozenset({0}), 1)
    events = [purchase(n, who, START, 1) for n, who in enumerate("cee")]
    events.append(Event("x", "/admin", "c", START, CustomerErased()))
    log = [Message(0, START, event, Origin("purchases", 0, n)) for n, event in enumerate(events)]
    await target.process(batch_of(log, START))
    await erase(target, store)
    rows = [*store.rows["gifts"].values()]
    assert [(row["customer"], row["points"]) for row in rows] == [("e", 5), ("e", 5)]
    assert [(row["why"], row["among"]) for row in rows] == [({"friend": ""}, ["d"])] * 2
    (event,) = told(publisher)
    assert isinstance(event.data, ErasureCompleted)
    assert event.data.removed["gifts"] == 3
