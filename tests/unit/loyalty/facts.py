"""Events for tests, as short as can be."""

from collections.abc import Sequence
from typing import Any

from shared.schemas.purchases import PurchaseMade, PurchaseReturned

Item = tuple[str, str | None, int, int]
"""SKU, category, quantity, cents for one."""


def euros(cents: int) -> dict[str, Any]:
    return {"amount": cents, "currency": "EUR"}


def items_of(items: Sequence[Item]) -> list[dict[str, Any]]:
    return [
        {"sku": sku, "category": category, "quantity": quantity, "unit_price": euros(cents)}
        for sku, category, quantity, cents in items
    ]


def bought(order: str, cents: int, items: Sequence[Item] = (), **more: Any) -> PurchaseMade:
    fields = {"order_id": order, "channel": "web", "total": euros(cents), "items": items_of(items)}
    return PurchaseMade.model_validate(fields | more)


def went_back(order: str, return_id: str, cents: int, **units: int) -> PurchaseReturned:
    """``units``: SKU to how many came back."""
    items = [{"sku": sku, "quantity": quantity} for sku, quantity in units.items()]
    fields = {"order_id": order, "return_id": return_id, "refund": euros(cents), "items": items}
    return PurchaseReturned.model_validate(fields)
