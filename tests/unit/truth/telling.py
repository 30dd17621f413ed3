"""What directed tests tell of one customer, and what the services say of it."""

import random
from datetime import timedelta
from typing import Any

from shared.schemas.base import Data
from shared.schemas.complaints import (
    ComplaintClosed,
    ComplaintOpened,
    ComplaintResolved,
)
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade, PurchaseReturned

from .histories import START, Told
from .model import Truth
from .views import of_followup, of_interactions, of_loyalty, of_metrics
from .world import World

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
