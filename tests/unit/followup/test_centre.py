"""The preference centre and the unsubscribe page over HTTP: what they show, and what a form changes."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from services.followup.domain.links import Subscription
from services.followup.settings import FollowupSettings
from services.followup.tokens import links
from shared.http.key_ring import KeyRing
from shared.pages.readers import LANGUAGES
from shared.schemas.customers import ConsentChanged, CustomerErased, CustomerUpdated

from .apiworker import SECRET, Worker, rules_about
from .driver import granted, profile

LINKS = links("", KeyRing([SECRET.encode()]))
CENTRE = LINKS.preferences("c-1")
EVENTS = {"en": "Events", "de": "Veranstaltungen", "es": "Eventos", "fr": "Événements"}
TOPICS = [{"name": "events", "label": EVENTS}, {"name": "recipes", "label": "Recipes & more"}]


@pytest.fixture
def settings(settings: FollowupSettings, tmp_path: Path) -> FollowupSettings:
    """With topics."""
    return settings.model_copy(update={"rules": rules_about(TOPICS, tmp_path)})


def ticked(page: str) -> list[str]:
    return re.findall(r'name="want" value="([^"]+)" checked', page)


def fields(page: str) -> dict[str, list[str]]:
    """What a browser would send of the form as it stands."""
    found: dict[str, list[str]] = {"want": ticked(page)}
    for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page):
        found.setdefault(name, []).append(value)
    found["frequency"] = re.findall(r'name="frequency" value="(\w+)"[^>]* checked', page)
    found["language"] = re.findall(r'<option value="(\w*)"[^>]* selected', page) or ["en"]
    if 'name="pause" value="1" checked' in page:
        found["pause"] = ["1"]
    return found


def said(worker: Worker) -> list[tuple[str, str, str | None, bool]]:
    return [(w.purpose, w.channel, w.topic_, w.granted) for w in worker.facts(ConsentChanged)]


def test_the_centre_shows_what_holds_and_changes_nothing(http: TestClient, worker: Worker) -> None:
    worker.event(granted())
    worker.event(
        ConsentChanged.model_validate(
            {"purpose": "marketing", "channel": "email", "topic": "events", "granted": False}
        )
    )
    worker.save()
    before = worker.state
    page = http.get(CENTRE)
    assert page.status_code == http.head(CENTRE).status_code == 200
    holds = ["marketing|email|recipes", "marketing|email", "service|email", "service|mail"]
    assert ticked(page.text) == holds
    assert "Recipes &amp; more" in page.text
    assert http.post(CENTRE, data=fields(page.text)).status_code == 200  # saved as it stands
    assert worker.state is before or worker.state == before
    assert said(worker) == []


def test_what_is_changed_is_told_shown_and_can_be_loaded_again(http: TestClient, worker: Worker) -> None:
    form = fields(http.get(CENTRE).text)
    form["want"] = ["marketing|email|events", "service|email", "service|mail", "survey|email"]
    form |= {"frequency": ["monthly"], "language": ["de"], "pause": ["1"]}
    for _ in range(2):
        page = http.post(CENTRE, data=form)
        assert page.status_code == 200
    assert said(worker) == [("survey", "email", None, True), ("marketing", "email", "events", True)]
    assert [told.locale for told in worker.facts(CustomerUpdated)] == ["de"]
    assert '<html lang="de">' in page.text
    assert "Ihre Auswahl wurde gespeichert" in page.text
    assert "Veranstaltungen" in page.text
    assert "Keine Angebote, Neuigkeiten und Fragen bis zum" in page.text
    again = fields(page.text)
    assert sorted(again["want"]) == sorted(form["want"])
    assert (again["frequency"], again["pause"], again["language"]) == (["monthly"], ["1"], ["de"])


def test_the_button_that_stops_all(http: TestClient, worker: Worker) -> None:
    worker.event(granted())
    worker.save()
    form = fields(http.get(CENTRE).text) | {"stop": ["1"]}
    page = http.post(CENTRE, data=form)
    assert ticked(page.text) == ["service|email", "service|mail"]
    assert ("marketing", "email", None, False) in said(worker)


def test_channels_are_those_that_reach_the_customer(http: TestClient, worker: Worker) -> None:
    assert "sms" not in http.get(CENTRE).text
    unknown = {"row": ["marketing|pigeon"], "want": ["marketing|pigeon"]}
    assert http.post(CENTRE, data=unknown).status_code == 200
    assert said(worker) == []


def test_calls_and_letters_are_chosen_for_what_rules_have_them_for(http: TestClient, worker: Worker) -> None:
    """A present is put by with a card (service); nothing else goes by post, and no survey by phone."""
    worker.event(profile(phone="+49301234567"))
    worker.save()

    def shown() -> list[str]:
        return re.findall(r'name="row" value="(\w+\|(?:phone|mail))"', http.get(CENTRE).text)

    assert shown() == ["marketing|phone", "service|mail", "service|phone"]
    worker.event(granted(channel="mail"))
    worker.save()
    assert shown() == ["marketing|mail", "marketing|phone", "service|mail", "service|phone"]


def test_who_was_erased_or_never_heard_of(http: TestClient, worker: Worker) -> None:
    never = LINKS.preferences("c-2")
    assert ticked(http.get(never).text) == ["service|email", "service|mail"]
    worker.event(CustomerErased())
    worker.save()
    for page in (http.get(CENTRE), http.post(CENTRE, data={"frequency": "weekly"})):
        assert (page.status_code, "has been erased" in page.text) == (410, True)


def test_a_forged_link_is_none(http: TestClient) -> None:
    for path in (CENTRE[:-1], CENTRE + "A", "/p/x.y"):
        assert http.get(path).status_code == http.post(path).status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_in_every_language(http: TestClient, worker: Worker, language: str) -> None:
    worker.event(profile(locale=language))
    worker.save()
    topic = LINKS.unsubscribe(Subscription("c-1", "marketing", "email", "events"))
    for path in (CENTRE, topic):
        page = http.get(path)
        assert f'<html lang="{language}">' in page.text
        assert EVENTS[language] in page.text
    assert http.post(topic, data={"scope": "all"}).status_code == 200


def unsubscribing(topic: str | None = "events") -> str:
    return LINKS.unsubscribe(Subscription("c-1", "marketing", "email", topic))


@pytest.mark.parametrize(
    ("body", "topics"),
    [
        ({"List-Unsubscribe": "One-Click"}, ["events"]),
        ({"scope": "topic"}, ["events"]),
        ({"scope": "all"}, [None]),
        ({}, ["events"]),
    ],
)
def test_a_message_about_a_topic(
    http: TestClient, worker: Worker, body: dict[str, str], topics: list[str | None]
) -> None:
    worker.event(granted())
    worker.save()
    page = http.get(unsubscribing())
    assert "No more about “Events”" in page.text
    assert "Stop all offers and news" in page.text
    assert said(worker) == []
    done = http.post(unsubscribing(), data=body)
    assert done.status_code == 200
    assert ("“Events”" in done.text) == (topics == ["events"])
    assert said(worker) == [("marketing", "email", topic, False) for topic in topics]
    assert CENTRE.replace("/p/", "../p/") in done.text


def test_a_mail_program_posts_a_form_in_parts(http: TestClient, worker: Worker) -> None:
    """RFC 8058 allows multipart/form-data."""
    done = http.post(unsubscribing(None), files={"List-Unsubscribe": (None, "One-Click")})
    assert done.status_code == 200
    assert said(worker) == [("marketing", "email", None, False)]
