"""Who may do what on the running platform: each route opens to its scope and to no other."""

import uuid
from typing import Any

import pytest

from shared.runtime.access import SCOPES
from tests.stack import STRUCTURED, Answer, Stack, event, new_customer, purchase, until

ADJUSTMENT = {"points": 40, "reason": "goodwill"}
COMPLAINT = {"channel": "email", "category": "delivery", "severity": "low", "description": "Late."}
# Scope; service, method and path; the body.
ROUTES: list[tuple[str, str, str, str, Any]] = [
    ("events:write", "interactions", "POST", "/events", None),
    ("customers:read", "interactions", "GET", "/customers/{id}", None),
    ("customers:read", "interactions", "GET", "/customers/{id}/timeline", None),
    ("customers:read", "loyalty", "GET", "/members/{id}/ledger", None),
    ("customers:read", "followup", "GET", "/customers/{id}/outreach", None),
    ("complaints:write", "interactions", "POST", "/complaints", COMPLAINT),
    ("complaints:approve", "interactions", "POST", "/complaints/none/approve", {}),
    ("loyalty:redeem", "loyalty", "POST", "/members/{id}/redemptions", {"reward_id": "free-delivery"}),
    ("outreach:write", "followup", "POST", "/outreach", {"template": "note"}),
    ("metrics:read", "metrics", "GET", "/kpis", None),
    ("admin", "loyalty", "POST", "/members/{id}/adjustments", ADJUSTMENT),
]


def problem(answer: Answer, status: int, code: str) -> Any:
    assert (answer.status, answer.body["code"]) == (status, code), answer
    assert answer.headers["content-type"].startswith("application/problem+json")
    return answer.body


def member(stack: Stack) -> str:
    customer = new_customer()
    stack.post_events(purchase(customer, 10_000))
    until(lambda: stack.balance(customer) == 100, "the points")
    return customer


@pytest.mark.parametrize(
    ("scope", "service", "method", "path", "body"), ROUTES, ids=[f"{r[2]} {r[3]}" for r in ROUTES]
)
def test_a_route_needs_its_scope_and_nothing_else(
    stack: Stack, scope: str, service: str, method: str, path: str, body: Any
) -> None:
    customer = member(stack)
    if path == "/events":
        body = purchase(customer, 100)
    elif path in ("/complaints", "/outreach"):
        body = {**body, "customer_id": customer}

    def ask(headers: dict[str, str]) -> Answer:
        kind = STRUCTURED if path == "/events" else "application/json"
        return stack.call(
            service, method, path.format(id=customer), body, kind=kind, headers=headers, key=uuid.uuid4().hex
        )

    problem(ask({}), 401, "unauthenticated")
    refused = ask(stack.caller(*(SCOPES - {scope})))
    assert scope in problem(refused, 403, "forbidden")["detail"]
    assert f'scope="{scope}"' in refused.headers["www-authenticate"]
    assert ask(stack.caller(scope)).status not in (401, 403)


def test_a_refused_caller_changes_nothing(stack: Stack) -> None:
    customer = member(stack)
    path = f"/members/{customer}/adjustments"
    problem(
        stack.call("loyalty", "POST", path, ADJUSTMENT, headers=stack.caller("loyalty:redeem")),
        403,
        "forbidden",
    )
    done = stack.call("loyalty", "POST", path, ADJUSTMENT, headers=stack.caller("admin"))
    assert (done.status, done.body["balance"]) == (201, 140)


def test_credentials_that_are_not_valid_are_401(stack: Stack) -> None:
    path = f"/customers/{new_customer()}"
    for headers in (
        {"X-API-Key": "not-a-key"},
        {"Authorization": "Bearer not.a.token"},
        stack.caller(*SCOPES, lasting=-60),
        stack.caller(*SCOPES, secret="another-secret-of-32-characters-or-more"),
        stack.caller(*SCOPES, name="api-key"),  # would share the idempotency keys of the key itself
    ):
        answer = stack.call("interactions", "GET", path, headers=headers)
        problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_an_idempotency_key_is_its_callers_own(stack: Stack) -> None:
    customer, key = member(stack), uuid.uuid4().hex
    path = f"/members/{customer}/adjustments"
    for caller in ("ann", "bob", "ann"):
        headers = stack.caller("admin", name=caller)
        assert stack.call("loyalty", "POST", path, ADJUSTMENT, key=key, headers=headers).status == 201
    assert stack.balance(customer) == 180


def test_compensation_by_event_needs_admin(stack: Stack) -> None:
    customer = member(stack)
    unhappy = event("complaint.opened", customer, {**COMPLAINT, "complaint_id": f"c-{customer}"})
    given = {"complaint_id": f"c-{customer}", "kind": "points", "points": 50}
    events = [unhappy, event("compensation.granted", customer, given)]
    before = stack.ends("complaints")
    refused = stack.post_events(*events, headers=stack.caller("events:write"))
    problem(refused, 403, "forbidden")
    assert stack.ends("complaints") == before
    assert stack.post_events(*events, headers=stack.caller("events:write", "admin")).status == 202
    until(lambda: stack.balance(customer) == 150, "the compensation")
