"""The book of messages balances after any history, and shows what is lost."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from prometheus_client import REGISTRY
from pymongo import MongoClient
from starlette.testclient import TestClient

from services.followup import telemetry
from services.followup.api import create_app
from services.followup.domain.results.book import WAITING, Account, Place, book, total
from services.followup.domain.results.cells import Cell
from services.followup.settings import FollowupSettings
from shared.schemas.commands.followup import DeliveryReported
from tests.examples import examples

from .driver import HOUR, Driver, policy, purchase, reachable, returned
from .test_properties import STEPS, run
from .test_results import counted

KEY = {"X-API-Key": "a-key-for-the-tests"}
TODAY = datetime.now(UTC).date()
NOON = datetime.combine(TODAY, datetime.min.time(), UTC) + 12 * HOUR


def place_of(row: dict[str, Any]) -> Place:
    return row["rule"], f"{row['due_at']:%Y-%m-%d}"


def book_of(driver: Driver) -> dict[Place, Account]:
    waiting = Counter(place_of(row) for row in driver.rows.values() if row["status"] in WAITING)
    return book(counted(driver), waiting)


@given(STEPS)
@settings(max_examples=examples(300), deadline=None)
def test_it_balances_after_any_history_and_says_what_each_message_came_to(steps: list[Any]) -> None:
    driver = run(steps).driver
    found = book_of(driver)
    stands = Counter((place_of(row), row["status"]) for row in driver.rows.values())
    made = Counter(place_of(row) for row in driver.rows.values())
    for place, account in found.items():
        assert account.difference == 0, (place, account)
        assert account.planned == made[place]
        for status in ("sent", "suppressed", "cancelled", "failed", "in_doubt"):
            assert getattr(account, status) == stands[place, status], (place, status)
    assert found.keys() >= made.keys()


@given(STEPS, STEPS)
@settings(max_examples=examples(60), deadline=None)
def test_an_erasure_leaves_it_balanced(before: list[Any], after: list[Any]) -> None:
    driver = run([*before, ("erase",), *after, ("wait", 24 * 100), ("deliver", "sent")]).driver
    assert not [account for account in book_of(driver).values() if account.difference]


def test_one_that_was_faster_than_its_cancellation_is_sent() -> None:
    driver = reachable(Driver(instant=False))
    driver.event(purchase())
    driver.after(3 * HOUR)
    ready = [row["_id"] for row in driver.rows.values() if row["status"] == "ready"]
    driver.event(returned())
    (id,) = ready
    driver.event(DeliveryReported(outreach_id=id, status="sent", attempt=1))
    whole = total(book_of(driver).values())
    assert (whole.planned, whole.sent, whole.cancelled, whole.difference) == (1, 1, 0, 0)


def test_what_is_lost_shows_and_is_not_made_up_for_by_what_is_told_twice() -> None:
    cells = {
        Cell("a", "2026-03-01", "", ""): Counter(planned=3, sent=1, suppressed_stale=1),
        Cell("a", "2026-03-02", "", ""): Counter(planned=1, sent=2),
        Cell("a", "2026-03-02", "@", "all"): Counter(assigned=1),
        Cell("b", "2026-03-02", "one", "x"): Counter(planned=1),
        Cell("b", "2026-03-02", "two", ""): Counter(planned=2, failed=1, in_doubt=1),
    }
    found = book(cells, {("b", "2026-03-02"): 1, ("c", "2026-03-03"): 1})
    assert {place: one.difference for place, one in found.items()} == {
        ("a", "2026-03-01"): 1,
        ("a", "2026-03-02"): -1,
        ("b", "2026-03-02"): 0,
        ("c", "2026-03-03"): -1,
    }
    telemetry.show(found)

    def value(rule: str, outcome: str = "") -> float | None:
        if outcome:
            return REGISTRY.get_sample_value("rapport_outreach_book", {"rule": rule, "outcome": outcome})
        return REGISTRY.get_sample_value("rapport_outreach_unbalanced", {"rule": rule})

    assert [value(rule) for rule in "abc"] == [2, 0, 1]
    assert (value("a", "planned"), value("b", "in_doubt"), value("c", "waiting")) == (4, 1, 1)
    telemetry.show({}, ["b"])
    assert (value("a"), value("b"), value("b", "planned")) == (None, 0, 0)


@pytest.fixture
def http(mongo_uri: str) -> Iterator[TestClient]:
    told = {"kafka": "127.0.0.1:1", "mongo": mongo_uri, "secret_key": "a secret of more than 16"}
    settings = FollowupSettings.model_validate({**told, "api_key": KEY["X-API-Key"]})
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        database = client["rapport_followup"]
        for name in ("results", "deliveries"):
            database[name].delete_many({})
        for partition, rule, days, sums in (
            (0, "thank-you", 1, {"planned": 3, "sent": 1, "suppressed_no_consent": 1}),
            (1, "thank-you", 1, {"planned": 2, "sent": 2, "delivered": 1}),
            (0, "thank-you", 40, {"planned": 7, "sent": 7}),
            (0, "gone-since", 0, {"planned": 1, "cancelled_duplicate": 1}),
        ):
            key = f"{rule}|{TODAY - timedelta(days=days):%Y-%m-%d}||"
            database["results"].insert_one({"_id": f"{partition}|{key}", "key": key, **sums})
        for id, status, days in (("a", "ready", 1), ("b", "sent", 1), ("c", "scheduled", 40)):
            row = {"_id": id, "rule": "thank-you", "status": status, "due_at": NOON - timedelta(days=days)}
            database["deliveries"].insert_one(row)
    with TestClient(create_app(settings, policy())) as http:
        yield http


def test_the_page(http: TestClient) -> None:
    answer = http.get("/outreach/book", headers=KEY)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["balanced"]
    assert [(one["rule"], one["planned"], one["waiting"]) for one in body["accounts"]] == [
        ("thank-you", 5, 1),
        ("gone-since", 1, 0),
    ]
    whole = {"planned": 6, "sent": 3, "suppressed": 1, "cancelled": 1, "failed": 0, "in_doubt": 0}
    assert body["total"] == {**whole, "waiting": 1, "difference": 0}
    older = http.get(f"/outreach/book?from={TODAY - timedelta(days=50)}", headers=KEY).json()
    assert not older["balanced"]
    assert older["accounts"][0]["difference"] == -1
    assert http.get("/outreach/book").status_code == 401
    turned = http.get("/outreach/book?from=2026-01-02&to=2026-01-01", headers=KEY)
    assert (turned.status_code, turned.json()["code"]) == (422, "bad_time")


def test_the_gauges_are_on_the_page(http: TestClient) -> None:
    http.get("/outreach/book", headers=KEY)
    for _ in range(50):
        page = http.get("/metrics").text
        if 'rapport_outreach_book{outcome="planned",rule="thank-you"} 5.0' in page:
            break
    assert 'rapport_outreach_unbalanced{rule="thank-you"} 0.0' in page
