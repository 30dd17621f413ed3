"""Two ids of one person on the running platform, over HTTP alone: merged, told of by either id, and
parted."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.stack import Answer, Stack, new_customer, until


def tell(stack: Stack, type: str, customer: str, **data: Any) -> None:
    event = {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": "/test",
        "type": f"rapport.{type}.v1",
        "subject": customer,
        "time": datetime.now(UTC).isoformat(),
        "data": data,
    }
    answer = stack.call("interactions", "POST", "/events", event)
    assert answer.status == 202, answer


def bought(stack: Stack, customer: str, order: str) -> None:
    price = {"amount": 2_000, "currency": "EUR"}
    items = [{"sku": "mug", "quantity": 1, "unit_price": price}]
    tell(stack, "purchase.made", customer, order_id=order, channel="web", total=price, items=items)


def person(stack: Stack, customer: str) -> Any:
    return stack.get("interactions", f"/customers/{customer}")


def shows(stack: Stack, customer: str, wanted: Callable[[Any], bool]) -> Any:
    """The customer, once what was told is known."""

    def asked() -> Any:
        answer = stack.call("interactions", "GET", f"/customers/{customer}")
        return answer.body if answer.status == 200 and wanted(answer.body) else None

    return until(asked, f"{customer} is as expected")


def merge(stack: Stack, old: str, here: str, key: str | None = None) -> Answer:
    body = {"into": here, "reason": "one telephone"}
    return stack.call("interactions", "POST", f"/customers/{old}/merge", body, key=key)


def test_one_person_behind_two_ids(stack: Stack) -> None:
    old, here = new_customer(), new_customer()
    tell(stack, "customer.registered", old, name="A. Ortega", phone="+34600111222")
    tell(stack, "customer.registered", here, name="Ann Ortega", email=f"{here}@example.com")
    bought(stack, old, f"o-1-{old}")
    bought(stack, here, f"o-2-{old}")
    for id in (old, here):
        shows(stack, id, lambda it: it["purchases"]["count"] == 1 and it["profile"])
    asked = {"customer_id": old, "channel": "email", "category": "delivery", "severity": "high"}
    opened = stack.call("interactions", "POST", "/complaints", asked | {"description": "It is late."})
    complaint = opened.body["complaint_id"]
    before = {
        one["clock"]: one["due_at"] for one in stack.get("interactions", f"/complaints/{complaint}")["clocks"]
    }

    key = uuid.uuid4().hex
    first, again = (merge(stack, old, here, key) for _ in range(2))
    answer = {"customer_id": old, "into": here}
    assert (first.status, first.body) == (again.status, again.body) == (200, answer)
    assert merge(stack, here, old).body["code"] == "merge_cycle"
    shows(stack, old, lambda it: it["merged_from"] == [old])

    def both_answers() -> Any:
        """Of either id the same: what is still told of them may come between the two questions."""
        one, other = person(stack, old), person(stack, here)
        return one if one == other else None

    all = until(both_answers, "both ids answer alike")
    assert (all["customer_id"], all["purchases"]["count"]) == (here, 2)
    assert all["profile"]["phone"] == "+34600111222"
    detail = stack.get("interactions", f"/complaints/{complaint}")
    assert (detail["customer_id"], {c["clock"]: c["due_at"] for c in detail["clocks"]}) == (here, before)

    bought(stack, old, f"o-3-{old}")
    bought(stack, here, f"o-1-{old}")  # a copy of what was told of the old id
    tell(stack, "customer.updated", old, name="Ann Ortega-Ruiz")
    shows(stack, here, lambda it: it["profile"]["name"] == "Ann Ortega-Ruiz")
    shows(stack, here, lambda it: it["purchases"]["count"] == 3)
    step = stack.call("interactions", "POST", f"/complaints/{complaint}/acknowledge", {})
    assert (step.status, step.body["status"]) == (200, "acknowledged")
    found = stack.get("interactions", f"/customers?query={old}")["items"]
    assert [one["customer_id"] for one in found] == [here]
    told = stack.get("interactions", f"/customers/{old}/timeline?limit=100")["items"]
    assert sum(one["type"] == "rapport.purchase.made.v1" for one in told) == 4

    parted = stack.call("interactions", "POST", f"/customers/{old}/unmerge", {"reason": "her sister"})
    assert (parted.status, parted.body) == (200, {"customer_id": old, "into": old})
    alone = shows(stack, old, lambda it: it["customer_id"] == old and it["purchases"]["count"] == 2)
    assert [one["complaint_id"] for one in alone["open_complaints"]] == [complaint]
    assert alone["profile"]["name"] == "Ann Ortega-Ruiz"
    left = person(stack, here)
    # What was a copy while they were one is the survivor's own order now.
    assert (left["merged_from"], left["purchases"]["count"], left["open_complaints"]) == ([], 2, [])
    assert left["profile"]["name"] == "Ann Ortega"
    bought(stack, old, f"o-4-{old}")
    shows(stack, old, lambda it: it["purchases"]["count"] == 3)
