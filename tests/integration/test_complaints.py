"""A complaint on the running platform: which step may follow which, and each of them once."""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.stack import Answer, Stack, new_customer, until

BODIES: dict[str, dict[str, Any]] = {
    "acknowledge": {"message": "We have it."},
    "resolve": {"resolution": "Sent again."},
    "reopen": {"reason": "Broken again."},
    "close": {},
}
OTHER_BODIES: dict[str, dict[str, Any]] = {
    "acknowledge": {"message": "Another text."},
    "resolve": {"resolution": "Money back."},
    "reopen": {"reason": "Another reason."},
}
LEADS_TO = {"acknowledge": "acknowledged", "resolve": "resolved", "reopen": "reopened", "close": "closed"}
# As CONTRACT.md says: the status, the steps that lead there, and what may follow.
TRANSITIONS = [
    ("opened", [], {"acknowledge", "resolve"}),
    ("acknowledged", ["acknowledge"], {"resolve"}),
    ("resolved", ["resolve"], {"close", "reopen"}),
    ("closed", ["resolve", "close"], {"reopen"}),
    ("reopened", ["resolve", "reopen"], {"acknowledge", "resolve"}),
]


def complain(stack: Stack, customer: str, key: str | None = None, **changes: Any) -> Answer:
    asked = {
        "customer_id": customer,
        "channel": "email",
        "category": "delivery",
        "severity": "high",
        "description": "It is late.",
    }
    return stack.call("interactions", "POST", "/complaints", {**asked, **changes}, key=key)


def opened(stack: Stack, customer: str, steps: Sequence[str] = ()) -> str:
    """A complaint that has gone so far."""
    answer = complain(stack, customer)
    assert answer.status == 201, answer
    complaint: str = answer.body["complaint_id"]
    for action in steps:
        assert act(stack, complaint, action).status == 200
    return complaint


def act(stack: Stack, complaint: str, action: str, body: Any = None, key: str | None = None) -> Answer:
    asked = BODIES[action] if body is None else body
    return stack.call("interactions", "POST", f"/complaints/{complaint}/{action}", asked, key=key)


def status(stack: Stack, complaint: str) -> Any:
    return stack.get("interactions", f"/complaints/{complaint}")["status"]


def test_each_step_from_open_to_close_has_one_effect_however_often_it_is_asked(stack: Stack) -> None:
    customer = new_customer()
    first = complain(stack, customer, f"open-{customer}")
    again = complain(stack, customer, f"open-{customer}")
    assert (again.status, again.body) == (first.status, first.body) == (201, first.body)
    mismatch = complain(stack, customer, f"open-{customer}", severity="low")
    assert (mismatch.status, mismatch.body["code"]) == (422, "idempotency_mismatch")
    complaint, other = first.body["complaint_id"], opened(stack, customer, ["resolve"])
    for action in ("acknowledge", "resolve", "close"):
        key = uuid.uuid4().hex
        first, again = (act(stack, complaint, action, key=key) for _ in range(2))
        assert first.body == {"complaint_id": complaint, "status": LEADS_TO[action]}
        assert (again.status, again.body) == (first.status, first.body) == (200, first.body)
        # The key names that request for ever: with another body, or of another complaint, it is refused.
        for mismatch in (
            *([act(stack, complaint, action, OTHER_BODIES[action], key)] if action in OTHER_BODIES else []),
            act(stack, other, action, key=key),
        ):
            assert (mismatch.status, mismatch.body["code"]) == (422, "idempotency_mismatch")
        assert status(stack, complaint) == LEADS_TO[action]
    page = stack.get("interactions", f"/complaints/{complaint}")
    kinds = [step["type"].split(".")[2] for step in page["history"]]
    assert [kind for kind in kinds if not kind.startswith("sla_")] == [
        "opened",
        "acknowledged",
        "resolved",
        "closed",
    ]
    assert kinds.count("sla_met") == 3, "first response, update, resolution"
    assert page["resolution"] == BODIES["resolve"]["resolution"]
    assert status(stack, other) == "resolved"


def test_a_refusal_is_answered_again_as_it_was(stack: Stack) -> None:
    """Also when the step would be in order by now: a key's outcome does not change."""
    complaint, key = opened(stack, new_customer()), uuid.uuid4().hex
    refused = act(stack, complaint, "close", key=key)
    assert (refused.status, refused.body["code"]) == (409, "invalid_transition")
    assert act(stack, complaint, "resolve").status == 200
    again = act(stack, complaint, "close", key=key)
    assert (again.status, again.body) == (refused.status, refused.body)
    assert status(stack, complaint) == "resolved"


@pytest.mark.parametrize(("at", "steps", "allowed"), TRANSITIONS, ids=[at for at, _, _ in TRANSITIONS])
def test_only_the_steps_in_order_are_taken(
    stack: Stack, at: str, steps: list[str], allowed: set[str]
) -> None:
    customer = new_customer()
    complaint = opened(stack, customer, steps)
    assert status(stack, complaint) == at
    for action in sorted(set(BODIES) - allowed):
        refused = act(stack, complaint, action)
        assert (refused.status, refused.body["code"]) == (409, "invalid_transition"), action
        assert refused.headers["content-type"].startswith("application/problem+json")
        assert status(stack, complaint) == at
    for action in sorted(allowed):
        taken = act(stack, opened(stack, customer, steps), action)
        assert (taken.status, taken.body["status"]) == (200, LEADS_TO[action]), action


def test_of_many_who_close_at_once_one_does(stack: Stack) -> None:
    complaint = opened(stack, new_customer(), ["resolve"])
    with ThreadPoolExecutor(10) as pool:
        tries = list(pool.map(lambda _: act(stack, complaint, "close", key=uuid.uuid4().hex), range(10)))
    assert sorted(t.status for t in tries) == [200] + [409] * 9


def test_open_ones_are_on_the_customers_page_and_all_are_listed(stack: Stack) -> None:
    customer = new_customer()
    # The text as it came: whoever shows it as HTML escapes it.
    open_one = complain(stack, customer, description="<b>late</b> & broken").body["complaint_id"]
    closed = opened(stack, customer, ["resolve", "close"])

    def on_the_page() -> set[str]:
        page = stack.get("interactions", f"/customers/{customer}")
        return {c["complaint_id"] for c in page["open_complaints"]}

    until(lambda: on_the_page() == {open_one}, "the open one alone")
    assert stack.get("interactions", f"/complaints/{open_one}")["description"] == "<b>late</b> & broken"
    for wanted, complaint in (("opened", open_one), ("closed", closed)):
        listed = stack.pages("interactions", f"/complaints?status={wanted}&limit=50")
        assert {c["status"] for c in listed} == {wanted}
        assert [c["complaint_id"] for c in listed].count(complaint) == 1
        times = [c["opened_at"] for c in listed]
        assert times == sorted(times, reverse=True)
    assert act(stack, open_one, "resolve").status == 200
    until(lambda: not on_the_page(), "none open")


def test_one_that_is_not_there_is_a_problem(stack: Stack) -> None:
    for answer in (
        stack.call("interactions", "GET", "/complaints/none"),
        act(stack, "none", "acknowledge"),
    ):
        assert (answer.status, answer.body["code"]) == (404, "unknown_complaint")
