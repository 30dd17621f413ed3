"""The routes, on a real store and with the domain as the worker behind a pretended broker."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from services.followup.config import DEFAULT_RULES, load_rules
from services.followup.tokens import UNSUBSCRIBE
from shared.http.key_ring import KeyRing
from shared.schemas.customers import ConsentChanged

from .apiworker import DAYTIME, KEY, SECRET, Worker
from .driver import DAY, HOUR, granted, opened, profile, purchase

RING = KeyRing([SECRET.encode()])
NOTE = {"customer_id": "c-1", "template": "note", "variables": {"subject": "Hello", "message": "There"}}


def items(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_the_rules_as_they_are_written(http: TestClient) -> None:
    shown = http.get("/rules", headers=KEY).json()
    names = [rule["name"] for rule in shown["rules"]]
    assert names == [rule.name for rule in load_rules(DEFAULT_RULES).rules]
    assert names[:3] == ["thank-you", "complaint-check", "complaint-acknowledged"]
    assert (shown["rules"][2]["delay"], shown["rules"][4]["delay"]) == ("0s", "60d")
    assert (shown["rules"][1]["every"], shown["rules"][2]["every"]) == (False, True)
    assert shown["quiet_hours"] == {"from": "21:00", "to": "08:00"}


def test_a_note_by_hand_once_per_key(http: TestClient, worker: Worker) -> None:
    answers = [http.post("/outreach", json=NOTE, headers={**KEY, "Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(worker.sent) == 1
    [shown] = items(http.get("/customers/c-1/outreach", headers=KEY))
    assert (shown["outreach_id"], shown["status"], shown["rule"]) == (
        answers[0].json()["outreach_id"],
        "sent",
        "manual",
    )
    assert "ada@example.org" not in str(shown)
    other = http.post("/outreach", json={**NOTE, "template": "news"}, headers={**KEY, "Idempotency-Key": "k"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"template": "news"}, 409, "no_consent"),
        ({"template": "nothing"}, 422, "unknown_template"),
        ({"channel": "pigeon"}, 422, "unknown_channel"),
        ({"variables": {"a": []}}, 422, "invalid"),
        ({"variables": {}}, 422, "bad_variables"),
        ({"customer_id": "no good id"}, 422, "invalid"),
        ({"at": "2026-01-01T00:00:00"}, 422, "invalid"),
        ({"extra": 1}, 422, "invalid"),
    ],
)
def test_refusals(http: TestClient, worker: Worker, change: dict[str, Any], status: int, code: str) -> None:
    answer = http.post("/outreach", json={**NOTE, **change}, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert not worker.sent


def test_outreach_is_listed_in_pages_and_by_status(http: TestClient, worker: Worker) -> None:
    for day in range(5):
        worker.until(DAYTIME + day * DAY)
        http.post("/outreach", json=NOTE, headers=KEY)
    later = (worker.now + timedelta(hours=1)).isoformat()
    http.post("/outreach", json={**NOTE, "at": later}, headers=KEY)
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = http.get("/customers/c-1/outreach", params=query, headers=KEY)
        seen += [item["due_at"] for item in items(answer)]
        cursor = answer.json()["cursor"]
        if cursor is None:
            break
    assert len(seen) == 6
    assert seen == sorted(seen, reverse=True)
    [planned] = items(http.get("/customers/c-1/outreach?status=scheduled", headers=KEY))
    assert planned["due_at"] == seen[0]
    assert not items(http.get("/customers/c-2/outreach", headers=KEY))
    assert http.get("/customers/c-1/outreach", headers=KEY).json()["unusable"] == {}
    worker.event(profile(email="a@☃.example"))
    worker.save()
    [(channel, why)] = http.get("/customers/c-1/outreach", headers=KEY).json()["unusable"].items()
    assert (channel, why) == (
        "email",
        "The address cannot be used: its domain is none that mail can be sent to.",
    )
    assert http.get("/customers/c-1/outreach?status=lost", headers=KEY).status_code == 422
    assert http.get("/customers/c-1/outreach?cursor=x", headers=KEY).status_code == 422


def test_what_waits_says_why_and_until_when(http: TestClient, worker: Worker) -> None:
    worker.event(granted())
    worker.until(DAYTIME + 10 * HOUR)
    worker.event(purchase())
    worker.after(3 * HOUR)
    worker.save()
    [item] = items(http.get("/customers/c-1/outreach", headers=KEY))
    morning = (DAYTIME + 20 * HOUR).isoformat().replace("+00:00", "Z")
    assert item["waiting"] == {"reason": "quiet_hours", "until": morning, "detail": None}
    worker.until(DAYTIME + 10 * HOUR + 60 * DAY)
    worker.save()  # with a win-back, told of only when it goes
    pages = [http.get("/customers/c-1/outreach?limit=1", headers=KEY)]
    pages.append(http.get(f"/customers/c-1/outreach?limit=1&cursor={pages[0].json()['cursor']}", headers=KEY))
    shown = [item for page in pages for item in items(page)]
    assert [(one["rule"], bool(one["waiting"])) for one in shown] == [
        ("win-back", True),
        ("thank-you", False),
    ]
    assert len(items(http.get("/customers/c-1/outreach?status=sent", headers=KEY))) == 1


def test_what_was_suppressed_says_all_that_blocked_it(http: TestClient, worker: Worker) -> None:
    worker.event(opened())
    worker.event(purchase())
    worker.after(3 * HOUR)
    worker.save()
    [item] = items(http.get("/customers/c-1/outreach?status=suppressed", headers=KEY))
    assert item["blocked_by"] == ["no_consent", "open_complaint"]
    assert (item["reason"], item["next_at"], item["waiting"]) == ("no_consent", None, None)


def test_preview(http: TestClient, worker: Worker) -> None:
    def asked(rule: str = "thank-you", customer: str = "c-1") -> httpx.Response:
        return http.post(f"/rules/{rule}/preview", json={"customer_id": customer}, headers=KEY)

    refused = asked().json()
    assert (refused["decision"], refused["reason"]) == ("suppress", "no_consent")
    worker.event(granted())
    worker.event(purchase("o-5"))
    worker.save()
    would = asked().json()
    assert would["decision"] in ("send", "wait")  # by the wall clock it may be night
    assert would["planned_at"] is not None
    assert "Dear Ada Byron" in would["text"]
    missing = [asked("nothing"), asked(customer="c-2")]
    assert [(a.status_code, a.json()["code"]) for a in missing] == [
        (404, "not_found"),
        (404, "unknown_customer"),
    ]
    assert not worker.sent


def test_keys_and_scopes(http: TestClient) -> None:
    for method, path in [
        ("GET", "/rules"),
        ("GET", "/customers/c-1/outreach"),
        ("POST", "/outreach"),
        ("POST", "/rules/thank-you/preview"),
    ]:
        assert http.request(method, path, json={}).status_code == 401


def link(worker: Worker) -> str:
    """The path that the message's own header names."""
    header = worker.sent[0]["headers"]["List-Unsubscribe"]
    assert header.startswith("<https://rapport.example/u/")
    return str(header.strip("<>").removeprefix("https://rapport.example"))


