"""Who waits, as the desk lists them: who comes first is there, nobody is missing, what is cut is said."""

import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.interactions import api
from services.interactions.config import load_desk
from services.interactions.desk.views.queue import Entry, waiting_first
from services.interactions.routes.desk import queue, team
from tests.unit.interactions.inline_worker import InlineWorker

from .test_session import settings_of, sign_in

NOW = datetime.now(UTC)
CAPACITY = {"total": 3, "weights": {"chat": 1}}


@pytest.fixture
def browser(mongo: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Lists are short."""
    monkeypatch.setattr(queue, "WAITING", 2)
    monkeypatch.setattr(queue, "LEFT", 2)
    monkeypatch.setattr(team, "LEFT", 2)
    settings = settings_of(mongo)
    app = api.create_app(settings, publisher=InlineWorker(settings, wall=True))
    with TestClient(app, base_url="https://desk.test", follow_redirects=False) as client:
        yield client


def tell(browser: TestClient, subject: str, type: str, minutes_ago: float, **data: Any) -> None:
    told = {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": "/test",
        "type": f"rapport.{type}.v1",
        "subject": subject,
        "time": (NOW - timedelta(minutes=minutes_ago)).isoformat(),
        "data": data,
    }
    kind = {"content-type": "application/cloudevents+json", "X-API-Key": "the key to all"}
    answer = browser.post("/events", content=json.dumps(told), headers=kind)
    assert answer.status_code < 300, answer.text


def writes(browser: TestClient, customer: str, minutes_ago: float, team: str | None = None) -> None:
    """A customer does; their bot hands it to the team, if one is named."""
    said = {"channel": "chat", "direction": "inbound", "kind": "message", "summary": "hello"}
    talk = f"{customer}-talk"
    tell(browser, customer, "interaction.logged", minutes_ago, conversation_id=talk, **said)
    if team is not None:
        handed = {"from": "bot", "reason": "asked for a person", "team": team}
        tell(browser, customer, "conversation.escalated", minutes_ago, conversation_id=talk, **handed)


def agent(browser: TestClient, customer: str) -> tuple[str, str]:
    """An agent who is not at work, signed in, and their team."""
    who, team = f"{customer}-ann", f"{customer}-team"
    told = {"agent_id": who, "name": "Ann", "capacity": CAPACITY, "on_shift": False, "on_break": False}
    tell(browser, team, "agent.changed", 999, **told)
    sign_in(browser, "the key to all", agent_id=who)
    return who, team


def listed(page: str, label: str) -> list[str]:
    """The customers of a section's lines."""
    found = re.search(rf'<section[^>]* aria-labelledby="{label}">(.*?)</section>', page, re.S)
    return [] if found is None else re.findall(r"<strong>([^<]+)</strong>", found[1])


def test_who_has_waited_longest_is_there_and_the_others_are_counted(
    browser: TestClient, customer: str
) -> None:
    _, team = agent(browser, customer)
    for number in (1, 2, 3, 4):
        writes(browser, f"{customer}-{number}", 100 - number, team)
    page = browser.get("/desk").text
    assert listed(page, "waiting") == [f"{customer}-1", f"{customer}-2"]
    assert "2 more are not shown." in page
    assert re.search(r'id="waiting">[^<]*<span class="count">4<', page)


def test_what_nobody_handed_over_is_shown_too_the_oldest_first(browser: TestClient, customer: str) -> None:
    _, team = agent(browser, customer)
    for number, ago in ((1, 60 * 24 * 400), (2, 60 * 24 * 401), (3, 1)):
        writes(browser, f"{customer}-{number}", ago)
    for path in ("/desk", f"/desk/team?team={team}"):
        page = browser.get(path).text
        assert listed(page, "waiting") == []
        assert listed(page, "left") == [f"{customer}-2", f"{customer}-1"]
        assert re.search(r"\d+ more (is|are) not shown\.", page)


def entry(customer: str, priority: str, waited: timedelta) -> Entry:
    return Entry(
        conversation_id="c-1",
        customer_id=customer,
        name=customer,
        line=None,
        status="queued",
        handled_by="queue",
        agent_id=None,
        team=None,
        priority=priority,
        channel=None,
        skills=(),
        since=NOW - waited,
        snoozed=False,
        snoozed_until=None,
        opened_at=NOW,
        updated_at=NOW,
    )


def test_what_has_waited_for_long_goes_before_what_is_more_urgent() -> None:
    rules = load_desk()
    step = timedelta(microseconds=rules.priorities.ageing)
    normal, urgent = (
        entry("long", "normal", 2 * step + timedelta(seconds=1)),
        entry("new", "urgent", step * 0),
    )
    assert [one.name for one in waiting_first([urgent, normal], rules)] == ["long", "new"]
    sooner = entry("less long", "normal", 2 * step - timedelta(seconds=1))
    assert [one.name for one in waiting_first([sooner, urgent], rules)] == ["new", "less long"]
