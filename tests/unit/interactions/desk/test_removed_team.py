"""A team that the desk's file has no more: its lead sees who is left, and tells them of another; and what
nobody of a team can take is said by what it is for want of."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from services.interactions import api
from services.interactions.config import load_desk, parse_desk
from services.interactions.desk.views.team import Lacking, lacking
from services.interactions.domain.growth.lead import MOST
from services.interactions.models.teams import StuckView
from tests.unit.interactions.inline_worker import InlineWorker

from ..told import at
from .test_session import settings_of
from .test_waiting import CAPACITY, agent, tell, writes

ONLY = parse_desk("only_these_teams: true\nteams: [{id: care, default: true}]")
KEY = {"X-API-Key": "the key to all"}


@pytest.fixture
def app(mongo: str) -> FastAPI:
    settings = settings_of(mongo)
    return api.create_app(settings, publisher=InlineWorker(settings, wall=True))


@pytest.fixture
def browser(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="https://desk.test", follow_redirects=False) as client:
        yield client


def put(browser: TestClient, who: str, team: str, **more: Any) -> Any:
    body = {"team": team, "name": who, "capacity": CAPACITY, "on_shift": True, **more}
    return browser.put(f"/agents/{who}", json=body, headers=KEY)


def test_who_is_left_in_it_is_seen_and_told_of_another(
    app: FastAPI, browser: TestClient, customer: str
) -> None:
    who, team = agent(browser, customer)
    app.state.desk = ONLY
    shown = browser.get(f"/teams/{team}", headers=KEY).json()
    assert [one["agent_id"] for one in shown["agents"]] == [who]
    assert shown["listed"] is False
    page = browser.get(f"/desk/team?team={team}").text
    assert "This team is gone" in page
    # They may go home, nobody else comes, and in another team they are there no more.
    assert put(browser, who, team, on_shift=False).status_code == 200
    answer = put(browser, f"{who}-2", team)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_team")
    assert put(browser, who, "care").status_code == 200
    assert browser.get(f"/teams/{team}", headers=KEY).status_code == 404
    assert put(browser, who, team).status_code == 404


def test_teams_that_are_not_listed_have_tabs(app: FastAPI, browser: TestClient, customer: str) -> None:
    _, team = agent(browser, customer)
    app.state.remembered.teams = (team, "service", f"{team}-2")
    page = browser.get("/desk/team?team=service").text
    tabs = re.findall(r'/desk/team\?team=([^"]+)"', page.partition("</nav>")[2].partition("</nav>")[0])
    assert tabs == [*load_desk().by_id, team, f"{team}-2"]
    assert "This team is gone" not in browser.get(f"/desk/team?team={team}").text


def test_what_nobody_can_take_is_said_by_what_it_is_for_want_of(browser: TestClient, customer: str) -> None:
    _, team = agent(browser, customer)
    for n, skills in enumerate((["law"], ["law"], ["tax"], [])):
        writes(browser, f"{customer}-{n}", 5 + n, team)
        handed: dict[str, Any] = {"from": "bot", "reason": "r", "team": team, "skills": skills}
        handed["conversation_id"] = f"{customer}-{n}-talk"
        tell(browser, f"{customer}-{n}", "conversation.escalated", 4, **handed)
    page = browser.get(f"/desk/team?team={team}").text
    assert re.search(
        r'id="stuck"[^>]*><svg.*?</svg> Nobody here can take these <span class="count">3<', page, re.S
    )
    said = re.findall(r'<li><strong class="num">(\d+)</strong> ([^<]+)</li>', page)
    assert said == [("2", "nobody here knows law"), ("1", "nobody here knows tax")]
    assert re.search(r"After 10\s\w+ in the queue they go on to Customer service\.", page)


def test_those_that_most_wait_for_come_first() -> None:
    def stuck(*missing: str, language: str | None = None) -> StuckView:
        known = {"customer_id": "c", "conversation_id": "k", "since": at(0), "channel": None}
        return StuckView(**known, missing=list(missing), language=language)

    found = lacking([stuck(language="es"), stuck("law", language="es"), stuck("law"), stuck()])
    assert found == (Lacking(("law",), None, 2), Lacking((), "es", 1), Lacking((), None, 1))
    assert MOST == 100