def test_unsubscribing_by_the_link_of_a_message(http: TestClient, worker: Worker) -> None:
    http.post("/outreach", json=NOTE, headers=KEY)
    before = worker.state
    page = http.get(link(worker))
    assert page.status_code == 200
    assert '<form method="post">' in page.text
    assert page.headers["cache-control"] == "no-store"
    assert worker.state is before  # link scanners follow every GET
    done = http.post(link(worker), data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    assert "<form" not in done.text
    consent = worker.state.consent("service", "email")
    assert consent is not None
    assert not consent.granted
    assert len(worker.facts(ConsentChanged)) == 1
    assert http.post(link(worker)).status_code == 200
    assert len(worker.facts(ConsentChanged)) == 1
    assert http.post("/outreach", json=NOTE, headers=KEY).json()["code"] == "no_consent"


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "x.y",
        KeyRing([b"another key, long enough"]).sign(UNSUBSCRIBE, "c-1", "marketing", "email"),
        RING.sign("survey", "c-1", "marketing", "email"),
        RING.sign(UNSUBSCRIBE, "c-1", "everything", "email"),
        RING.sign(UNSUBSCRIBE, "c-1"),
    ],
)
def test_a_link_that_is_not_ours_changes_nothing(http: TestClient, worker: Worker, token: str) -> None:
    before = worker.state
    assert http.get(f"/u/{token}").status_code == 404
    assert http.post(f"/u/{token}").status_code == 404
    assert worker.state is before


def test_the_document_names_every_route(http: TestClient) -> None:
    paths = http.get("/openapi.json").json()["paths"]
    wanted = {
        "/rules",
        "/customers/{customer_id}/outreach",
        "/outreach",
        "/rules/{name}/preview",
        "/u/{token}",
        "/s/{token}",
    }
    assert wanted <= set(paths)
