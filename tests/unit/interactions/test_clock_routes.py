"""Complaints and their clocks over HTTP, as of now, under the policy that ships."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.interactions.routes import events
from shared.runtime.settings import Settings

from .inline_worker import InlineWorker
from .test_service import complaint, told

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def worker(settings: Settings) -> InlineWorker:
    return InlineWorker(settings, wall=True)


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


def tell(api: TestClient, kind: str, customer: str, time: str, data: Mapping[str, Any]) -> None:
    e = told(kind, customer, dict(data)) | {"time": time}
    answer = api.post("/events", json=[e], headers={"content-type": events.BATCH})
    assert answer.json() == {"accepted": 1}, answer.text


def opening(**more: Any) -> dict[str, Any]:
    return {
        "complaint_id": "c-1",
        "channel": "email",
        "category": "delivery",
        "severity": "critical",
        "description": "It is late.",
        **more,
    }


def shown(api: TestClient, customer: str, id: str = "c-1") -> dict[str, Any]:
    answer = api.get(f"/complaints/{id}", params={"customer_id": customer})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def found(api: TestClient, customer: str, **query: Any) -> list[str]:
    items = api.get("/complaints", params={"limit": 500} | query).json()["items"]
    return [item["complaint_id"] for item in items if item["customer_id"] == customer]


def test_clocks_as_of_now_and_what_was_told_of_them(api: TestClient, customer: str) -> None:
    opened = datetime.now(UTC) - timedelta(hours=2)
    tell(api, "complaint.opened", customer, opened.isoformat(), opening())
    page = shown(api, customer)
    first, resolution = page["clocks"]
    assert set(first) == {"clock", "state", "due_at", "used_s", "policy", "version"}
    assert (first["clock"], first["state"], first["used_s"]) == ("first_response", "breached", 3600)
    assert datetime.fromisoformat(first["due_at"]) == opened + timedelta(hours=1)
    assert (first["policy"], first["version"]) == ("critical", "2020-01-01")
    assert (resolution["clock"], resolution["state"]) == ("resolution", "running")
    assert 7200 <= resolution["used_s"] < 7260
    assert datetime.fromisoformat(resolution["due_at"]) == opened + timedelta(days=1)
    assert (page["overdue"], page["next_clock"], page["next_due"]) == (
        True,
        "resolution",
        resolution["due_at"],
    )
    steps = [(step["type"], step["time"]) for step in page["history"]]
    assert [kind.split(".")[2] for kind, _ in steps] == ["opened", "sla_warned", "sla_breached", "escalated"]
    assert datetime.fromisoformat(steps[2][1]) == opened + timedelta(hours=1)
    assert page["history"][2]["data"] == {
        "complaint_id": "c-1",
        "clock": "first_response",
        "due_at": first["due_at"],
        "policy": "critical",
        "version": "2020-01-01",
    }
    assert page["history"][3]["data"] == {
        "complaint_id": "c-1",
        "clock": "first_response",
        "level": 1,
        "to": "lead",
    }
    assert found(api, customer, overdue=True) == ["c-1"]
    tell(api, "complaint.acknowledged", customer, ago(minutes=90), {"complaint_id": "c-1"})
    page = shown(api, customer)
    assert (page["clocks"][0]["state"], page["overdue"]) == ("met", False)
    assert "sla_breached" in [step["type"].split(".")[2] for step in page["history"]], "it was told"
    assert (found(api, customer, overdue=True), found(api, customer, overdue=False)) == ([], ["c-1"])
    page = api.get(f"/customers/{customer}").json()
    (view,) = page["open_complaints"]
    assert (view["next_clock"], view["waiting"]) == ("update", False)


def test_waiting_changing_and_promising(api: TestClient, customer: str) -> None:
    id = complaint(api, customer, severity="critical", conversation_id="t-1")
    path = f"/complaints/{id}"

    def act(action: str, body: Any = None) -> dict[str, Any]:
        answer = api.post(f"{path}/{action}", json={} if body is None else body)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    assert act("acknowledge", {"assignee": "agent-1"}) == {"complaint_id": id, "status": "acknowledged"}
    promised = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
    act("update", {"message": "soon", "promised_by": promised})
    page = shown(api, customer, id)
    assert (page["next_clock"], datetime.fromisoformat(page["next_due"])) == (
        "update",
        datetime.fromisoformat(promised),
    )
    assert act("wait", {"reason": "a photo"}) == {"complaint_id": id, "status": "acknowledged"}
    page = shown(api, customer, id)
    states = {clock["clock"]: (clock["state"], clock["due_at"]) for clock in page["clocks"]}
    assert (page["waiting"], states["update"], states["resolution"]) == (
        True,
        ("paused", None),
        ("paused", None),
    )
    assert states["first_response"][0] == "met"
    assert (found(api, customer, status="waiting"), found(api, customer, status="acknowledged")) == (
        [id],
        [id],
    )
    answer = {"channel": "email", "direction": "inbound", "kind": "answer", "summary": "here it is"}
    tell(api, "interaction.logged", customer, ago(seconds=0), {**answer, "conversation_id": "t-1"})
    page = shown(api, customer, id)
    assert (page["waiting"], found(api, customer, status="waiting")) == (False, [])
    assert {clock["clock"] for clock in page["clocks"] if clock["state"] == "running"} == {
        "update",
        "next_response",
        "resolution",
    }
    act("change", {"severity": "low", "category": "quality", "assignee": "agent-2"})
    page = shown(api, customer, id)
    assert (page["severity"], page["category"], page["assignee"]) == ("low", "quality", "agent-2")
    assert {clock["policy"] for clock in page["clocks"] if clock["state"] == "running"} == {"standard"}
    assert found(api, customer, assignee="agent-2") == [id]
    act("wait", {"reason": "once more"})
    act("resume")
    act("wait", {"reason": "a last time"})
    assert act("resolve", {"resolution": "done"})["status"] == "resolved"
    assert found(api, customer, status="waiting") == []


def test_a_refused_step_names_those_that_may_be_taken(api: TestClient, customer: str) -> None:
    path = f"/complaints/{complaint(api, customer)}"
    cases = [
        (None, "close", "acknowledged, updated, compensated, resolved, changed, set waiting"),
        ("resolve", "wait", "updated, compensated, closed, reopened, changed"),
        ("close", "change", "reopened"),
    ]
    for step, refused, allowed in cases:
        if step is not None:
            assert api.post(
                f"{path}/{step}", json={"resolution": "x"} if step == "resolve" else {}
            ).is_success
        body = {"wait": {"reason": "x"}, "change": {"severity": "low"}}.get(refused, {})
        answer = api.post(f"{path}/{refused}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")
        assert answer.json()["detail"].endswith(f"It can be: {allowed}.")


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("wait", {}),
        ("wait", {"reason": ""}),
        ("resume", {"reason": "x"}),
        ("change", {}),
        ("change", {"severity": "awful"}),
        ("change", {"status": "closed"}),
        ("update", {"message": "x", "promised_by": "soon"}),
        ("update", {"message": "x", "promised_by": "2026-01-01T00:00:00"}),
    ],
)
def test_bad_bodies(api: TestClient, customer: str, action: str, body: Any) -> None:
    answer = api.post(f"/complaints/{complaint(api, customer)}/{action}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["errors"]


def test_unknown_complaints_and_no_scope(api: TestClient) -> None:
    for action, body in (("wait", {"reason": "x"}), ("resume", {}), ("change", {"severity": "low"})):
        answer = api.post(f"/complaints/none/{action}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_complaint")
        refused = api.post(f"/complaints/none/{action}", json=body, headers={"X-API-Key": "none"})
        assert refused.status_code == 401
