"""The test kit: what it says of a handler is what the processor says of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from shared.domain import (
    Append,
    Context,
    Effects,
    Emit,
    Handler,
    Increment,
    Outcome,
    Put,
    Refused,
    SetTimer,
    Take,
)
from shared.journal.testing import START, InMemoryWorker, NotStorable
from shared.schemas.codec import parse_cloudevent
from shared.schemas.commands import AdjustmentRequested, ReferralNoteRequested
from shared.schemas.event import Event
from shared.schemas.loyalty import PointsEarned
from shared.schemas.purchases import PurchaseMade
from shared.schemas.timer import TimerFired
from shared.worker.processing import Origin
from tests.unit.journal.driver import START as LOG_START
from tests.unit.journal.driver import processor, purchase, run, works_of
from tests.unit.journal.kiosk import GIFTS, KIOSK, give_back, log_of
from tests.unit.journal.memory import HANDLER, MemoryPublisher, MemoryStore

HOUR = timedelta(hours=1)
END = LOG_START + timedelta(days=60)


# --- as the processor has it


def sent(handler: Handler[Any], works: list[Any], size: int) -> InMemoryWorker[Any]:
    worker = InMemoryWorker(handler, clock="stream", now=LOG_START, secret_key=b"k" * 16, strict=False)
    for first in range(0, len(works), size):
        part = works[first : first + size]
        worker.send_batch([w.event for w in part], origins=[w.origin for w in part])
    worker.advance(END)
    return worker


def assert_same(worker: InMemoryWorker[Any], store: MemoryStore, publisher: MemoryPublisher) -> None:
    assert worker.states == {customer: state for customer, (state, _) in store.states.items()}
    assert worker.store.timers == store.timers
    assert worker.counters == store.used
    assert worker.store.rows == store.rows
    assert {k: +c for k, c in worker.store.sums.items()} == {k: +c for k, c in store.sums.items()}
    assert worker.store.journal.keys() == store.journal.keys()
    published = [r.value for r in publisher.records if not r.topic.endswith(".dlq")]
    # The processor gives each batch's in the order of its events too.
    assert [(event.id, event.subject) for event in worker.emitted] == [
        (event.id, event.subject) for event in map(reread, published)
    ]
    letters = [dict(r.headers) for r in publisher.records if r.topic.endswith(".dlq")]
    assert sorted((d.code, d.origin.text) for d in worker.dead_letters) == sorted(
        (h["rapport-error"].decode(), h["rapport-origin"].decode()) for h in letters
    )


def reread(value: bytes | None) -> Event:
    assert value is not None
    return parse_cloudevent(value, datetime.max.replace(tzinfo=UTC))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["buy", "buy", "return"]),
            st.integers(0, 2),
            st.integers(0, 3),
            st.integers(0, 12),
            st.integers(1, 9),
        ),
        max_size=30,
    ),
    st.sampled_from([1, 4]),
)
@settings(deadline=None, max_examples=80)
def test_it_comes_to_what_the_processor_comes_to(log: list[Any], size: int) -> None:
    store, publisher = MemoryStore(KIOSK), MemoryPublisher()
    asyncio.run(run(processor(store, publisher, KIOSK), log_of(log), size, END))
    assert_same(sent(KIOSK, log_of(log), size), store, publisher)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(0, 60)), max_size=30))
@settings(deadline=None, max_examples=80)
def test_timers_come_to_the_same_too(log: list[Any]) -> None:
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    asyncio.run(run(processor(store, publisher), works_of(log), 1, END))
    assert_same(sent(HANDLER, works_of(log), 1), store, publisher)


# --- word by word


class Basket(BaseModel):
    """What ``shop`` keeps of a customer."""

    model_config = ConfigDict(frozen=True)

    orders: tuple[str, ...] = ()
    seen_at: datetime | None = None


def shop(state: Basket, event: Event, context: Context) -> Effects[Basket]:
    """A purchase takes from a stock of 3 and is followed up after an hour; adjusting adds to a sum, and a
    customer called ann asks for a note about bob."""
    match event.data:
        case PurchaseMade(order_id="bug"):
            raise ZeroDivisionError("a bug")
        case PurchaseMade(order_id=order):
            if context.used("stock") >= 3:
                raise Refused("sold_out", "Nothing is left.", status=422, field="order_id")
            changed = Basket(orders=(*state.orders, order), seen_at=context.now)
            return Effects(
                changed,
                timers=(SetTimer("follow", context.now + HOUR, {"order": order}),),
                rows=(Append("log", {"_id": context.new_id("row"), "order": order}),),
                takes=(Take("stock", 1, 3),),
            )
        case AdjustmentRequested(points=points):
            if points < 0:
                raise Refused("negative", "No.", field="points")
            note = ReferralNoteRequested(referrer="ann")
            about_bob = (Emit(note, event.time, "bob"),) if event.subject == "ann" else ()
            rows = (Increment("sums", "all", {"points": points}), Put("last", {"_id": event.subject}))
            return Effects(state, about_bob, rows=rows, outcome=Outcome(200, {"points": points}))
        case ReferralNoteRequested(referrer=referrer):
            return Effects(Basket(orders=(*state.orders, f"from {referrer}")))
        case TimerFired(payload=payload):
            changed = state.model_copy(update={"orders": (*state.orders, f"followed {payload['order']}")})
            return Effects(changed.model_copy(update={"seen_at": context.now}))
    raise AssertionError(event.type)


CONSUMES = (PurchaseMade, AdjustmentRequested, ReferralNoteRequested)
SHOP: Handler[Basket] = Handler("shop", CONSUMES, Basket, lambda customer: Basket(), shop)


def bought(order: str) -> PurchaseMade:
    total = {"amount": 100, "currency": "EUR"}
    return PurchaseMade.model_validate({"order_id": order, "channel": "web", "total": total, "items": []})


def adjust(points: int) -> AdjustmentRequested:
    return AdjustmentRequested(points=points, reason="r")


def test_a_timer_fires_at_its_time_and_is_seen_before() -> None:
    worker = InMemoryWorker(SHOP)
    worker.tell("ann", bought("tea"))
    worker.advance(HOUR / 2)
    worker.tell("bob", bought("milk"))
    (first, second) = worker.timers()
    assert (first.subject, first.name, first.due_at, first.payload) == (
        "ann", "follow", START + HOUR, {"order": "tea"},
    )  # fmt: skip
    assert worker.timers("bob") == [second]
    worker.advance(START + 2 * HOUR)
    assert worker.now == START + 2 * HOUR
    assert worker.state("ann") == Basket(orders=("tea", "followed tea"), seen_at=START + HOUR)
    assert worker.state("bob").seen_at == START + 1.5 * HOUR
    assert worker.timers() == []
    assert worker.state("cal") == Basket()
    assert worker.states.keys() == {"ann", "bob"}


def test_the_wall_clock_stands_still_and_the_watermark_goes_with_the_events() -> None:
    wall, stream = InMemoryWorker(SHOP), InMemoryWorker(SHOP, clock="stream")
    for worker in (wall, stream):
        worker.tell("ann", bought("tea"), at=START)
        worker.tell("bob", bought("milk"), at=START + 3 * HOUR)
        worker.tell("cal", bought("late"), at=START - 3 * HOUR)
    assert (wall.now, stream.now) == (START, START + 3 * HOUR)
    assert [wall.state(c).seen_at for c in ("ann", "bob", "cal")] == [START] * 3
    assert stream.state("ann").seen_at == START + HOUR  # its timer fired before bob's event
    assert stream.state("cal").seen_at == START + 3 * HOUR


def test_told_twice_is_told_once() -> None:
    worker = InMemoryWorker(SHOP)
    command = Event("a-1", "/test", "ann", START, adjust(5))
    first = worker.send(command, origin=Origin("commands", 0, 7))
    assert (first.status, first.outcome) == ("applied", Outcome(200, {"points": 5}))
    redelivered = worker.send(command, origin=Origin("commands", 0, 7))
    duplicate = worker.send(command)
    in_one_batch = worker.send_batch([command, command])
    for again in (redelivered, duplicate, *in_one_batch):
        assert (again.status, again.outcome, again.emitted) == ("repeated", first.outcome, [])
    assert worker.rows("sums") == [{"_id": "0|all", "key": "all", "points": 5}]
    assert len(worker.emitted) == 1


def test_rows_are_merged_as_the_store_merges_them() -> None:
    worker = InMemoryWorker(SHOP)
    worker.send_batch([Event(f"a-{n}", "/test", "ann", START, adjust(n)) for n in (1, 2)])
    worker.tell("bob", adjust(3))
    worker.tell("bob", bought("tea"))
    assert worker.rows("sums") == [{"_id": "0|all", "key": "all", "points": 6}]
    assert worker.rows("last") == [{"_id": "ann"}, {"_id": "bob"}]
    assert [row["order"] for row in worker.rows("log")] == ["tea"]
    assert worker.rows("nothing") == []


def test_what_the_domain_refuses() -> None:
    worker = InMemoryWorker(SHOP)
    worker.counters["stock"] = 3  # others took them
    fact = worker.tell("ann", bought("tea"))
    assert (fact.status, fact.outcome) == ("refused", None)
    with pytest.raises(Refused, match="sold_out") as refusal:
        fact.accepted()
    assert (refusal.value.status, refusal.value.field) == (422, "order_id")
    (letter,) = worker.dead_letters
    assert (letter.event, letter.code, letter.origin.text) == (fact.event, "sold_out", "purchases/0/0")
    worker.counters["stock"] = 0
    assert worker.send(fact.event).status == "applied"  # a dead letter's id was not used up
    command = worker.tell("ann", adjust(-1))
    assert command.status == "refused"
    assert command.outcome == Outcome(409, {"code": "negative", "detail": "No.", "field": "points"})
    assert len(worker.dead_letters) == 1
    assert worker.tell("ann", adjust(1)).accepted().outcome == Outcome(200, {"points": 1})


def test_its_own_commands_come_back_and_its_own_facts_do_not() -> None:
    worker = InMemoryWorker(SHOP)
    handled = worker.tell("ann", adjust(1))
    assert [(event.subject, event.source) for event in handled.emitted] == [("bob", "/rapport/shop")]
    assert worker.state("bob").orders == ("from ann",)
    assert worker.facts(ReferralNoteRequested) == [handled.emitted[0].data]
    assert worker.facts(PointsEarned) == []
    own = Event("x", "/rapport/shop", "ann", START, bought("tea"))
    assert worker.send(own).status == "skipped"
    assert worker.tell("ann", give_back("r", "ann", START, "tea", 1).data).status == "skipped"
    alone = InMemoryWorker(SHOP, loopback=False)
    alone.tell("ann", adjust(1))
    assert alone.state("bob").orders == ()


def test_a_bug_raises_or_is_a_dead_letter_as_in_production() -> None:
    worker = InMemoryWorker(SHOP)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        worker.tell("ann", bought("bug"))
    assert worker.dead_letters == []
    lenient = InMemoryWorker(SHOP, strict=False)
    assert lenient.tell("ann", bought("bug")).status == "refused"
    assert [letter.code for letter in lenient.dead_letters] == ["unhandled"]


def test_workers_may_share_counters() -> None:
    shared: dict[str, int] = {}
    workers = [InMemoryWorker(SHOP, counters=shared) for _ in range(2)]
    statuses = [workers[n % 2].tell("ann", bought(f"o-{n}")).status for n in range(4)]
    assert statuses == ["applied"] * 3 + ["refused"]
    assert shared == {"stock": 3}


def test_each_plan_can_be_watched() -> None:
    plans: list[Any] = []
    worker = InMemoryWorker(SHOP, observe=plans.append)
    worker.tell("ann", bought("tea"))
    worker.advance(HOUR)
    assert [[entry.event.type for entry in plan.entries] for plan in plans] == [
        ["rapport.purchase.made.v1"],
        ["rapport.timer.fired.v1"],
    ]


class Leaky(BaseModel):
    """Loses a field in the store."""

    model_config = ConfigDict(frozen=True)

    kept: int = 0
    lost: int = Field(0, exclude=True)


@pytest.mark.parametrize(
    "effects",
    [
        Effects(Leaky(lost=1)),
        Effects(Leaky(), rows=(Append("log", {"_id": 1, "points": Decimal(1)}),)),
        Effects(Leaky(), rows=(Append("log", {"_id": 1}), Append("log", {"_id": 1}))),
    ],
)
def test_what_the_real_store_could_not_keep_raises(effects: Effects[Leaky]) -> None:
    def apply(state: Leaky, event: Event, context: Context) -> Effects[Leaky]:
        return effects

    worker = InMemoryWorker(Handler("leaky", (PurchaseMade,), Leaky, lambda customer: Leaky(), apply))
    with pytest.raises(NotStorable):
        worker.tell("ann", bought("tea"))
    assert (worker.states, worker.rows("log"), worker.emitted) == ({}, [], [])


def test_an_event_rejected_later_is_told_from_its_correction() -> None:
    worker = InMemoryWorker(KIOSK, clock="stream")
    early = give_back("r-1", "ann", START, "o1", 900)
    assert worker.send(early).status == "applied"
    late = worker.send(purchase(1, "ann", START + HOUR, 500))
    assert [(letter.code, letter.event.id) for letter in worker.dead_letters] == [("too_much", "r-1")]
    assert late.status == "applied"
    assert worker.send(early, origin=Origin("purchases", 0, 0)).status == "repeated"
    assert worker.send(give_back("r-1", "ann", START, "o1", 400)).status == "applied"
    assert worker.state("ann").returned == ("r-1",)
    assert worker.counters["gifts"] < GIFTS
