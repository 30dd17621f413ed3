"""Whoever came back with an older store is erased again, by the service's own rules, before anything of
theirs takes effect."""

import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain import Context, Effects
from shared.facts.erased import erased_hash, erasure_key
from shared.journal.erasing import Chore
from shared.journal.processor import JournalProcessor
from shared.journal.testing_results import event_of
from shared.schemas.customers import CustomerErased
from shared.schemas.event import Event
from shared.schemas.loyalty import PointsEarned
from shared.worker.processing import Message, Origin
from tests.unit.journal.driver import START, batch_of, processor, purchase
from tests.unit.journal.memory import CrashError, MemoryPublisher, MemoryStore
from tests.unit.journal.test_eraser import WRITER, Diary, erase, told, written

HASH = erased_hash(erasure_key(b"k" * 16), "c")
LATE = START + timedelta(hours=100)


async def restored(store: MemoryStore) -> None:
    """A store in which a customer lives who was erased since; an import has said so."""
    target = processor(store, MemoryPublisher(), WRITER)
    await target.assigned(frozenset({0}), 1)
    events = [purchase(n, who, START, 1) for n, who in enumerate(("c", "c", "e"))]
    log = [Message(0, START, event, Origin("purchases", 0, n)) for n, event in enumerate(events)]
    await target.process(batch_of(log, START))
    store.gone["c"] = HASH
    store.chores[HASH] = Chore(HASH, "c", None, START)


async def started(store: MemoryStore, publisher: MemoryPublisher) -> JournalProcessor[Any]:
    target = processor(store, publisher, WRITER)
    await target.assigned(frozenset({0}), 1)
    return target


def reasons(publisher: MemoryPublisher, customer: str = "c") -> list[str]:
    """Of what the domain told of a customer, each once."""
    events = {e.uid: e for e in map(event_of, publisher.records) if e.subject == customer}
    return [e.data.reason for e in events.values() if isinstance(e.data, PointsEarned)]


def check(store: MemoryStore, publisher: MemoryPublisher) -> None:
    assert [*store.stored] == ["e"]
    assert {timer.subject for timer in store.timers.values()} <= {"e"}
    assert {row["customer"] for row in store.rows["letters"].values()} == {"e"}
    assert "c" not in store.subjects.values()
    assert store.gone == {"c": HASH}
    assert reasons(publisher) == ["rapport.customer.erased.v1"]
    assert len({event.uid for event in told(publisher)}) == 1


async def test_the_service_erases_them_as_the_first_time() -> None:
    store, publisher = MemoryStore(WRITER), MemoryPublisher()
    await restored(store)
    target = await started(store, publisher)
    await erase(target, store)
    check(store, publisher)
    late = Message(0, LATE, purchase(7, "c", LATE, 1), Origin("purchases", 0, 7))
    await target.process(batch_of([late], START))
    check(store, publisher)


async def test_nothing_of_theirs_happens_before_it() -> None:
    """Their timers are due, and something late is read first."""
    store, publisher = MemoryStore(WRITER), MemoryPublisher()
    await restored(store)
    target = await started(store, publisher)
    late = Message(0, LATE, purchase(7, "c", LATE, 1), Origin("purchases", 0, 7))
    await target.process(batch_of([late], START))
    assert reasons(publisher) == []
    await erase(target, store)
    check(store, publisher)


@pytest.mark.parametrize("publication", range(1, 4))
async def test_whoever_dies_in_between_it_is_one_erasure(publication: int) -> None:
    store, publisher = MemoryStore(WRITER), MemoryPublisher()
    await restored(store)
    publisher.crash_at = publication
    with contextlib.suppress(CrashError):
        await erase(await started(store, publisher), store)
    publisher.crash_at = None
    await erase(await started(store, publisher), store)
    check(store, publisher)


async def test_whom_the_service_cannot_erase_is_removed_all_the_same() -> None:
    def failing(state: Diary, event: Event, context: Context) -> Effects[Diary]:
        if isinstance(event.data, CustomerErased):
            raise ZeroDivisionError
        return written(state, event, context)

    store, publisher = MemoryStore(replace(WRITER, apply=failing)), MemoryPublisher()
    await restored(store)
    target = processor(store, publisher, replace(WRITER, apply=failing))
    await target.assigned(frozenset({0}), 1)
    await erase(target, store)
    assert [*store.stored] == ["e"]
    assert not store.chores
    assert len(told(publisher)) == 1
    late = Message(0, LATE, purchase(7, "c", LATE, 1), Origin("purchases", 0, 7))
    await target.process(batch_of([late], START))
    assert [*store.stored] == ["e"]


async def test_who_was_found_not_to_be_erased_is_looked_up_anew_once_they_are() -> None:
    """Their state goes out of memory, and what comes later is about somebody erased."""
    store, publisher = MemoryStore(WRITER), MemoryPublisher()
    store.gone["x"] = "0" * 32  # else nobody is looked up
    target = await started(store, publisher)
    events = [purchase(0, "c", START, 1), Event("x", "/admin", "c", START, CustomerErased())]
    events += [purchase(2, "c", START, 1)]
    for offset, event in enumerate(events):
        message = Message(0, START, event, Origin("purchases", 0, offset))
        await target.process(batch_of([message], START))
    assert not store.stored
