"""Who is erased stays so: whatever comes later, however the batches are cut, whoever dies in between."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain import Append, Context, Effects, Emit, Handler, SetTimer
from shared.journal.erasing import erased_hash, erasure_key
from shared.journal.planner import Planner
from shared.journal.testing import InMemoryWorker
from shared.kafka.publisher import Record
from shared.schemas.base import Data, Frozen
from shared.schemas.commands.loyalty import MemberEnrolRequested
from shared.schemas.customers import CustomerErased
from shared.schemas.event import Event
from shared.schemas.loyalty import Cause, PointsEarned
from shared.schemas.purchases import PurchaseMade
from shared.schemas.timer import TimerFired
from shared.worker.processing import Message, Origin
from tests.unit.journal.driver import START, processor, purchase, run
from tests.unit.journal.memory import CrashError, MemoryPublisher, MemoryStore

HOUR = timedelta(hours=1)


class Diary(Frozen):
    """How often somebody was heard of."""

    times: int = 0


def apply(state: Diary, event: Event, context: Context) -> Effects[Diary]:
    """Every event is told; a purchase sets timers; erased one is at once, and that is told too."""
    told = PointsEarned(
        entry_id=context.new_id("e"),
        points=1,
        balance=state.times,
        reason=event.data.event_type,
        cause=Cause(source=event.source, id=event.id),
    )
    emits = (Emit(told, event.time),)
    if isinstance(event.data, CustomerErased):
        return Effects(state, emits, erase=True)
    timers = ()
    if isinstance(event.data, PurchaseMade):
        timers = (SetTimer("soon", event.time + HOUR), SetTimer("later", event.time + 50 * HOUR))
    row = Append("seen", {"_id": context.new_id("row")})
    return Effects(Diary(times=state.times + 1), emits, timers, (row,))


HANDLER = Handler(
    "diary",
    (PurchaseMade, CustomerErased, MemberEnrolRequested, TimerFired),
    Diary,
    lambda customer: Diary(),
    apply,
)
Step = tuple[int, int, bool]
"""A customer, the hours since the step before, whether it is the erasure."""
steps = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from([False, False, True])), max_size=14
)


def log_of(told: list[Step]) -> list[Message]:
    messages, at = [], START
    for offset, (number, hours, erased) in enumerate(told):
        at += hours * HOUR
        customer = f"c{number}"
        event = purchase(offset, customer, at, 1)
        if erased:
            event = Event(f"x{offset}", "/admin", customer, at, CustomerErased())
        raw = Record("purchases", customer.encode(), b"{}", ())
        messages.append(Message(0, at, event, Origin("purchases", 0, offset), raw))
    return messages


def said(publisher: MemoryPublisher) -> set[str]:
    return {repr(record) for record in publisher.records}


def kept(store: MemoryStore) -> dict[str, Diary]:
    return {customer: state for customer, (state, _) in store.states.items()}


@given(
    steps,
    st.lists(st.tuples(st.sampled_from([1, 2, 3, 7]), st.integers(1, 4), st.booleans()), max_size=3),
    st.integers(0, 14),
)
@settings(deadline=None, max_examples=100)
def test_however_it_is_cut_and_whoever_dies_nothing_comes_back(
    told: list[Step], lives: list[tuple[int, int, bool]], again: int
) -> None:
    log = log_of(told)
    one, published = MemoryStore(HANDLER), MemoryPublisher()
    end = START + 200 * HOUR
    asyncio.run(run(processor(one, published, HANDLER), log, 1, end))
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    for size, publisher.crash_at, publisher.crash_after in lives:
        with contextlib.suppress(CrashError):
            asyncio.run(run(processor(store, publisher, HANDLER), log, size, end))
    publisher.crash_at = None
    asyncio.run(run(processor(store, publisher, HANDLER), [*log, *log[again:]], 500, end))
    gone = {f"c{number}" for number, _, erased in told if erased}
    assert store.gone.keys() == gone
    assert not gone & store.stored.keys()
    assert [timer for timer in store.timers.values() if timer.subject in gone] == []
    assert kept(store) == kept(one)
    assert store.rows == one.rows
    assert said(publisher) == said(published)


def worker() -> InMemoryWorker[Diary]:
    return InMemoryWorker(HANDLER)


def test_what_is_told_of_the_erased_has_no_effect_and_a_command_is_told_why() -> None:
    diary = worker()
    bought: Data = purchase(1, "c", START, 1).data
    diary.tell("c", bought)
    diary.tell("d", bought)
    assert diary.tell("c", CustomerErased()).status == "applied"
    assert diary.tell("c", bought).status == diary.tell("c", CustomerErased()).status == "erased"
    refused = diary.tell("c", MemberEnrolRequested())
    assert refused.outcome is not None
    assert (refused.outcome.status, refused.outcome.body["code"]) == (410, "erased")
    assert diary.states == {"d": Diary(times=1)}
    assert {timer.subject for timer in diary.timers()} == {"d"}
    assert diary.dead_letters == []


def test_in_one_batch_the_timers_that_it_sets_do_not_fire_either() -> None:
    diary = worker()
    first = purchase(1, "c", START - HOUR / 2, 1)
    erased = Event("x", "/admin", "c", START, CustomerErased())
    diary.send_batch([first, erased, purchase(2, "c", START, 1)])
    diary.advance(100 * HOUR)
    assert [event.data.reason for event in diary.emitted if isinstance(event.data, PointsEarned)] == [
        "rapport.purchase.made.v1",
        "rapport.customer.erased.v1",
    ]
    assert (diary.states, diary.timers()) == ({}, [])


def test_the_hash_is_the_same_for_ever_and_another_under_another_key() -> None:
    planner: Any = Planner(HANDLER, b"k" * 16, stream=False)
    assert planner.hash_of("cust-1") == erased_hash(erasure_key(b"k" * 16), "cust-1")
    assert planner.hash_of("cust-1") == "ad1ed1082043b595264515002eb4a419"
    given_key: Any = Planner(HANDLER, b"k" * 16, stream=False, erased_by=b"another key of 16")
    assert given_key.hash_of("cust-1") != planner.hash_of("cust-1")
