"""Two ids that are one customer, on the running platform: how that counts, and how it is taken apart."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.stack import Stack, event, new_customer, purchase, until


def at(days_ago: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()


def merging(kind: str, customer: str, **data: str) -> dict[str, Any]:
    return event(f"customer.{kind}", customer, {**data, "reason": "a test"})


def test_merged_ids_count_as_one_customer_and_apart_as_two(stack: Stack) -> None:
    old, survivor, segment = new_customer(), new_customer(), f"one-{uuid4().hex[:8]}"

    def figures() -> tuple[Any, Any, Any]:
        found = stack.get("metrics", f"/kpis?window=60d&segment={segment}")
        return found["repeat_purchase_rate"], found["basis"]["repeat_purchase_rate"]["n"], found["revenue"]

    named = {"name": "Ann", "segment": segment}
    stack.post_events(
        event("customer.registered", old, named, at=at(50)),
        event("customer.registered", survivor, named, at=at(49)),
        purchase(old, 1_000, at=at(40)),
        purchase(survivor, 2_000, at=at(20)),
    )
    until(lambda: figures() == (0.0, 2, {"EUR": 3_000}), "two customers who bought once", 60)
    stack.send("customers", merging("merged", old, into=survivor))
    until(lambda: figures() == (1.0, 1, {"EUR": 3_000}), "one who bought twice", 60)
    for asked in (old, survivor):
        health = stack.get("metrics", f"/customers/{asked}/health")
        assert (health["customer_id"], health["merged_from"]) == (survivor, [old])
    later = purchase(old, 500, at=at(1))
    stack.post_events(later, later)
    until(lambda: figures() == (1.0, 1, {"EUR": 3_500}), "what is told of the old id counts there", 60)
    stack.send("customers", merging("unmerged", old, **{"from": survivor}))
    until(lambda: figures() == (0.5, 2, {"EUR": 3_500}), "two again", 60)
    apart = stack.get("metrics", f"/customers/{old}/health")
    assert (apart["customer_id"], apart["merged_from"]) == (old, [])
