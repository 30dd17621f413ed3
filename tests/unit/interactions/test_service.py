"""The service whole, on a real store: events and commands through the worker's own plan and transaction,
answers through the API."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.interactions.api import create_app
from services.interactions.routes import events
from shared.runtime.settings import Settings

from .inline_worker import InlineWorker

NOW = datetime.now(UTC)


def told(
    kind: str, subject: str, data: dict[str, Any], minutes: float = 0, id: str | None = None
) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": id or uuid.uuid4().hex,
        "source": "/till/9",
        "type": f"rapport.{kind}.v1",
        "subject": subject,
        "time": (NOW - timedelta(days=1) + timedelta(minutes=minutes)).isoformat(),
        "data": data,
    }


def tell(api: TestClient, *batch: dict[str, Any]) -> None:
    answer = api.post("/events", json=list(batch), headers={"content-type": events.BATCH})
    assert answer.json() == {"accepted": len(batch)}


def logged(subject: str, minutes: float, channel: str = "chat", **more: Any) -> dict[str, Any]:
    data = {"channel": channel, "direction": "inbound", "kind": "question", "summary": f"at {minutes}"}
    return told("interaction.logged", subject, data, minutes, **more)


def purchase(subject: str, minutes: float) -> dict[str, Any]:
    total = {"amount": 1299, "currency": "EUR"}
    return told(
        "purchase.made", subject, {"order_id": "o.1", "channel": "web", "total": total, "items": []}, minutes
    )


def complaint(api: TestClient, subject: str, key: str | None = None, **more: Any) -> str:
    body = {"customer_id": subject, "channel": "email", "category": "delivery", "severity": "high"}
    headers = {"Idempotency-Key": key} if key else {}
    answer = api.post("/complaints", json={**body, "description": "late <b>x</b>", **more}, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["complaint_id"])


def test_a_customer_never_heard_of(api: TestClient, customer: str) -> None:
    for path in (f"/customers/{customer}", f"/customers/{customer}/timeline"):
        answer = api.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")


def test_the_360(api: TestClient, customer: str) -> None:
    price = {"amount": 999, "currency": "EUR"}
    term = {"subscription_id": "s-1", "plan": "plus", "price": price, "expires_at": NOW.isoformat()}
    tell(
        api,
        told("customer.registered", customer, {"name": "Ann Åke", "preferences": {"$a.b": 2**70}}),
        told("consent.changed", customer, {"purpose": "marketing", "channel": "email", "granted": True}),
        purchase(customer, 1),
        logged(customer, 2),
        told("subscription.started", customer, term),
    )
    complaint_id = complaint(api, customer)
    page = api.get(f"/customers/{customer}").json()
    assert page["profile"] == {"name": "Ann Åke", "preferences": {"$a.b": 2**70}}
    assert [(c["purpose"], c["channel"], c["granted"]) for c in page["consents"]] == [
        ("marketing", "email", True)
    ]
    assert {c["channel"]: c["count"] for c in page["channels"]} == {"web": 1, "chat": 1, "email": 1}
    assert page["purchases"]["totals"] == [{"currency": "EUR", "purchased": 1299, "refunded": 0, "net": 1299}]
    assert [(s["subscription_id"], s["status"]) for s in page["subscriptions"]] == [("s-1", "expired")]
    assert [(c["complaint_id"], c["summary"]) for c in page["open_complaints"]] == [
        (complaint_id, "late <b>x</b>")
    ]
    assert (page["loyalty"], page["health"]) == (None, None)
    assert page["counts"] == {"customers": 2, "purchases": 2, "interactions": 1, "complaints": 1}


def test_timeline_pages_are_exact(api: TestClient, customer: str) -> None:
    # Five events at each of five instants, told in no order, with a neighbour whose id begins the same.
    batch = [logged(customer, n % 5, id=f"{customer}-{n:02d}") for n in range(25)]
    tell(api, *reversed(batch), batch[3], purchase(customer, 9), logged(f"{customer}0", 1))
    seen: list[dict[str, Any]] = []
    cursor = None
    while True:
        query = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        page = api.get(f"/customers/{customer}/timeline", params=query).json()
        assert 1 <= len(page["items"]) <= 4
        seen += page["items"]
        cursor = page["cursor"]
        if cursor is None:
            break
    by_time = sorted(batch, key=lambda e: (e["time"], e["id"]), reverse=True)
    assert [item["id"] for item in seen[1:]] == [e["id"] for e in by_time]
    assert seen[0]["summary"] == "Bought 0 lines for 12.99 EUR by web, order o.1"
    assert datetime.fromisoformat(seen[1]["time"]) == datetime.fromisoformat(by_time[0]["time"])
    assert seen[1]["data"] == by_time[0]["data"]


def test_timeline_filters_and_bad_cursors(api: TestClient, customer: str) -> None:
    tell(api, logged(customer, 1, "phone"), logged(customer, 2), purchase(customer, 3))
    path = f"/customers/{customer}/timeline"

    def found(**query: str) -> list[str]:
        return [item["summary"] for item in api.get(path, params=query).json()["items"]]

    bought = "Bought 0 lines for 12.99 EUR by web, order o.1"
    assert found(channel="phone") == ["Inbound phone, question: at 1"]
    assert found(type="purchase.made") == found(type="rapport.purchase.made.v1") == [bought]
    assert found(type="interaction.logged", channel="web") == []
    tell(api, logged(f"{customer}-2", 1), logged(f"{customer}-2", 2))
    other = api.get(f"{path.replace(customer, customer + '-2')}?limit=1").json()["cursor"]
    for cursor in ("nonsense", other):
        answer = api.get(path, params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


def test_a_complaint_from_open_to_close(api: TestClient, worker: InlineWorker, customer: str) -> None:
    complaint_id = complaint(api, customer, "k-" + customer, order_id="o.1")
    assert complaint(api, customer, "k-" + customer, order_id="o.1") == complaint_id
    path = f"/complaints/{complaint_id}"
    answer = api.post(f"{path}/close", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")
    steps = [
        ("acknowledge", {"message": "we have it", "assignee": "agent-7"}, "acknowledged"),
        ("update", {"message": "soon"}, "acknowledged"),
        ("compensate", {"kind": "points", "points": 50}, "acknowledged"),
        ("resolve", {"resolution": "sent again", "root_cause": "carrier"}, "resolved"),
        ("reopen", {"reason": "broken"}, "reopened"),
        ("resolve", {"resolution": "money back"}, "resolved"),
        ("close", None, "closed"),
    ]
    for action, body, status in steps:
        answer = api.post(f"{path}/{action}", json=body)
        assert (answer.status_code, answer.json()) == (200, {"complaint_id": complaint_id, "status": status})
    shown = api.get(path).json()
    assert (shown["status"], shown["assignee"], shown["order_id"]) == ("closed", "agent-7", "o.1")
    assert (shown["description"], shown["resolution"], shown["root_cause"]) == (
        "late <b>x</b>",
        "money back",
        None,
    )
    assert None not in (shown["acknowledged_at"], shown["resolved_at"], shown["closed_at"])
    kinds = [entry["type"].split(".")[2] for entry in shown["history"]]
    assert kinds == [
        "opened",
        "acknowledged",
        "updated",
        "granted",
        "resolved",
        "reopened",
        "resolved",
        "closed",
    ]
    assert api.get(f"/customers/{customer}").json()["open_complaints"] == []
    assert [e.data.topic for e in worker.emitted if e.subject == customer] == ["complaints"] * 8


def test_complaints_told_from_outside_follow_the_same_rules(
    api: TestClient, worker: InlineWorker, customer: str
) -> None:
    opened = {
        "complaint_id": customer,
        "channel": "web",
        "category": "x",
        "severity": "low",
        "description": "d",
    }
    before = len(worker.rejected)
    tell(
        api,
        told("complaint.closed", customer, {"complaint_id": customer}),
        told("complaint.opened", customer, opened),
        told("complaint.closed", customer, {"complaint_id": customer}, 1),
        told("complaint.resolved", customer, {"complaint_id": customer, "resolution": "done"}, 2),
    )
    # The first waits for the opening, and does not follow from it either.
    assert worker.rejected[before:] == ["invalid_transition"] * 2
    assert api.get(f"/complaints/{customer}").json()["status"] == "resolved"
    tell(api, told("complaint.opened", f"{customer}-b", opened))
    answer = api.get(f"/complaints/{customer}")
    assert (answer.status_code, answer.json()["code"]) == (409, "ambiguous_complaint")
    other = api.get(f"/complaints/{customer}", params={"customer_id": f"{customer}-b"}).json()
    assert (other["status"], other["customer_id"]) == ("opened", f"{customer}-b")


def test_complaint_lists(api: TestClient, customer: str) -> None:
    ids = [complaint(api, customer) for _ in range(3)]
    api.post(f"/complaints/{ids[1]}/acknowledge", json={"assignee": customer})

    def found(**query: Any) -> list[str]:
        items = api.get("/complaints", params={"limit": 500} | query).json()["items"]
        return [item["complaint_id"] for item in items if item["customer_id"] == customer]

    assert found() == ids[::-1]
    assert found(status="opened") == [ids[2], ids[0]]
    assert found(assignee=customer) == [ids[1]]
    assert found(overdue=True) == []
    first = api.get("/complaints", params={"limit": 2}).json()
    assert found(cursor=first["cursor"]) == ids[:1]
    assert api.get("/complaints", params={"status": "lost"}).status_code == 422


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("update", {}),
        ("resolve", {"resolution": ""}),
        ("reopen", {"reason": "x", "surprise": 1}),
        ("compensate", {"kind": "points"}),
        ("compensate", {"kind": "points", "points": 0}),
        ("compensate", {"kind": "refund", "money": {"amount": -1, "currency": "EUR"}}),
    ],
)
def test_bad_bodies(api: TestClient, worker: InlineWorker, customer: str, action: str, body: Any) -> None:
    complaint_id = complaint(api, customer)
    before = len(worker.emitted)
    answer = api.post(f"/complaints/{complaint_id}/{action}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["errors"]
    assert len(worker.emitted) == before


def test_unknown_complaints(api: TestClient) -> None:
    for answer in (api.get("/complaints/none"), api.post("/complaints/none/close", json={})):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_complaint")


def test_the_document_names_every_route(settings: Settings) -> None:
    paths = create_app(settings).openapi()["paths"]
    assert {"/events", "/customers", "/customers/{customer_id}/timeline", "/complaints"} <= set(paths)
    assert set(paths["/events"]["post"]["requestBody"]["content"]) == set(events.MEDIA_TYPES)
