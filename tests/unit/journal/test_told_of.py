"""What tells the state of a team of somebody who is erased, wherever that was done, has no effect."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain import Effects, Kind, Outcome
from shared.facts.erased import entry_mark, erased_hash, erasure_key
from shared.journal.testing import InMemoryWorker
from shared.schemas.commands.teams import TaskOpenRequested
from shared.schemas.customers import CustomerErased, ErasureLifted
from shared.schemas.event import Event
from shared.schemas.teams import TASK, TaskOpened
from shared.worker.processing import Message, Origin
from tests.unit.journal.driver import START, batch_of, processor
from tests.unit.journal.memory import MemoryPublisher, MemoryStore
from tests.unit.journal.test_erasing import HANDLER, Diary


def noted(state: Diary, event: Event, context: Any) -> Effects[Diary]:
    return Effects(Diary(times=state.times + 1 + 100 * len(context.gone)), outcome=Outcome(201))


TASKS = Kind(Diary, lambda id: Diary(), noted)
TEAM = replace(HANDLER, consumes=(*HANDLER.consumes, TaskOpened, TaskOpenRequested), kinds={TASK: TASKS})
KEY = erasure_key(b"k" * 16)
STATE = "task/north/t"


def task(name: str = "t", customer: str | None = "c", source: str = "/till") -> Event:
    data = TaskOpened(task_id="t", kind="call", text="Call.", customer_id=customer)
    return Event(name, source, "north", START, data)


def told(events: list[Event], offset: int = 0) -> list[Message]:
    return [Message(0, START, e, Origin("teams", 0, offset + n)) for n, e in enumerate(events)]


async def at_work(store: MemoryStore) -> Any:
    target = processor(store, MemoryPublisher(), TEAM)
    await target.assigned(frozenset({0}), 1)
    return target


async def test_an_erasure_of_another_worker_is_found_by_the_transaction() -> None:
    """Even one that is written between the reading and the writing."""
    store = MemoryStore(TEAM)
    target = await at_work(store)

    def meanwhile() -> None:
        store.gone["c"] = erased_hash(KEY, "c")

    store.meddle = meanwhile
    await target.process(batch_of(told([task(), task("other", "d")]), START))
    assert store.stored[STATE].state == Diary(times=1)
    assert {*store.journal} == {task().uid, task("other").uid}
    assert store.subjects[task().uid] is None


async def test_what_the_transaction_has_found_is_known_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or each batch that tells of them would be planned twice."""
    store = MemoryStore(TEAM)
    target = await at_work(store)
    tries, write = 0, store.write

    async def counted(*told: Any, **how: Any) -> None:
        nonlocal tries
        tries += 1
        await write(*told, **how)

    monkeypatch.setattr(store, "write", counted)
    store.gone["c"] = erased_hash(KEY, "c")
    for n, expected in enumerate((2, 1)):
        tries = 0
        await target.process(batch_of(told([task(f"e{n}")], n), START))
        assert tries == expected
    store.gone.clear()
    for n, expected in enumerate((2, 1), 2):
        tries = 0
        await target.process(batch_of(told([task(f"e{n}")], n), START))
        assert tries == expected
    assert store.stored[STATE].state == Diary(times=2)


async def test_a_lift_of_another_worker_is_found_by_the_transaction() -> None:
    store = MemoryStore(TEAM)
    store.gone["c"] = erased_hash(KEY, "c")
    target = await at_work(store)
    await target.process(batch_of(told([task("first")]), START))
    assert STATE not in store.states
    store.gone.clear()
    await target.process(batch_of(told([task("second")], 1), START))
    assert store.stored[STATE].state == Diary(times=1)


def test_in_one_batch_it_is_as_the_customer_is_by_then() -> None:
    worker = InMemoryWorker(TEAM)
    life = (CustomerErased(), ErasureLifted())
    erased, lifted = (Event(data.event_type, "/test", "c", START, data) for data in life)
    handled = worker.send_batch([task("before"), erased, task("after"), task("nobody", None)])
    assert [one.status for one in handled] == ["applied", "applied", "erased", "applied"]
    assert worker.state(STATE) == Diary(times=2)
    handled = worker.send_batch([lifted, task("later")])
    assert [one.status for one in handled] == ["applied", "applied"]


def test_whoever_asks_is_refused() -> None:
    worker = InMemoryWorker(TEAM)
    worker.tell("c", CustomerErased())
    asked = TaskOpenRequested(task_id="t", kind="call", text="Call.", customer_id="c")
    answer = worker.send(Event("k", "/api/interactions/ann/tasks", "north", START, asked)).outcome
    assert answer is not None
    assert (answer.status, answer.body["code"]) == (410, "erased")


def test_a_kind_may_judge_itself() -> None:
    judging = replace(TEAM, kinds={TASK: replace(TASKS, judges=(TaskOpened,))})
    worker = InMemoryWorker(judging)
    worker.tell("c", CustomerErased())
    assert worker.send(task()).status == "applied"
    assert worker.state(STATE) == Diary(times=101)


async def test_a_kind_may_say_whose_a_state_is() -> None:
    """Whatever comes finds out that they are erased, though it does not name them."""
    owned = replace(TEAM, kinds={TASK: replace(TASKS, owner=lambda diary: "c" if diary.times else None)})
    store = MemoryStore(owned)
    target = processor(store, MemoryPublisher(), owned)
    await target.assigned(frozenset({0}), 1)
    await target.process(batch_of(told([task("new", None)]), START))

    def meanwhile() -> None:
        store.gone["c"] = erased_hash(KEY, "c")

    store.meddle = meanwhile
    await target.process(batch_of(told([task("other", None)], 1), START))
    assert store.stored[STATE].state == Diary(times=102)


@pytest.mark.parametrize("other", [("/till e", "d"), ("/till f", "c")])
def test_of_two_entries_nobody_can_tell_that_both_are_about_one(other: tuple[str, str]) -> None:
    assert entry_mark(KEY, "/till e", "c") != entry_mark(KEY, *other)
    assert entry_mark(KEY, "/till e", "c") == entry_mark(KEY, "/till e", "c")
