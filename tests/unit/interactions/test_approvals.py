"""Compensation over HTTP: who may give how much, who approves the rest, one effect a key."""

import hashlib
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.interactions.domain.complaints.compensation import MAX_APPROVALS
from shared.runtime.settings import Settings
from shared.schemas.complaints import CompensationGranted

from .conftest import KEY
from .inline_worker import InlineWorker
from .test_service import complaint

LEAD, CLERK, READER = "a-key-of-the-lead", "a-key-of-the-clerk", "a-key-of-a-reader"
SCOPES = {
    LEAD: ["complaints:approve", "customers:read"],
    CLERK: ["complaints:write", "complaints:approve"],
    READER: ["customers:read", "admin"],
}


@pytest.fixture(scope="module")
def settings(mongo: str) -> Settings:
    keys: Any = {
        key.rpartition("-")[2]: {"key_sha256": hashlib.sha256(key.encode()).hexdigest(), "scopes": scopes}
        for key, scopes in SCOPES.items()
    }
    secret = "0123456789abcdef"
    return Settings(kafka="nowhere:1", mongo=mongo, secret_key=secret, api_key=KEY, api_keys=keys)


@pytest.fixture
def one(api: TestClient, customer: str) -> str:
    """The id of a complaint: high, so up to 2,500 points and 100.00 EUR may be given at once."""
    return complaint(api, customer)


def post(api: TestClient, one: str, action: str, body: Any = None, by: str = KEY, key: str = "") -> Any:
    headers = {"X-API-Key": by} | ({"Idempotency-Key": key} if key else {})
    return api.post(f"/complaints/{one}/{action}", json=body, headers=headers)


def granted(worker: InlineWorker, customer: str) -> list[CompensationGranted]:
    told = (event.data for event in worker.emitted if event.subject == customer)
    return [data for data in told if isinstance(data, CompensationGranted)]


def approvals(api: TestClient, one: str) -> Any:
    return api.get(f"/complaints/{one}").json()["approvals"]


def test_above_the_limit_another_approves(
    api: TestClient, worker: InlineWorker, customer: str, one: str
) -> None:
    body = {"kind": "refund", "money": {"amount": 10_001, "currency": "EUR"}}
    answer = post(api, one, "compensate", body)
    assert (answer.status_code, answer.json()) == (202, {"code": "needs_approval"})
    assert "location" not in answer.headers
    (waiting,) = approvals(api, one)
    assert waiting.pop("approval_id")
    assert waiting.pop("asked_at")
    assert waiting == {"asked_by": "api-key", "points": None, "reward_id": None, **body}

    for by, code in ((READER, (403, "forbidden")), (KEY, (403, "own_request"))):
        answer = post(api, one, "approve", by=by)
        assert (answer.status_code, answer.json()["code"]) == code
    assert granted(worker, customer) == []
    answer = post(api, one, "approve", {}, by=LEAD)
    assert (answer.status_code, answer.json()) == (200, {"complaint_id": one, "status": "opened"})
    assert approvals(api, one) == []
    (fact,) = granted(worker, customer)
    assert (fact.asked_by, fact.approved_by) == ("api-key", "lead")
    shown = api.get(f"/complaints/{one}").json()["history"][-1]
    assert shown["type"] == "rapport.compensation.granted.v1"
    assert shown["data"]["approved_by"] == "lead"
    answer = post(api, one, "approve", by=LEAD)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_approve")


def test_who_may_both_ask_and_approve_still_needs_another(
    api: TestClient, worker: InlineWorker, customer: str, one: str
) -> None:
    assert post(api, one, "compensate", {"kind": "points", "points": 9_999}, by=CLERK).status_code == 202
    assert post(api, one, "approve", by=CLERK).json()["code"] == "own_request"
    assert post(api, one, "approve", by=KEY).status_code == 200
    assert [(f.asked_by, f.approved_by) for f in granted(worker, customer)] == [("clerk", "api-key")]


def test_the_scope_is_needed_and_the_body_checked(api: TestClient, one: str) -> None:
    assert post(api, one, "compensate", {"kind": "points", "points": 1}, by=LEAD).status_code == 403
    for body in (
        {"kind": "points", "points": 1, "reward_id": "mug"},
        {"kind": "voucher", "reward_id": "a b"},
    ):
        answer = post(api, one, "compensate", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert post(api, one, "approve", {"approval": "x"}, by=LEAD).status_code == 422


def test_one_key_is_one_request_and_one_approval(
    api: TestClient, worker: InlineWorker, customer: str, one: str
) -> None:
    body = {"kind": "points", "points": 3_000}
    for _ in range(3):
        assert post(api, one, "compensate", body, key=f"ask-{customer}").json() == {"code": "needs_approval"}
    assert len(approvals(api, one)) == 1
    for _ in range(3):
        assert post(api, one, "approve", by=LEAD, key=f"yes-{customer}").status_code == 200
    assert len(granted(worker, customer)) == 1
    again = post(api, one, "compensate", body, key=f"ask-{customer}")
    assert (again.status_code, approvals(api, one)) == (202, [])
    other = post(api, one, "compensate", {"kind": "points", "points": 3_001}, key=f"ask-{customer}")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


def test_a_key_is_the_same_request_whatever_its_caller_may_do_by_then(
    api: TestClient, worker: InlineWorker, customer: str, one: str
) -> None:
    body = {"kind": "points", "points": 3_000}
    named = api.app.state.authenticator._keys._named
    clerk = named["clerk"]
    assert post(api, one, "compensate", body, by=CLERK, key=customer).json() == {"code": "needs_approval"}
    named["clerk"] = clerk.model_copy(update={"scopes": frozenset({"complaints:write"})})
    try:
        again = post(api, one, "compensate", body, by=CLERK, key=customer)
        assert (again.status_code, again.json()) == (202, {"code": "needs_approval"})
    finally:
        named["clerk"] = clerk


def test_too_many_and_several(api: TestClient, one: str) -> None:
    body = {"kind": "points", "points": 3_000}
    for _ in range(MAX_APPROVALS):
        assert post(api, one, "compensate", body).status_code == 202
    for action, by, code in (
        ("compensate", KEY, "too_many_approvals"),
        ("approve", LEAD, "several_approvals"),
    ):
        answer = post(api, one, action, body if action == "compensate" else None, by=by)
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    chosen = approvals(api, one)[3]["approval_id"]
    assert post(api, one, "approve", {"approval_id": chosen}, by=LEAD).status_code == 200
    assert chosen not in {waiting["approval_id"] for waiting in approvals(api, one)}
