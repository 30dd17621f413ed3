"""The routes: the program, its rewards and its liability."""

from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.loyalty.config import parse

from .account import day
from .platform import Platform


def test_the_liability_is_of_all_members(client: TestClient, platform: Platform) -> None:
    platform.account.buy(0, 12_000)
    platform.account.buy(40, 5_000)
    body = client.get("/program/liability").json()
    assert (body["currency"], body["point_value"], body["outstanding"], body["owed"]) == ("EUR", 2.0, 170, 0)
    assert body["months"] == [
        {"month": "2026-01", "points": 120, "pending": 0, "money": {"amount": 240, "currency": "EUR"}},
        {"month": "2026-02", "points": 50, "pending": 0, "money": {"amount": 100, "currency": "EUR"}},
    ]
    assert body["money"]["amount"] == 340
    assert body["breakage"] == {
        "rate": 0.1,
        "source": "program",
        "settled": 0,
        "points": 17,
        "money": {"amount": 34, "currency": "EUR"},
    }
    assert body["expected_cost"]["amount"] == 306


VERSIONS = """
name: shop
currency: EUR
rates: {EUR: 1}
tiers: [{name: base, spend: 0}, {name: top, spend: 100}]
---
name: shop
effective_from: 2025-02-01
currency: EUR
rates: {EUR: 1}
tiers: [{name: base, spend: 0}, {name: top, spend: 100}]
rewards:
  - {id: tea, name: Tea, cost: 10, stock: 3, from: 2025-03-01, until: 2025-04-01,
     early_access: {tier: top, days: 5}}
  - {id: cake, name: Cake, cost: 20}
"""


def test_versions_and_stock(client: TestClient, platform: Platform) -> None:
    app = client.app
    assert isinstance(app, FastAPI)
    platform.account.program = app.state.programs = parse(VERSIONS)
    listed = client.get("/program/versions").json()["items"]
    assert [version["version"] for version in listed] == ["shop 2025-02-01", "shop"]
    assert [version["effective_from"] for version in listed] == ["2025-02-01T00:00:00Z", None]
    assert client.get("/program").json()["rewards"] == []
    later = client.get("/program", params={"at": "2025-02-01T00:00:00Z"}).json()
    assert [reward["id"] for reward in later["rewards"]] == ["tea", "cake"]
    assert client.get("/program", params={"at": "soon"}).json()["errors"][0]["field"] == "query.at"
    platform.account.counters["stock:tea"] = 2
    platform.now = day(40)
    tea, cake = client.get("/rewards").json()["items"]
    assert tea == {
        "reward_id": "tea",
        "name": "Tea",
        "cost": 10,
        "validity_days": 90,
        "tier": None,
        "from": "2025-03-01T00:00:00Z",
        "until": "2025-04-01T00:00:00Z",
        "early_access": {"tier": "top", "days": 5},
        "amount_off": None,
        "percent_off": None,
        "stock": 3,
        "left": 1,
    }
    assert (cake["stock"], cake["left"], cake["from"]) == (None, None, None)


def test_the_program_and_its_rewards_are_readable(client: TestClient) -> None:
    program = client.get("/program").json()
    assert [tier["name"] for tier in program["tiers"]] == ["bronze", "silver", "gold", "vip"]
    assert program["tiers"][1]["multiplier"] == 1.25
    rewards = client.get("/rewards").json()
    assert rewards["cursor"] is None
    assert rewards["items"][0]["reward_id"] == program["rewards"][0]["id"]


def test_the_program_says_what_earns_nothing(client: TestClient) -> None:
    assert client.get("/program").json()["earn"]["exclude"] == {"categories": [], "skus": []}
