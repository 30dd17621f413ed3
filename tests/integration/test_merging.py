"""Two members who are one, on the running platform."""

import uuid
from typing import Any

from tests.stack import Stack, event, new_customer, purchase, until


def merged(who: str, into: str) -> dict[str, object]:
    return event("customer.merged", who, {"into": into, "reason": "the same phone"})


def sums(stack: Stack, customer: str) -> bool:
    ledger = stack.ledger(customer)
    return sum(entry["points"] for entry in ledger) == ledger[0]["balance"] == stack.balance(customer)


def test_points_vouchers_and_commands_go_on_under_the_survivor(stack: Stack) -> None:
    old, survivor = new_customer(), new_customer()
    stack.post_events(purchase(old, 10_000), purchase(survivor, 3_000))
    until(lambda: (stack.balance(old), stack.balance(survivor)) == (100, 30), "the points of both")
    path = f"/members/{old}/redemptions"
    before = uuid.uuid4().hex
    code = stack.call("loyalty", "POST", path, {"reward_id": "free-delivery"}, key=before).body[
        "voucher_code"
    ]
    left = stack.balance(old)
    assert left is not None

    assert stack.post_events(merged(old, survivor)).status == 202
    until(lambda: stack.balance(survivor) == left + 30, "the survivor has all")

    def joined() -> dict[str, Any] | None:
        found = stack.get("loyalty", f"/members/{old}")
        return found if found["merged_from"] else None

    assert until(joined, "the old id answers as the survivor")["customer_id"] == survivor
    assert stack.ledger(old) == stack.ledger(survivor)
    assert sums(stack, survivor)

    # A retry of what was asked before the merge, and something new, each under the old id.
    again = stack.call("loyalty", "POST", path, {"reward_id": "free-delivery"}, key=before)
    assert (again.status, again.body["voucher_code"]) == (201, code)
    given = {"points": 70, "reason": "a kind word"}
    answer = stack.call("loyalty", "POST", f"/members/{old}/adjustments", given, key=f"{before}-2")
    assert (answer.status, answer.body["balance"]) == (201, left + 100)
    twice = stack.call("loyalty", "POST", f"/members/{old}/adjustments", given, key=f"{before}-2")
    assert (twice.status, twice.body) == (answer.status, answer.body)
    used = stack.call("loyalty", "POST", f"/vouchers/{code}/redeem")
    assert used.status == 200

    stack.post_events(purchase(old, 2_000))
    until(lambda: stack.balance(survivor) == left + 120, "what is told of the old id reaches the survivor")

    undone = event("customer.unmerged", old, {"from": survivor, "reason": "father and son"})
    assert stack.post_events(undone).status == 202
    until(lambda: stack.balance(survivor) == 30, "the survivor has what was theirs")
    until(lambda: stack.balance(old) == left + 90, "the old id has what is left")
    assert sums(stack, old)
    assert sums(stack, survivor)
    stack.post_events(purchase(old, 1_000))
    until(lambda: stack.balance(old) == left + 100, "events of the old id are its own again")


def test_merging_and_erasing_by_events_need_admin(stack: Stack) -> None:
    caller = stack.caller("events:write")
    for one in (
        merged(new_customer(), new_customer()),
        event("customer.unmerged", new_customer(), {"from": "x", "reason": "r"}),
        event("customer.erased", new_customer(), {}),
    ):
        assert stack.post_events(one, headers=caller).status == 403
