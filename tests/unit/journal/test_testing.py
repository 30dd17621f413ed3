"""The test kit, word by word."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import Field

from shared.domain import (
    Append,
    Collection,
    Context,
    Effects,
    Emit,
    Handler,
    Increment,
    Outcome,
    Put,
    RefusedError,
    SetTimer,
    Take,
)
from shared.journal.testing import START, InMemoryWorker, NotStorableError
from shared.schemas.base import Frozen
from shared.schemas.commands.loyalty import AdjustmentRequested, ReferralNoteRequested
from shared.schemas.event import Event
from shared.schemas.loyalty import PointsEarned
from shared.schemas.purchases import PurchaseMade
from shared.schemas.timer import TimerFired
from shared.worker.processing import Origin
from tests.unit.journal.driver import purchase
from tests.unit.journal.kiosk import GIFTS, KIOSK, give_back

HOUR = timedelta(hours=1)


class Basket(Frozen):
    """What ``shop`` keeps of a customer."""

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
                raise RefusedError("sold_out", "Nothing is left.", status=422, field="order_id")
            changed = Basket(orders=(*state.orders, order), seen_at=context.now)
            return Effects(
                changed,
                timers=(SetTimer("follow", context.now + HOUR, {"order": order}),),
                rows=(Append("log", {"_id": context.new_id("row"), "order": order}),),
                takes=(Take("stock", 1, 3),),
            )
        case AdjustmentRequested(points=points):
            if points < 0:
                raise RefusedError("negative", "No.", field="points")
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
ROWS = tuple(Collection(name, None, ()) for name in ("log", "sums", "last"))
SHOP: Handler[Basket] = Handler("shop", CONSUMES, Basket, lambda customer: Basket(), shop, ROWS)


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


def test_a_timer_that_is_moved_fires_at_its_new_time_alone() -> None:
    worker = InMemoryWorker(SHOP)
    worker.tell("ann", bought("tea"))
    worker.tell("bob", bought("milk"))
    worker.advance(HOUR / 2)
    worker.tell("ann", bought("sugar"))
    assert [timer.subject for timer in worker.timers()] == ["bob", "ann"]
    worker.advance(HOUR / 2)
    assert [timer.subject for timer in worker.timers()] == ["ann"]
    worker.advance(HOUR)
    assert worker.state("ann").orders == ("tea", "sugar", "followed sugar")
    assert worker.state("ann").seen_at == START + 1.5 * HOUR


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
    with pytest.raises(RefusedError, match="sold_out") as refusal:
        fact.accepted()
    assert (refusal.value.status, refusal.value.field) == (422, "order_id")
    (dead_letter,) = worker.dead_letters
    assert (dead_letter.event, dead_letter.code, dead_letter.origin.text) == (
        fact.event,
        "sold_out",
        "purchases/0/0",
    )
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
    assert [dead_letter.code for dead_letter in lenient.dead_letters] == ["unhandled"]


def test_workers_may_share_counters() -> None:
    shared: dict[str, int] = {}
    workers = [InMemoryWorker(SHOP, counters=shared) for _ in range(2)]
    statuses = [workers[n % 2].tell("ann", bought(f"o-{n}")).status for n in range(4)]
    assert statuses == ["applied"] * 3 + ["refused"]
    assert shared == {"stock": 3}


def test_an_event_is_applied_once_when_its_counter_is_known() -> None:
    applied: list[str] = []

    def apply(state: Basket, event: Event, context: Context) -> Effects[Basket]:
        applied.append(event.id)
        return Effects(state) if context.used("stock") == 0 else shop(state, event, context)

    worker = InMemoryWorker(replace(SHOP, apply=apply))
    for id in ("a", "b", "c"):
        worker.tell("ann", bought(id), id=id)
    assert applied == ["a", "a", "b", "c"]  # the first time, nobody knew that it would ask


def test_each_plan_can_be_watched() -> None:
    plans: list[Any] = []
    worker = InMemoryWorker(SHOP, observe=plans.append)
    worker.tell("ann", bought("tea"))
    worker.advance(HOUR)
    assert [[entry.event.type for entry in plan.entries] for plan in plans] == [
        ["rapport.purchase.made.v1"],
        ["rapport.timer.fired.v1"],
    ]


class Leaky(Frozen):
    """Loses a field in the store."""

    kept: int = 0
    lost: int = Field(0, exclude=True)


@pytest.mark.parametrize(
    "effects",
    [
        Effects(Leaky(lost=1)),
        Effects(Leaky(), rows=(Append("log", {"_id": 1, "points": Decimal(1)}),)),
        Effects(Leaky(), timers=(SetTimer("t", START + HOUR, {"points": Decimal(1)}),)),
        Effects(Leaky(), rows=(Append("log", {"_id": 1}), Append("log", {"_id": 1}))),
        Effects(Leaky(), rows=(Put("undeclared", {"_id": 1}),)),
    ],
)
def test_what_the_real_store_could_not_keep_raises(effects: Effects[Leaky]) -> None:
    def apply(state: Leaky, event: Event, context: Context) -> Effects[Leaky]:
        return effects

    handler = Handler("leaky", (PurchaseMade,), Leaky, lambda customer: Leaky(), apply, ROWS)
    worker = InMemoryWorker(handler)
    with pytest.raises(NotStorableError):
        worker.tell("ann", bought("tea"))
    assert (worker.states, worker.rows("log"), worker.emitted) == ({}, [], [])


def test_what_is_kept_comes_back_as_the_real_store_gives_it() -> None:
    kept = {"pair": (1, 2), "at": START + timedelta(microseconds=1999)}
    carried: list[Any] = []

    def apply(state: Leaky, event: Event, context: Context) -> Effects[Leaky]:
        if isinstance(event.data, TimerFired):
            carried.append(event.data.payload)
            return Effects(state)
        rows = (Append("log", {"_id": 1, **kept}), Put("log", {"_id": 2, **kept}))
        return Effects(state, rows=rows, timers=(SetTimer("t", START + HOUR, kept),))

    worker = InMemoryWorker(Handler("keeper", (PurchaseMade,), Leaky, lambda customer: Leaky(), apply, ROWS))
    worker.tell("ann", bought("tea"))
    worker.advance(HOUR)
    back = {"pair": [1, 2], "at": START + timedelta(milliseconds=1)}
    assert (worker.rows("log"), carried) == ([{"_id": 1, **back}, {"_id": 2, **back}], [back])


def test_an_event_rejected_later_is_told_from_its_correction() -> None:
    worker = InMemoryWorker(KIOSK, clock="stream")
    early = give_back("r-1", "ann", START, "o1", 900)
    assert [worker.send(early).status for _ in range(2)] == ["applied", "repeated"]
    late = worker.send(purchase(1, "ann", START + HOUR, 500))
    assert [(dead_letter.code, dead_letter.event.id) for dead_letter in worker.dead_letters] == [
        ("too_much", "r-1")
    ]
    assert late.status == "applied"
    for offset in (0, 1):  # where it stood, and its duplicate
        assert worker.send(early, origin=Origin("purchases", 0, offset)).status == "repeated"
    assert worker.send(give_back("r-1", "ann", START, "o1", 400)).status == "applied"
    assert worker.state("ann").returned == ("r-1",)
    assert worker.counters["gifts"] < GIFTS
