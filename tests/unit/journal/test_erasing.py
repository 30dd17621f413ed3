"""Who is erased stays so: whatever comes later, however the batches are cut, whoever dies in between."""

import asyncio
import contextlib
import hmac
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain import Aftermath, Append, Context, Effects, Emit, Handler, Outcome, Put, SetTimer
from shared.facts.erased import erased_hash, erasure_key
from shared.journal.erasing import Chore
from shared.journal.planner import Planner
from shared.journal.testing import InMemoryWorker
from shared.kafka.publisher import Record
from shared.schemas.base import Data, Frozen
from shared.schemas.commands.loyalty import MemberEnrolRequested
from shared.schemas.customers import CustomerErased, ErasureCompleted, ErasureLifted
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
    if isinstance(event.data, ErasureLifted):
        return Effects(state)
    timers = ()
    if isinstance(event.data, PurchaseMade):
        timers = (SetTimer("soon", event.time + HOUR), SetTimer("later", event.time + 50 * HOUR))
    row = Append("seen", {"_id": context.new_id("row")})
    return Effects(Diary(times=state.times + 1), emits, timers, (row,))


HANDLER = Handler(
    "diary",
    (PurchaseMade, CustomerErased, ErasureCompleted, ErasureLifted, MemberEnrolRequested, TimerFired),
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


def without_counts(store: MemoryStore) -> list[Chore]:
    """A state that is made and erased in one step was never stored, and is not counted."""
    return [replace(store.chores[hash], removed={}) for hash in sorted(store.chores)]


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
    assert without_counts(store) == without_counts(one)
    assert {chore.customer for chore in store.chores.values()} == gone
    assert store.journal.keys() == one.journal.keys()
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


def certified(hash: str, event: Event, context: Context) -> Aftermath | None:
    """Who has answered is noted, and somebody who asks again for what was asked is told so."""
    if isinstance(event.data, ErasureCompleted):
        row = Put("seen", {"_id": f"{hash} {event.data.service}", "removed": dict(event.data.removed)})
        return Aftermath((row,), (Emit(ErasureLifted(), event.time, "somebody"),))
    if isinstance(event.data, MemberEnrolRequested):
        return Aftermath(outcome=Outcome(202, {"hash": hash}))
    return None


def test_a_service_may_still_do_something_that_is_not_about_a_state() -> None:
    diary = InMemoryWorker(replace(HANDLER, of_erased=certified))
    diary.tell("c", CustomerErased())
    hash = diary.store.gone["c"]
    told = diary.tell("c", ErasureCompleted(service="books", removed={"state": 1}), id="done")
    assert [type(event.data) for event in told.emitted] == [ErasureLifted]
    assert diary.rows("seen") == [{"_id": f"{hash} books", "removed": {"state": 1}}]
    asked = diary.tell("c", MemberEnrolRequested(), id="again")
    assert asked.outcome == Outcome(202, {"hash": hash})
    assert diary.tell("c", purchase(1, "c", START, 1).data).status == "erased"
    assert diary.states == {}


def test_the_journal_does_not_say_who_was_erased_by_what_is_told_of_them_later() -> None:
    diary = worker()
    diary.tell("secret-id", CustomerErased())
    before = {*diary.store.journal}
    diary.tell("secret-id", purchase(1, "c", START, 1).data)
    diary.tell("secret-id", MemberEnrolRequested(), id="k")
    assert {*diary.store.journal} - before == {"/test k"}


def test_what_was_told_before_and_maybe_not_published_is_published_after_it() -> None:
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    log = log_of([(0, 0, False), (0, 0, True)])
    publisher.crash_at = 1
    with contextlib.suppress(CrashError):
        asyncio.run(run(processor(store, publisher, HANDLER), log, 2, START))
    assert publisher.records == []
    publisher.crash_at = None
    asyncio.run(run(processor(store, publisher, HANDLER), log, 2, START))
    assert len(publisher.records) == 2


def test_after_the_lift_they_are_as_never_heard_of() -> None:
    diary = worker()
    bought: Data = purchase(1, "c", START, 1).data
    diary.tell("c", bought)
    diary.tell("c", bought)
    diary.tell("c", CustomerErased())
    assert diary.tell("c", ErasureLifted()).status == "applied"
    assert diary.store.gone == {}
    assert diary.tell("c", ErasureLifted()).status == "applied"
    assert diary.tell("c", bought).status == "applied"
    assert diary.states == {"c": Diary(times=1)}
    diary.tell("c", CustomerErased())
    assert (diary.states, [*diary.store.gone]) == ({}, ["c"])


def test_a_lift_and_an_erasure_after_it_may_come_together() -> None:
    diary = worker()
    diary.tell("c", CustomerErased())
    told = (ErasureLifted(), purchase(1, "c", START, 1).data, CustomerErased())
    diary.send_batch([Event(f"t{n}", "/test", "c", START, data) for n, data in enumerate(told)])
    assert (diary.states, [*diary.store.gone]) == ({}, ["c"])


def test_what_had_no_effect_has_one_when_it_is_told_again_after_a_lift_in_the_same_step() -> None:
    diary = worker()
    diary.tell("c", CustomerErased())
    bought = purchase(1, "c", START, 1)
    diary.send_batch([bought, bought, Event("l", "/test", "c", START, ErasureLifted()), bought, bought])
    assert diary.states == {"c": Diary(times=1)}
    assert bought.uid in diary.store.journal


def test_an_erasure_and_its_lift_are_never_one_step() -> None:
    store = MemoryStore(HANDLER)
    told = (
        purchase(1, "c", START, 1).data,
        CustomerErased(),
        ErasureLifted(),
        purchase(2, "c", START, 1).data,
    )
    log = [
        Message(0, START, Event(f"t{n}", "/test", "c", START, data), Origin("purchases", 0, n))
        for n, data in enumerate(told)
    ]
    asyncio.run(run(processor(store, MemoryPublisher(), HANDLER), log, len(log), START))
    assert kept(store) == {"c": Diary(times=1)}
    assert store.gone == {}


def test_a_lift_that_is_asked_for_waits_for_the_erasure_before_it() -> None:
    def heard(hash: str, event: Event, context: Context) -> Aftermath | None:
        return Aftermath(lift=True) if isinstance(event.data, PurchaseMade) else None

    store = MemoryStore(HANDLER)
    told = (CustomerErased(), purchase(1, "c", START, 1).data)
    log = [
        Message(0, START, Event(f"t{n}", "/test", "c", START, data), Origin("purchases", 0, n))
        for n, data in enumerate(told)
    ]
    lifting = replace(HANDLER, of_erased=heard)
    publisher = MemoryPublisher()
    asyncio.run(run(processor(store, publisher, lifting), log, len(log), START))
    assert store.gone == {}
    assert [one for one in publisher.records if one.topic.endswith(".dlq")] == []


@given(st.binary(min_size=1, max_size=200), st.text())
def test_the_hash_is_an_hmac(key: bytes, state_id: str) -> None:
    expected = hmac.digest(key, state_id.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]
    assert erased_hash(key, state_id) == expected
