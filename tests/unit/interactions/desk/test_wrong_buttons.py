"""Forms of buttons and choices alone that did not work come back on their own page; and what routing had
against an agent, or was promised to a customer, is told by forms as by the API."""

import re
from html import unescape
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from .test_forms import browser, form_of, tell, writes
from .test_session import sign_in, token_of
from .test_wrong_forms import complaint, fault_of

__all__ = ["browser"]


def noted(page: str, form: str) -> str:
    """What a note says that stands in the section of a form, as a reader is told of it."""
    found = re.search(rf'{form}.*?role="alert">(.*?)</div>', page, re.S)
    assert found is not None
    return unescape(re.sub(r"<[^>]+>", " ", found[1]))


def at_work(browser: TestClient, customer: str, agent_id: str, **more: bool) -> None:
    capacity = {"total": 1, "weights": {"chat": 1}}
    told = {"agent_id": agent_id, "name": "Ann", "capacity": capacity, "on_shift": True, "on_break": False}
    tell(browser, f"t-{customer}", "agent.changed", **(told | more))


@pytest.mark.parametrize(("place", "action"), [("/desk", "/desk/shift"), ("/desk/me", "/desk/me/work")])
def test_a_shift_that_is_none_is_said_beside_its_buttons(
    browser: TestClient, customer: str, place: str, action: str
) -> None:
    at_work(browser, customer, f"ann-{customer}")
    browser.cookies.clear()
    sign_in(browser, "the key to all", agent_id=f"ann-{customer}")
    fields = form_of(browser.get(place).text, f'action="{action}"')
    answer = browser.post(action, data={**fields, "shift": "holiday", "state": "holiday"})
    assert answer.status_code == 422
    assert "My shift: This is none of the choices." in noted(answer.text, f'action="{action}"')
    assert f'action="{action}"' in answer.text
    put_right = {"shift": "break", "state": "break"}
    assert (
        browser.post(action, data={**form_of(answer.text, f'action="{action}"'), **put_right}).status_code
        == 303
    )


def test_the_key_of_a_form_holds_for_each_of_its_buttons_by_itself(
    browser: TestClient, customer: str
) -> None:
    """As after a 503, where the form has its key again, and another button is pressed."""
    at_work(browser, customer, f"eve-{customer}")
    browser.cookies.clear()
    sign_in(browser, "the key to all", agent_id=f"eve-{customer}")
    fields = form_of(browser.get("/desk").text, 'action="/desk/shift"')
    for wish in ("break", "end", "end"):
        assert browser.post("/desk/shift", data={**fields, "shift": wish}).status_code == 303


def test_who_is_in_no_team_stays_on_their_page(browser: TestClient) -> None:
    browser.cookies.clear()
    sign_in(browser, "the key to all", agent_id=f"new-{uuid4().hex}")
    fields = {"csrf": token_of(browser.get("/desk").text), "shift": "start", "state": "work"}
    for place, heading in (("/desk/shift", "My queue"), ("/desk/me/work", "new-")):
        answer = browser.post(place, data=fields)
        assert answer.status_code == 404
        assert re.search(rf"<h1>{heading}", answer.text)
        assert 'role="alert"' in answer.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"timezone": "Mars/Olympus"}, "There is no such time zone."),
        ({"timezone": " "}, "This is needed."),
        ({"language": "tlh"}, "This is none of the choices."),
    ],
)
def test_settings_that_cannot_be_are_asked_again(
    browser: TestClient, wrong: dict[str, str], said: str
) -> None:
    fields = form_of(browser.get("/desk/settings").text, 'action="/desk/settings"')
    (name,) = wrong
    wishes = {"language": "en", "timezone": "Europe/Paris", "keys": "on"}
    answer = browser.post("/desk/settings", data={**fields, **wishes, **wrong})
    assert answer.status_code == 422
    assert fault_of(answer.text, f"f-{name}") == said
    assert "set-cookie" not in answer.headers
    if name == "language":
        assert "<option selected>Europe/Paris</option>" in answer.text
    assert re.search(r'name="keys" value="on" checked', answer.text)


def test_two_of_whom_it_is_said_already_what_they_are(browser: TestClient, customer: str) -> None:
    """The page again, with what is wrong at its head where they are on it no more; and beside them."""
    email = f"{customer}@x.test"
    for who in (customer, f"{customer}-twin"):
        tell(browser, who, "customer.registered", name="Ann", email=email)
    page = browser.get("/desk/duplicates").text
    pair = next(one for one in re.findall(r"/desk/duplicates/([^/]+)/reject", page) if customer in page)
    fields = form_of(page, f"/{pair}/confirm")
    answer = browser.post(f"/desk/duplicates/{pair}/confirm", data={**fields, "into": "who-ever"})
    assert answer.status_code == 422
    assert "who-ever" in noted(answer.text, f"{customer}-twin")
    assert (
        browser.post(f"/desk/duplicates/{pair}/reject", data=form_of(page, f"/{pair}/reject")).status_code
        == 303
    )
    answer = browser.post(f"/desk/duplicates/{pair}/confirm", data={**fields, "key": "other"})
    assert answer.status_code == 409
    assert "<h1>Duplicates</h1>" in answer.text
    assert 'role="alert"' in answer.text


def test_all_that_was_against_an_agent_is_told(browser: TestClient, customer: str) -> None:
    at_work(browser, customer, f"ben-{customer}", on_shift=False)
    place, whose = writes(browser, customer), {"customer_id": customer}
    skill = "l" * 128
    handed = {"from": "bot", "reason": "x", "skills": ["law", skill], "language": "fr"}
    tell(browser, customer, "conversation.escalated", conversation_id=f"{customer}-talk", **handed)
    fields = form_of(browser.get(place, params=whose).text, "/assign")
    given = browser.post(f"{place}/assign", params=whose, data={**fields, "agent_id": f"ben-{customer}"})
    assert given.status_code == 303
    page = browser.get(given.headers["location"]).text
    for said in ("not at work now.", "do not know this: law.", "well enough.", "this language: French."):
        assert said in page
    path = f"/conversations/{customer}-talk/assign"
    key = {"X-API-Key": "the key to all"}
    answer = browser.post(path, params=whose, json={"agent_id": f"ben-{customer}"}, headers=key)
    against = ["off_shift", "lacks_skill:law", f"lacks_skill:{skill}", "lacks_language:fr"]
    assert answer.json()["warnings"] == against


def test_what_was_promised_is_when_the_update_is_due(browser: TestClient, customer: str) -> None:
    place, whose = complaint(browser, customer), {"customer_id": customer}
    browser.cookies.set("rapport-desk-preferences", "timezone=Asia%2FTokyo", path="/desk")
    fields = form_of(browser.get(place, params=whose).text, "/update?")
    sent = {**fields, "message": "We look into it.", "promised_by": "2040-01-02T09:30"}
    assert browser.post(f"{place}/update", params=whose, data=sent).status_code == 303
    found = browser.get(place.removeprefix("/desk"), params=whose, headers={"X-API-Key": "the key to all"})
    due = {one["clock"]: one["due_at"] for one in found.json()["clocks"]}
    assert due["update"] == "2040-01-02T00:30:00Z"
