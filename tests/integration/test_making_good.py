"""A complaint made good on the running platform: an approval, points, a voucher by loyalty, a low score."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.stack import Answer, Stack, event, new_customer, until

from .test_complaints import complain


def post(stack: Stack, complaint: str, action: str, by: dict[str, str], body: Any = None) -> Answer:
    path = f"/complaints/{complaint}/{action}"
    return stack.call("interactions", "POST", path, body or {}, headers=by, key=uuid.uuid4().hex)


def told(stack: Stack, customer: str, kind: str) -> list[Any]:
    """What the customer's timeline has of a type, the oldest first."""
    found = [row for row in stack.timeline(customer) if row["type"] == f"rapport.{kind}.v1"]
    return sorted(found, key=lambda row: row["time"])


def test_a_complaint_is_made_good_and_a_low_score_reopens_it(stack: Stack) -> None:
    ann = stack.caller("complaints:write", name="ann")
    bea = stack.caller("complaints:write", "complaints:approve", name="bea")
    lead = stack.caller("complaints:approve", name="lead")
    customer = new_customer()
    complaint = complain(stack, customer, severity="normal").body["complaint_id"]

    # Above the limit: one of many who approve at once does, and never who asked.
    asked = post(stack, complaint, "compensate", bea, {"kind": "points", "points": 1_001})
    assert (asked.status, asked.body) == (202, {"code": "needs_approval"})
    assert "location" not in {name.lower() for name in asked.headers}
    assert [
        (waiting["asked_by"], waiting["points"])
        for waiting in stack.get("interactions", f"/complaints/{complaint}")["approvals"]
    ] == [("bea", 1_001)]
    own = post(stack, complaint, "approve", bea)
    assert (own.status, own.body["code"]) == (403, "own_request")
    with ThreadPoolExecutor(5) as pool:
        tries = list(pool.map(lambda _: post(stack, complaint, "approve", lead), range(5)))
    assert sorted(one.status for one in tries) == [200] + [409] * 4
    until(lambda: stack.balance(customer) == 1_001, "the points")

    # Within it: at once. A reward's voucher comes from loyalty, which knows none that is not in its program.
    for reward in ("free-delivery", "none-such"):
        voucher = {"kind": "voucher", "reward_id": reward}
        assert post(stack, complaint, "compensate", ann, voucher).status == 200
    (issued,) = until(lambda: told(stack, customer, "reward.issued"), "the voucher")
    assert (issued["data"]["reward_id"], issued["data"]["complaint_id"]) == ("free-delivery", complaint)
    code = issued["data"]["voucher_code"]
    assert stack.call("loyalty", "POST", f"/vouchers/{code}/redeem").status == 200
    assert (stack.balance(customer), len(stack.ledger(customer))) == (1_001, 1)
    dead = until(
        lambda: [
            record
            for record in stack.records("complaints.dlq")
            if record.key == customer.encode() and dict(record.headers)["rapport-service"] == b"loyalty"
        ],
        "the dead letter",
    )
    assert [dict(record.headers)["rapport-error"] for record in dead] == [b"unknown_reward"]

    # A low score about what was taken for solved.
    assert post(stack, complaint, "resolve", ann, {"resolution": "Sent again."}).status == 200
    answer = {"survey": "csat", "score": 2, "about": {"kind": "complaint", "id": complaint}}
    survey = event("survey.answered", customer, answer)
    for _ in range(2):
        stack.post_events(survey)
    (reopened,) = until(lambda: told(stack, customer, "complaint.reopened"), "the reopening")
    assert reopened["data"]["reason"] == "The customer answered CSAT with 2."
    shown = stack.get("interactions", f"/complaints/{complaint}")
    assert shown["status"] == "reopened"
    grants = [step["data"] for step in shown["history"] if step["type"] == "rapport.compensation.granted.v1"]
    assert [(one["asked_by"], one.get("approved_by")) for one in grants] == [
        ("bea", "lead"),
        ("ann", None),
        ("ann", None),
    ]
