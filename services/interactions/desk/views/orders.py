"""A customer's orders, each with what came back of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.interactions.domain.rows import TimelineRow
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import moment

TYPES = (PurchaseMade.event_type, PurchaseReturned.event_type)
MOST_ITEMS = 4


@dataclass(frozen=True, slots=True)
class Item:
    sku: str
    category: str | None
    quantity: int


@dataclass(frozen=True, slots=True)
class Order:
    """``total`` and ``refund`` are money as events have it: amount in minor units, currency."""

    order_id: str
    at: datetime
    channel: str
    total: Mapping[str, Any]
    items: tuple[Item, ...]
    more: int
    """Lines that are not shown."""
    refund: Mapping[str, Any] | None
    """What was given back, of those of its returns that were read."""


def orders(rows: Sequence[TimelineRow]) -> tuple[Order, ...]:
    """``rows``: purchases and returns, the latest first; what has no effect is left out."""
    told = [(row, json.loads(row.data)) for row in rows if row.note is None]
    refunds: dict[str, dict[str, Any]] = {}
    for row, data in told:
        if row.type == PurchaseReturned.event_type:
            known = refunds.get(data["order_id"], {"amount": 0, "currency": data["refund"]["currency"]})
            if known["currency"] == data["refund"]["currency"]:
                known = known | {"amount": known["amount"] + data["refund"]["amount"]}
            refunds[data["order_id"]] = known
    return tuple(
        _order(row, data, refunds.get(data["order_id"]))
        for row, data in told
        if row.type == PurchaseMade.event_type
    )


def _order(row: TimelineRow, told: Mapping[str, Any], refund: Mapping[str, Any] | None) -> Order:
    items = [Item(one["sku"], one.get("category"), one["quantity"]) for one in told["items"]]
    return Order(
        order_id=told["order_id"],
        at=moment(row.at),
        channel=told["channel"],
        total=told["total"],
        items=tuple(items[:MOST_ITEMS]),
        more=len(items[MOST_ITEMS:]),
        refund=refund,
    )
