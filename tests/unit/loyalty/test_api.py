"""The routes over a store in memory and a worker that is a function call."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.loyalty.api import create_app, get_store
from services.loyalty.domain.state import MemberState
from services.loyalty.settings import LoyaltySettings
from shared.runtime.api import get_clock, get_commands
from shared.runtime.auth import Principal
from shared.runtime.commands import Answer
from shared.runtime.effects import Refused
from shared.runtime.problems import Problem
from shared.schemas.base import Data

from .account import Account, day

KEY = {"X-API-Key": "all-scopes-key"}
MEMBER = "cust-1"


class Platform:
    """Store, clock and commands of one customer's account."""

    def __init__(self) -> None:
        self.account = Account()
        self.now = day(0)
        self.asked: list[tuple[str, str, str | None]] = []

    async def member(self, customer_id: str) -> MemberState | None:
        known = customer_id == MEMBER and self.account.state.enrolled_at is not None
        return self.account.state if known else None

    async def ledger(self, customer_id: str, before: int | None, limit: int) -> list[dict[str, Any]]:
        rows = [row for row in reversed(self.account.ledger) if before is None or row["seq"] < before]
        return rows[:limit]

    async def voucher_owner(self, code: str) -> str | None:
        row = self.account.rows.get(("vouchers", code))
        return row["member"] if row else None

    async def submit(
        self, principal: Principal, route: str, subject: str, data: Data, key: str | None
    ) -> Answer:
        self.asked.append((route, subject, key))
        try:
            outcome = self.account.apply(self.now, data)
        except Refused as refusal:
            raise Problem(refusal.status, refusal.code, refusal.detail) from None
        return Answer(outcome.status, outcome.body)


class FixedClock:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def now(self, subject: str | None = None) -> datetime:
        assert subject == MEMBER
        return self._platform.now


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def client(platform: Platform) -> TestClient:
    settings = LoyaltySettings(
        kafka="unused:1", mongo="mongodb://unused", secret_key="k" * 16, api_key=KEY["X-API-Key"]
    )
    app = create_app(settings)
    app.dependency_overrides[get_store] = lambda: platform
    app.dependency_overrides[get_commands] = lambda: platform
    app.dependency_overrides[get_clock] = lambda: FixedClock(platform)
    # Not entered: its lifespan would connect.
    return TestClient(app, headers=KEY)


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
    platform.now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=1)
    assert client.get(f"/members/{MEMBER}").json()["balance"] == 50


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


def test_the_program_and_its_rewards_are_readable(client: TestClient) -> None:
    program = client.get("/program").json()
    assert [tier["name"] for tier in program["tiers"]] == ["bronze", "silver", "gold", "vip"]
    assert program["tiers"][1]["multiplier"] == 1.25
    rewards = client.get("/rewards").json()
    assert rewards["cursor"] is None
    assert rewards["items"][0]["reward_id"] == program["rewards"][0]["id"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/program"),
        ("GET", f"/members/{MEMBER}"),
        ("POST", f"/members/{MEMBER}"),
        ("POST", f"/members/{MEMBER}/adjustments"),
        ("POST", "/vouchers/CODE/redeem"),
    ],
)
def test_nothing_without_a_key(client: TestClient, method: str, path: str) -> None:
    assert client.request(method, path, headers={"X-API-Key": "wrong-key"}).status_code == 401
