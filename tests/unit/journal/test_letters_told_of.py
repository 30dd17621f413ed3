"""A dead letter that the journal keeps with an entry tells as much of others as what it is made of: it goes
with whomever it names."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain import Context, Effects, Kind, RefusedError, Retract
from shared.journal.processor import JournalProcessor
from shared.schemas.customers import CustomerErased
from shared.schemas.event import Event
from shared.schemas.teams import TASK, TaskOpened
from shared.worker.processing import Message, Origin
from tests.unit.journal.driver import START, batch_of, processor
from tests.unit.journal.memory import MemoryPublisher, MemoryStore
from tests.unit.journal.test_eraser import erase
from tests.unit.journal.test_erasing import HANDLER, Diary

OPENED = Event(
    "t", "/till", "north", START, TaskOpened(task_id="t", kind="call", text="Call.", customer_id="c")
)


def judged(way: str, state: Diary, event: Event, context: Context) -> Effects[Diary]:
    """The first time it is put aside, by the way that the test says."""
    if state.times:
        return Effects(Diary(times=state.times + 1))
    if isinstance(event.data, TaskOpened) and event.data.customer_id == "c":
        if way == "refused":
            raise RefusedError("poor", "another one comes first")
        return Effects(state, retracts=(Retract(event, context.origin, "early", "it came too early"),))
    return Effects(Diary(times=1))


def log_of(told: list[Event]) -> list[Message]:
    return [Message(0, START, event, Origin("teams", 0, n)) for n, event in enumerate(told)]


async def begun(way: str, store: MemoryStore, handler: Any) -> JournalProcessor[Any]:
    """It is put aside, something else is told, and it is told again, in one step."""
    target = processor(store, MemoryPublisher(), handler)
    await target.assigned(frozenset({0}), 1)
    data = TaskOpened(task_id="t", kind="call", text="Call.", customer_id="d")
    await target.process(batch_of(log_of([OPENED, Event("o", "/till", "north", START, data), OPENED]), START))
    return target


@pytest.mark.parametrize("way", ["refused", "back"])
async def test_a_dead_letter_goes_with_whom_it_names(way: str) -> None:
    kind = Kind(Diary, lambda id: Diary(), lambda s, e, c: judged(way, s, e, c))
    handler = replace(HANDLER, consumes=(*HANDLER.consumes, TaskOpened), kinds={TASK: kind})
    store = MemoryStore(handler)
    target = await begun(way, store, handler)
    (letter,) = store.journal[OPENED.uid].emitted
    assert (letter.topic, letter.about) == ("teams.dlq", ("c",))
    gone = Message(0, START, Event("x", "/admin", "c", START, CustomerErased()), Origin("customers", 0, 0))
    await target.process(batch_of([gone], START))
    await erase(target, store)
    assert not store.chores
    assert store.journal[OPENED.uid].emitted == ()
