"""The routes: accounts, writes, and who may call what."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from services.loyalty.api import create_app
from services.loyalty.settings import LoyaltySettings

from .account import day
from .platform import MEMBER, Platform


def test_enrolment_is_201_once_and_then_200(client: TestClient) -> None:
    assert client.get(f"/members/{MEMBER}").json()["code"] == "unknown_member"
    first, second = client.post(f"/members/{MEMBER}"), client.post(f"/members/{MEMBER}")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.json()["tier"] == "bronze"


def test_a_member_shows_points_tier_and_what_expires(client: TestClient, platform: Platform) -> None:
    platform.account.buy(0, 12_000)
    platform.account.buy(1, 5_000)
    platform.now = day(2)
    body = client.get(f"/members/{MEMBER}").json()
    assert (body["balance"], body["pending"], body["lifetime_points"], body["tier"]) == (
        170,
        0,
        170,
        "bronze",
    )
    assert body["next_tier"] == {"tier": "silver", "spend_needed": {"amount": 13_000, "currency": "EUR"}}
    assert [(lot["points"], lot["at"]) for lot in body["expiring"]] == [
        (120, "2026-01-01T00:00:00Z"),
        (50, "2026-01-02T00:00:00Z"),
    ]
    # A year on, the first 120 points are over, and the anniversary gave 100.
    platform.now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=1)
    assert client.get(f"/members/{MEMBER}").json()["balance"] == 150


def test_the_ledger_is_paged_newest_first(client: TestClient, platform: Platform) -> None:
    for number in range(5):
        platform.account.buy(number, 1_000 + number * 100)
    seen, cursor, pages = [], None, 0
    while cursor is not None or pages == 0:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        body = client.get(f"/members/{MEMBER}/ledger", params=params).json()
        seen += [entry["points"] for entry in body["items"]]
        cursor, pages = body["cursor"], pages + 1
    assert (seen, pages) == ([14, 13, 12, 11, 10], 3)
    assert client.get("/members/nobody/ledger").status_code == 404
    assert client.get(f"/members/{MEMBER}/ledger", params={"cursor": "x"}).json()["code"] == "invalid_cursor"


def test_redeem_use_and_cancel(client: TestClient, platform: Platform) -> None:
    platform.account.buy(0, 25_000)
    redeem = f"/members/{MEMBER}/redemptions"
    got = client.post(redeem, json={"reward_id": "free-delivery"}, headers={"Idempotency-Key": "k-1"})
    assert got.status_code == 201
    assert got.json()["balance"] == 150
    assert platform.asked[-1] == ("members.redemptions", MEMBER, "k-1")
    code = got.json()["voucher_code"]
    used, again = client.post(f"/vouchers/{code}/redeem"), client.post(f"/vouchers/{code}/redeem")
    assert (used.status_code, again.status_code, again.json()["code"]) == (200, 409, "voucher_redeemed")
    other = client.post(redeem, json={"reward_id": "free-delivery"}).json()["voucher_code"]
    poor = client.post(redeem, json={"reward_id": "free-delivery"})
    assert (poor.status_code, poor.json()["code"]) == (409, "insufficient_points")
    cancelled = client.post(f"/vouchers/{other}/cancel")
    assert (cancelled.status_code, cancelled.json()["balance"]) == (200, 150)
    assert client.post("/vouchers/NONE/redeem").json()["code"] == "unknown_voucher"


def test_what_is_wrong_is_said_before_the_worker_is_asked(client: TestClient, platform: Platform) -> None:
    platform.account.buy(0, 1_000)
    url = f"/members/{MEMBER}/redemptions"
    unknown = client.post(url, json={"reward_id": "no-such"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_reward")
    for path, body in (
        (url, {"reward_id": "free-delivery", "extra": 1}),
        (url, {}),
        (f"/members/{MEMBER}/adjustments", {"points": "5", "reason": "x"}),
        (f"/members/{MEMBER}/adjustments", {"points": 2**60, "reason": "x"}),
        (f"/members/{MEMBER}/adjustments", {"points": 5, "reason": ""}),
        ("/members/not%20an%20id", None),
    ):
        answer = client.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), path
    assert platform.asked == []


def test_adjustments(client: TestClient, platform: Platform) -> None:
    url = f"/members/{MEMBER}/adjustments"
    assert client.post(url, json={"points": 5, "reason": "late card"}).status_code == 404
    client.post(f"/members/{MEMBER}")
    assert client.post(url, json={"points": 5, "reason": "late card"}).json()["balance"] == 5
    assert platform.account.ledger[-1]["reason"] == "late card"
    assert client.post(url, json={"points": -6, "reason": "x"}).json()["code"] == "insufficient_points"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/program"),
        ("GET", f"/members/{MEMBER}"),
        ("GET", f"/members/{MEMBER}/statement"),
        ("GET", f"/members/{MEMBER}/lots"),
        ("GET", f"/members/{MEMBER}/ledger/e-1/explain"),
        ("GET", "/program/versions"),
        ("GET", "/program/liability"),
        ("POST", f"/members/{MEMBER}"),
        ("POST", f"/members/{MEMBER}/adjustments"),
        ("POST", "/vouchers/CODE/redeem"),
    ],
)
def test_nothing_without_a_key(client: TestClient, method: str, path: str) -> None:
    assert client.request(method, path, headers={"X-API-Key": "wrong-key"}).status_code == 401


SCOPES = {
    "/program": "customers:read",
    "/program/versions": "customers:read",
    "/program/liability": "metrics:read",
    "/rewards": "customers:read",
    "/members/{customer_id}": "customers:read",
    "/members/{customer_id}/ledger": "customers:read",
    "/members/{customer_id}/statement": "customers:read",
    "/members/{customer_id}/lots": "customers:read",
    "/members/{customer_id}/ledger/{entry_id}/explain": "customers:read",
}


def test_every_route_says_its_scope_and_every_write_takes_a_key(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    reads = {
        path for path, item in paths.items() if "get" in item and path.startswith(("/program", "/members"))
    }
    assert reads | {"/rewards"} == set(SCOPES)
    for path, scope in SCOPES.items():
        assert [scope] in paths[path]["get"]["security"][0].values(), path
    asked = "/members/{customer_id}/quote"  # a question with a body: it writes nothing
    assert ["customers:read"] in paths[asked]["post"]["security"][0].values()
    writes = {path: item["post"] for path, item in paths.items() if "post" in item and path != asked}
    assert len(writes) == 7
    for path, operation in writes.items():
        assert "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]], path
        scope = "admin" if path.endswith("adjustments") else "loyalty:redeem"
        assert [scope] in operation["security"][0].values(), path
        schema = operation["responses"]["202"]["content"]["application/json"]["schema"]
        assert schema["$ref"].endswith("/PendingAnswer")


def test_a_scope_that_is_missing_is_named() -> None:
    key = "few-scopes-key"
    digest = hashlib.sha256(key.encode()).hexdigest()
    settings = LoyaltySettings(
        kafka="unused:1",
        mongo="mongodb://unused",
        secret_key="k" * 16,
        api_keys={"desk": {"key_sha256": digest, "scopes": ["admin"]}},
    )
    desk = TestClient(create_app(settings), headers={"X-API-Key": key})
    for path, scope in (("/program/liability", "metrics:read"), ("/program/versions", "customers:read")):
        answer = desk.get(path)
        assert (answer.status_code, scope in answer.json()["detail"]) == (403, True)
