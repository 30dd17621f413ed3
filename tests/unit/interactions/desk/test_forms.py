"""What forms of the desk ask for: sent twice it is done once; what was not done is not called done."""

import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from starlette.testclient import TestClient

from services.interactions import api
from services.interactions.desk.views.asked import AS_GOOD_AS, AskedError, counted_from, rest_until
from tests.unit.interactions.inline_worker import InlineWorker

from .test_session import settings_of, sign_in, token_of

MADE = datetime(2026, 11, 26, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def browser(mongo: str) -> Iterator[TestClient]:
    """Signed in as ann."""
    settings = settings_of(mongo)
    app = api.create_app(settings, publisher=InlineWorker(settings, wall=True))
    with TestClient(app, base_url="https://desk.test", follow_redirects=False) as client:
        sign_in(client, "the key to all", agent_id="ann")
        yield client


def tell(browser: TestClient, subject: str, type: str, **data: Any) -> None:
    told = {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": "/test",
        "type": f"rapport.{type}.v1",
        "subject": subject,
        "time": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
        "data": data,
    }
    kind = {"content-type": "application/cloudevents+json", "X-API-Key": "the key to all"}
    answer = browser.post("/events", content=json.dumps(told), headers=kind)
    assert answer.status_code < 300, answer.text


def writes(browser: TestClient, customer: str) -> str:
    """The path of the page of the customer's conversation."""
    said = {"channel": "chat", "direction": "inbound", "kind": "message", "summary": "hello"}
    tell(browser, customer, "interaction.logged", conversation_id=f"{customer}-talk", **said)
    return f"/desk/conversations/{customer}-talk"


def form_of(page: str, action: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    form = next(one for one in re.findall(r"<form.*?</form>", page, re.S) if action in one)
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


def test_a_rest_that_is_asked_for_twice_is_one(browser: TestClient, customer: str) -> None:
    place = writes(browser, customer)
    whose = {"customer_id": customer}
    fields = form_of(browser.get(place, params=whose).text, "/snooze")
    asked = [
        browser.post(f"{place}/snooze", params=whose, data={**fields, "rest": "1h", "reason": "parcel"})
        for _ in range(2)
    ]
    assert [one.status_code for one in asked] == [303, 303]


def test_giving_it_to_another_by_the_same_form_is_not_called_done(browser: TestClient, customer: str) -> None:
    place = writes(browser, customer)
    whose = {"customer_id": customer}
    fields = form_of(browser.get(place, params=whose).text, "/assign")
    answers = [
        browser.post(f"{place}/assign", params=whose, data={**fields, "agent_id": agent}).status_code
        for agent in ("ann", "ann", "ben")
    ]
    assert answers == [303, 303, 422]


@pytest.mark.parametrize(
    ("step", "typed", "said"),
    [
        ("assign", {"agent_id": "Ben Smith"}, "Agent: It has letters, digits"),
        ("snooze", {"rest": "1h", "reason": "x" * 20_001}, "Why: At most 20,000 characters."),
        ("compensate", {"kind": "refund", "amount": "5", "currency": "eur"}, "Currency: Three capital"),
        ("compensate", {"kind": "voucher", "reward_id": "a mug"}, "Reward: It has letters, digits"),
        ("compensate", {"kind": "points", "points": str(2**53 + 1)}, "Points: At most 9,007"),
        ("compensate", {"kind": "points", "points": 5_000 * "9"}, "Points: This number is too large."),
    ],
)
def test_what_cannot_be_is_named(
    browser: TestClient, customer: str, step: str, typed: dict[str, str], said: str
) -> None:
    place = writes(browser, customer)
    if step == "compensate":
        complaint = f"c-{customer}"
        about = {"category": "delivery", "severity": "low", "description": "late", "channel": "web"}
        tell(browser, customer, "complaint.opened", complaint_id=complaint, **about)
        place = f"/desk/complaints/{complaint}"
    whose = {"customer_id": customer}
    form = {"csrf": token_of(browser.get(place, params=whose).text), **typed}
    answer = browser.post(f"{place}/{step}", params=whose, data=form)
    assert answer.status_code == 422
    assert said in answer.text


def test_a_rest_is_counted_from_when_its_form_was_made() -> None:
    for later in (0.0, 0.7, 60.0):
        now = MADE + timedelta(seconds=later)
        assert counted_from(MADE.isoformat(), now) == MADE


@pytest.mark.parametrize("minutes", [6, 59, 61, 60 * 24 * 30])
def test_a_page_that_was_open_for_long_makes_no_rest_short(minutes: int) -> None:
    now = MADE + timedelta(minutes=minutes, seconds=3)
    start = counted_from(MADE.isoformat(), now)
    assert now - AS_GOOD_AS <= start <= now
    assert counted_from(MADE.isoformat(), now + timedelta(seconds=1)) == start
    until = rest_until("1h", "", start, ZoneInfo("UTC"))
    assert until is not None
    assert until > now


@pytest.mark.parametrize("made", ["", "soon", "2026-11-26T12:00:00", "2999-01-01T00:00:00+00:00", "9" * 400])
def test_a_time_that_no_page_of_ours_said_counts_for_nothing(made: str) -> None:
    assert counted_from(made, MADE) == MADE


@pytest.mark.parametrize(
    ("at", "zone"),
    [("9999-12-31T23:59", "America/New_York"), ("0001-01-01T00:00", "Asia/Tokyo"), ("soon", "UTC")],
)
def test_a_time_past_all_calendars_is_asked_again(at: str, zone: str) -> None:
    with pytest.raises(AskedError):
        rest_until("at", at, MADE, ZoneInfo(zone))
