"""A customer's health on the running platform: decided by metrics, told on Kafka, seen in the 360."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.stack import Stack, new_customer, purchase, until


def bought(customer: str, *days_ago: int) -> list[Any]:
    now = datetime.now(UTC)
    return [
        purchase(customer, 2_000, at=(now - timedelta(days=ago, minutes=5)).isoformat()) for ago in days_ago
    ]


def told(stack: Stack, customer: str) -> dict[str, list[Any]]:
    """The data of what was told of the customer, by type, each event once."""
    found: dict[str, dict[str, Any]] = {}
    for record in stack.records("insights"):
        one = json.loads(record.value) if record.key == customer.encode() else {}
        if one.get("source") == "/rapport/metrics":
            found.setdefault(one["type"], {})[one["id"]] = one["data"]
    return {kind: list(events.values()) for kind, events in found.items()}


def test_health_is_decided_told_and_shown(stack: Stack) -> None:
    regular, gone = new_customer(), new_customer()
    stack.post_events(*bought(regular, *range(140, -1, -7)), *bought(gone, *range(700, 300, -14)))

    def shown(customer: str) -> Any:
        answer = stack.call("interactions", "GET", f"/customers/{customer}")
        return answer.status == 200 and (health := answer.body["health"]) and health["segment"] and health

    seen = until(lambda: shown(regular), "the 360 shows health", 60)
    found = stack.get("metrics", f"/customers/{regular}/health")
    assert found["segment"] == found["told"]["segment"] == seen["segment"]
    assert found["segment"] in ("champions", "loyal")
    assert found["told"]["score"] == seen["score"] >= 60
    assert seen["warned_at"] is None
    assert seen["drivers"][0]["driver"] == "recency"
    left = until(lambda: (h := shown(gone)) and h["warned_at"] and h, "the warning", 60)
    assert (left["segment"], left["churn_probability"] > 0.9) == ("lost", True)
    events = told(stack, gone)
    assert len(events["rapport.churn.warned.v1"]) == 1
    assert events["rapport.segment.changed.v1"][-1]["to"] == "lost"
    sizes = stack.get("metrics", "/segments")
    assert sizes["customers"] >= 2
    assert {one["segment"]: one["customers"] for one in sizes["segments"]}["lost"] >= 1


def test_who_comes_back_is_told_of_soon(stack: Stack) -> None:
    customer = new_customer()
    stack.post_events(*bought(customer, *range(700, 300, -14)))

    def known() -> Any:
        answer = stack.call("metrics", "GET", f"/customers/{customer}/health")
        return answer.status == 200 and answer.body["told"]

    until(lambda: (now := known()) and now["warned"], "the warning", 60)
    stack.post_events(*bought(customer, 2, 1, 0))
    back = until(
        lambda: (now := known()) and not now["warned"] and now, "who came back is warned of no more", 60
    )
    assert back["segment"] != "lost"
    stack.settle()
    changes = [data["to"] for data in told(stack, customer)["rapport.segment.changed.v1"]]
    assert changes[0] == "lost"
    assert changes[-1] != "lost"
