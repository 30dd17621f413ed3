"""The routes: statements, lots and explanations."""

import pytest
from fastapi.testclient import TestClient

from services.loyalty.domain.state import MemberState
from services.loyalty.store import Member

from .account import day
from .platform import MEMBER, Platform


def test_a_statement_is_paged_and_right_though_timers_are_late(
    client: TestClient, platform: Platform
) -> None:
    platform.account.timers = False
    for number in range(3):
        platform.account.buy(number, 10_000)
    platform.account.buy(40, 5_000)
    platform.now = day(366)
    url = f"/members/{MEMBER}/statement"
    first = client.get(url, params={"month": "2025-01", "limit": 2}).json()
    assert (first["opening"], first["earned"], first["closing"]) == (0, 300, 300)
    assert [entry["balance"] for entry in first["entries"]] == [300, 200]
    second = client.get(url, params={"month": "2025-01", "cursor": first["cursor"]}).json()
    assert [entry["balance"] for entry in second["entries"]] == [100]
    assert (second["cursor"], second["closing"]) == (None, 300)
    now = client.get(url).json()
    # Two lots and the anniversary, by timers that have not fired: no ids yet.
    assert (now["month"], now["opening"], now["expired"], now["earned"]) == ("2026-01", 362, -200, 100)
    assert now["closing"] == client.get(f"/members/{MEMBER}").json()["balance"] == 262
    assert {(entry["entry_id"], entry["cause"]) for entry in now["entries"]} == {(None, None)}


@pytest.mark.parametrize("month", ["2025-13", "2025-1", "25-01", "2025-01-01", "", "0000-01", "２０２５-01"])
def test_a_bad_month_is_named(client: TestClient, platform: Platform, month: str) -> None:
    platform.account.buy(0, 1_000)
    answer = client.get(f"/members/{MEMBER}/statement", params={"month": month})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "query.month")


def test_a_month_must_have_begun(client: TestClient, platform: Platform) -> None:
    platform.account.buy(0, 1_000)
    url = f"/members/{MEMBER}/statement"
    answer = client.get(url, params={"month": "2025-02"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0] == {
        "field": "query.month",
        "code": "future_month",
        "detail": "2025-02 has not begun.",
    }
    platform.account.buy(31, 1_000)  # ahead of the clock, but booked
    assert client.get(url, params={"month": "2025-02"}).json()["earned"] == 10
    assert client.get("/members/nobody/statement").status_code == 404


def test_what_was_written_since_the_state_was_read_is_not_counted_twice(
    client: TestClient, platform: Platform
) -> None:
    platform.account.buy(0, 10_000)
    known = platform.account.state
    platform.account.advance(365)  # the worker is faster than the API's next query
    platform.now = day(365)
    platform.member = lambda _: _done(known)  # type: ignore[method-assign]
    body = client.get(f"/members/{MEMBER}/statement").json()
    assert (body["expired"], body["closing"]) == (-100, 100)
    states = [lot["state"] for lot in client.get(f"/members/{MEMBER}/lots").json()["items"]]
    assert states == ["active", "expired"]


async def _done(state: MemberState) -> Member:
    return Member(MEMBER, state)


def test_lots_by_state_newest_first(client: TestClient, platform: Platform) -> None:
    for number in range(4):
        platform.account.buy(number, 10_000, f"o-{number}")
    platform.account.redeem(5)
    platform.account.give_back(6, "o-2", 10_000)
    platform.now = day(7)
    url = f"/members/{MEMBER}/lots"
    seen, cursor, pages = [], None, 0
    while cursor is not None or pages == 0:
        body = client.get(url, params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        seen += body["items"]
        cursor, pages = body["cursor"], pages + 1
    assert pages == 2
    assert [(lot["order_id"], lot["state"], lot["remaining"]) for lot in seen] == [
        ("o-3", "active", 125),
        ("o-2", "reversed", 0),
        ("o-1", "active", 100),
        ("o-0", "spent", 0),
    ]
    assert seen[0]["cause"] == {"source": "/test", "id": "e-4"}
    assert [lot["order_id"] for lot in client.get(url, params={"state": "spent"}).json()["items"]] == ["o-0"]
    assert client.get(url, params={"state": "lost"}).json()["errors"][0]["field"] == "query.state"
    assert client.get(url, params={"cursor": "WzFd"}).json()["code"] == "invalid_cursor"


def test_an_entry_is_explained_with_the_story_of_its_lot(client: TestClient, platform: Platform) -> None:
    platform.account.buy(0, 12_000, "o-0")
    platform.account.redeem(1)
    platform.now = day(2)
    newest, oldest = client.get(f"/members/{MEMBER}/ledger").json()["items"]
    body = client.get(f"/members/{MEMBER}/ledger/{oldest['entry_id']}/explain").json()
    assert (body["kind"], body["points"]) == ("earned", 120)
    assert "order o-0" in body["sentence"]
    assert [step["rule"] for step in body["steps"]] == ["tier", "rate", "formula", "rounding", "validity"]
    lot = body["lot"]
    assert (lot["points"], lot["remaining"], lot["state"], lot["order_id"]) == (120, 20, "active", "o-0")
    assert [(change["entry_id"], change["points"]) for change in lot["changes"]] == [
        (oldest["entry_id"], 120),
        (newest["entry_id"], -100),
    ]
    debit = client.get(f"/members/{MEMBER}/ledger/{newest['entry_id']}/explain").json()
    assert (debit["kind"], debit["lot"]) == ("redeemed", None)
    for unknown in ("no-such", "entry:3", "lot:1"):
        answer = client.get(f"/members/{MEMBER}/ledger/{unknown}/explain")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_entry")
