"""An event put right under the id of a dead letter takes effect in all services, whichever refused it."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.complaints import (
    CompensationGranted,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintUpdated,
)
from shared.schemas.customers import ConsentChanged, CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.feedback import ReferralMade, ReviewPosted
from shared.schemas.purchases import PurchaseMade, PurchaseReturned

from .histories import START, Told
from .model import Truth
from .views import of_followup, of_interactions, of_loyalty, of_metrics
from .world import World, handlers

EUR = "EUR"
PACES = range(5)
"""Each service reads at a pace of its own; so many are tried."""


def order(name: str, cents: int, currency: str = EUR) -> PurchaseMade:
    total = {"amount": cents, "currency": currency}
    items = [{"sku": "tea", "quantity": 1, "unit_price": total}]
    fields: dict[str, Any] = {"order_id": name, "channel": "web", "total": total, "items": items}
    return PurchaseMade.model_validate(fields)


def back(name: str, of: str, cents: int, currency: str = EUR) -> PurchaseReturned:
    refund = {"amount": cents, "currency": currency}
    return PurchaseReturned.model_validate({"order_id": of, "return_id": name, "refund": refund})


def opened(name: str = "k", severity: str = "high") -> ComplaintOpened:
    fields = {
        "complaint_id": name,
        "channel": "web",
        "category": "x",
        "severity": severity,
        "description": ".",
    }
    return ComplaintOpened.model_validate(fields)


def resolved(name: str = "k") -> ComplaintResolved:
    return ComplaintResolved(complaint_id=name, resolution=".")


def closed(name: str = "k") -> ComplaintClosed:
    return ComplaintClosed(complaint_id=name)


def worlds(*told: tuple[str, Data] | tuple[str, Data, int]) -> list[World]:
    """What came of these: event id, data, and the minute at which it happened, by default its place; each
    told a minute after the one before."""
    history = []
    for place, (id, data, *minute) in enumerate(told):
        at = START + timedelta(minutes=minute[0] if minute else place)
        history.append(Told(Event(id, "/shop", "ann", at, data), START + timedelta(minutes=place)))
    return [World(list(history), random.Random(pace)) for pace in PACES]


def orders_of(world: World) -> list[dict[str, int]]:
    """By each service: what is left of each order; interactions says the sum alone."""
    said = []
    for of in (of_loyalty, of_metrics):
        orders = next(said for what, said, _ in of(world, "ann", Truth()) if what == "orders")
        said.append({name: left for name, (_, left) in orders.items()})
    purchases = world.workers["interactions"].state("ann").purchases
    said.append({"count": purchases.count, "left": sum(s.purchased - s.refunded for s in purchases.spend)})
    return said


def statuses_of(world: World) -> list[dict[str, str]]:
    """By each service that keeps them."""
    return [
        next(dict(said) for what, said, _ in of(world, "ann", Truth()) if what == "complaints")
        for of in (of_interactions, of_followup, of_metrics)
    ]


def dead(world: World) -> list[str]:
    return [letter.code for worker in world.workers.values() for letter in worker.dead_letters]


def rows(world: World) -> dict[str, str]:
    """The timeline: note, or summary, by event id."""
    told = world.workers["interactions"].rows("timeline")
    return {row["id"]: row.get("note") or row["summary"] for row in told if row["source"] == "/shop"}


def agree(world: World, left: dict[str, int]) -> None:
    loyalty, metrics, interactions = orders_of(world)
    assert loyalty == metrics == left
    assert interactions == {"count": len(left), "left": sum(left.values())}
    balance = sum(lot.remaining for lot in world.workers["loyalty"].state("ann").lots)
    assert balance == sum(cents // 100 for cents in left.values())


def test_an_order_told_twice_was_another_order() -> None:
    for world in worlds(
        ("wh-1", order("o-1", 10_000)), ("wh-2", order("o-1", 12_000)), ("wh-2", order("o-2", 12_000))
    ):
        assert dead(world) == ["duplicate_order"]
        agree(world, {"o-1": 10_000, "o-2": 12_000})
        assert "before" not in rows(world)["wh-2"]


def test_the_bad_event_itself_told_again_stays_bad_and_the_good_one_counts_once() -> None:
    bad, good = ("wh-2", order("o-1", 12_000), 9), ("wh-2", order("o-2", 12_000), 9)
    for world in worlds(("wh-1", order("o-1", 10_000)), bad, bad, good, bad, good):
        agree(world, {"o-1": 10_000, "o-2": 12_000})


def test_a_copy_is_no_dead_letter_and_its_id_is_taken() -> None:
    for world in worlds(
        ("wh-1", order("o-1", 10_000)), ("wh-2", order("o-1", 10_000)), ("wh-2", order("o-2", 12_000))
    ):
        assert dead(world) == []
        agree(world, {"o-1": 10_000})


@pytest.mark.parametrize("name", ["r-1", "r-2"])
def test_a_return_of_too_much_is_put_right(name: str) -> None:
    told: list[tuple[str, Data]] = [
        ("wh-1", order("o-1", 10_000)),
        ("wh-2", back("r-1", "o-1", 60_000)),
        ("wh-2", back(name, "o-1", 6_000)),
    ]
    for world in worlds(*told):
        assert dead(world) == ["refund_exceeds_total"]
        agree(world, {"o-1": 4_000})
    early: Sequence[tuple[str, Data]] = (told[1], told[0], told[2])  # it waits for its order
    for world in worlds(*early):
        assert dead(world) == ["refund_exceeds_total"]
        agree(world, {"o-1": 4_000})


def thanks(world: World) -> set[str]:
    """The orders that followup says thanks for, or would if others were not before them."""
    state = world.workers["followup"].state("ann")
    messages = (*state.planned, *state.waiting, *(one for one in state.in_flight if not one.cancelled))
    return {one.key.partition(":")[2] for one in messages if one.bill}


def test_followup_thanks_for_the_order_put_right_and_not_for_what_went_back() -> None:
    allowed = ConsentChanged(purpose="marketing", channel="email", granted=True)
    mail = CustomerUpdated.model_validate({"email": "ann@example.com"})
    first = (("c-1", allowed), ("c-2", mail), ("wh-1", order("o-1", 10_000)))
    for world in worlds(*first, ("wh-2", order("o-1", 12_000)), ("wh-2", order("o-2", 12_000))):
        assert thanks(world) == {"o-1", "o-2"}
    for world in worlds(*first, ("wh-2", back("r-1", "o-1", 60_000))):
        assert thanks(world) == {"o-1"}
    for world in worlds(*first, ("wh-2", back("r-1", "o-1", 60_000)), ("wh-2", back("r-1", "o-1", 10_000))):
        assert thanks(world) == set()


def test_a_return_in_another_currency_is_put_right() -> None:
    for world in worlds(
        ("wh-1", order("o-1", 10_000)),
        ("wh-2", back("r-1", "o-1", 5_000, "USD")),
        ("wh-2", back("r-1", "o-1", 5_000)),
    ):
        assert dead(world) == ["currency_mismatch"]
        agree(world, {"o-1": 5_000})


def test_a_return_told_otherwise_was_another_return() -> None:
    for world in worlds(
        ("wh-1", order("o-1", 10_000)),
        ("wh-2", back("r-1", "o-1", 5_000)),
        ("wh-3", back("r-1", "o-1", 2_000)),
        ("wh-3", back("r-2", "o-1", 2_000)),
    ):
        assert dead(world) == ["duplicate_return"]
        agree(world, {"o-1": 3_000})


def test_a_return_that_waited_and_lost_was_another_return() -> None:
    for world in worlds(
        ("wh-2", back("r-1", "o-1", 5_000)),
        ("wh-3", back("r-1", "o-1", 2_000)),
        ("wh-1", order("o-1", 10_000)),
        ("wh-3", back("r-2", "o-1", 2_000)),
    ):
        assert dead(world) == ["duplicate_return"]
        agree(world, {"o-1": 3_000})


def test_a_step_that_did_not_follow_is_put_right() -> None:
    """Closed before it was resolved; it was an update."""
    for world in worlds(
        ("e-1", opened()),
        ("e-2", closed()),
        ("e-2", ComplaintUpdated(complaint_id="k", message=".")),
        ("e-3", resolved(), 0),  # by now it would have followed
    ):
        assert dead(world) == ["invalid_transition"]
        assert statuses_of(world) == [{"k": "resolved"}] * 3
        assert not rows(world)["e-2"].startswith("Refused")


def test_a_step_of_another_complaint_is_put_right() -> None:
    for world in worlds(
        ("e-1", opened()),
        ("e-2", opened("l")),
        ("e-3", resolved("l")),
        ("e-4", closed("k")),
        ("e-4", closed("l")),
    ):
        assert statuses_of(world) == [{"k": "opened", "l": "closed"}] * 3


def test_a_step_put_right_after_it_held_is_as_if_never_told() -> None:
    for world in worlds(
        ("e-1", opened()),
        ("e-2", ComplaintReopened(complaint_id="k", reason="."), 5),
        ("e-3", resolved(), 3),  # what it lacked
        ("e-2", closed(), 6),
    ):
        assert statuses_of(world) == [{"k": "closed"}] * 3


def test_a_step_that_holds_is_not_replaced() -> None:
    for world in worlds(("e-1", opened()), ("e-2", resolved()), ("e-2", closed(), 9)):
        assert dead(world) == []
        assert statuses_of(world) == [{"k": "resolved"}] * 3


def test_a_step_that_waits_is_not_replaced() -> None:
    for world in worlds(("e-2", resolved(), 2), ("e-2", closed(), 9), ("e-1", opened(), 0)):
        assert dead(world) == []
        assert statuses_of(world) == [{"k": "resolved"}] * 3


def test_a_complaint_told_otherwise_was_another_complaint() -> None:
    for world in worlds(("e-1", opened()), ("e-2", opened(severity="low")), ("e-2", opened("l", "low"))):
        assert dead(world) == ["duplicate_complaint"]
        assert statuses_of(world) == [{"k": "opened", "l": "opened"}] * 3


def test_a_review_or_a_referral_told_otherwise_is_put_right() -> None:
    for world in worlds(
        ("e-1", ReviewPosted(sku="mug", rating=1), 0),
        ("e-2", ReviewPosted(sku="mug", rating=2), 0),
        ("e-2", ReviewPosted(sku="tea", rating=2), 0),
        ("e-3", ReferralMade(referred_customer="bob")),
    ):
        assert dead(world) == ["duplicate_review"]
        assert world.workers["interactions"].state("ann").counts["feedback"] == 3


def test_a_grant_of_another_complaint_is_put_right_and_its_points_are_given_once() -> None:
    def grant(complaint: str, **given: Any) -> CompensationGranted:
        return CompensationGranted.model_validate({"complaint_id": complaint, **given})

    first = (("e-1", opened()), ("e-2", resolved()), ("e-3", closed()), ("e-4", opened("l")))
    for world in worlds(
        *first, ("e-5", grant("k", kind="points", points=70)), ("e-5", grant("l", kind="points", points=70))
    ):
        assert sum(lot.remaining for lot in world.workers["loyalty"].state("ann").lots) == 70
    money = {"amount": 70, "currency": EUR}
    for world in worlds(
        *first, ("e-5", grant("k", kind="refund", money=money)), ("e-5", grant("l", kind="points", points=70))
    ):
        assert sum(lot.remaining for lot in world.workers["loyalty"].state("ann").lots) == 70


def test_a_step_is_refused_and_put_right_in_one_batch() -> None:
    """The journal has one entry for both, and the dead letter of the first with it."""
    told: list[tuple[str, Data]] = [("e-1", opened()), ("e-2", closed()), ("e-2", resolved())]
    events = [
        Event(id, "/shop", "ann", START + timedelta(minutes=n), data) for n, (id, data) in enumerate(told)
    ]
    worker = InMemoryWorker(handlers()[0], now=START)
    worker.send_batch(events)
    assert [letter.code for letter in worker.dead_letters] == ["invalid_transition"]
    assert worker.state("ann").complaints[0].life.status == "resolved"
