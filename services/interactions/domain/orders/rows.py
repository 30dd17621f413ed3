"""Whose a shop's order is, by which it is found once they are erased."""

import msgspec

from services.interactions.domain.orders.state import Order
from services.interactions.domain.rows import Row
from shared.schemas.times import Micros, micros


class OrderRow(Row, frozen=True):
    """An order of which is known whose it is."""

    key: str = msgspec.field(name="_id")
    customer: str
    """Of whom it was told, or is to be."""
    named: str
    """Whose it is by the shop's latest account."""
    at: Micros


def order_row(order: Order) -> OrderRow | None:
    """None where nothing but refunds is known of it."""
    shown = order.shown
    if shown is None:
        return None
    return OrderRow(
        key=order.key,
        customer=order.customer_id or shown.customer_id,
        named=shown.customer_id,
        at=micros(shown.at),
    )
