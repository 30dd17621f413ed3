"""What is bought together, on the running platform: products elsewhere count, are asked, and answer."""

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.stack import Stack, event, new_customer, until

NOW = datetime.now(UTC) - timedelta(hours=2)
SUGGESTED = "rapport.product.suggested.v1"


def bought(customer: str, *skus: str, minutes: int = 0) -> dict[str, Any]:
    items = [
        {"sku": sku, "quantity": 1, "unit_price": {"amount": 9_000 - place, "currency": "EUR"}}
        for place, sku in enumerate(skus)
    ]
    total = {"amount": sum(item["unit_price"]["amount"] for item in items), "currency": "EUR"}
    order = {"order_id": f"o-{uuid.uuid4().hex}", "channel": "web", "total": total, "items": items}
    return event("purchase.made", customer, order, at=(NOW + timedelta(minutes=minutes)).isoformat())


def test_who_bought_the_one_is_told_of_the_other(stack: Stack) -> None:
    machine, beans = (f"{name} {uuid.uuid4().hex[:8]}" for name in ("machine", "beans"))
    others = [new_customer() for _ in range(6)]
    stack.post_events(*(bought(other, machine, beans) for other in others))

    def suggested(customer: str) -> list[dict[str, Any]]:
        return [row for row in stack.timeline(customer) if row["type"] == SUGGESTED]

    asking: list[str] = []

    def told() -> bool:
        """Another customer each second: who asks before all are counted hears nothing."""
        if len(asking) < 60 and not any(suggested(customer) for customer in asking):
            asking.append(new_customer())
            stack.post_events(bought(asking[-1], machine, minutes=30))
            time.sleep(1)  # so that sixty customers are a minute
        return any(suggested(customer) for customer in asking)

    until(told, "a suggestion", 60)
    (row,) = next(found for customer in asking if (found := suggested(customer)))
    assert row["summary"] == f"Suggested {beans}, because {machine} was bought"
    assert not [row for other in others for row in suggested(other)], "who has both is told nothing"
