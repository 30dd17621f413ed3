"""What templates may link to."""

from datetime import timedelta
from typing import Any

import pytest

from services.followup.config import load_templates
from services.followup.domain.links import Links, Question, for_template
from services.followup.domain.messages.check import check
from services.followup.domain.messages.faults import TemplateFaultError
from services.followup.domain.messages.templates import Templates
from services.followup.domain.rules.surveys import Surveys
from services.followup.domain.state import Customer, Outreach
from services.followup.domain.tasks import TASKS
from services.followup.settings import FollowupSettings
from shared.schemas.complaints import ComplaintClosed
from shared.schemas.outreach import OutreachSent
from shared.schemas.times import DAY, micros

from .driver import (
    CHANNELS,
    NOON,
    Driver,
    granted,
    reachable,
    rules,
    shipped_policy,
    shipped_templates,
    solved,
)

SURVEYS = Surveys()


def asked(template: str, surveys: Surveys = SURVEYS, **shown: Any) -> Question:
    """The one question that a text links to."""
    questions: list[Question] = []
    links = Links(
        unsubscribe=lambda _: "u",
        preferences=lambda _: "p",
        survey=lambda q: questions.append(q) or "s",
        member=lambda *_: "m",
    )
    one = Outreach(
        at=0, by=0, outreach_id="out-1", key="", rule="", template="", purpose="", channel="",
        due_at=micros(NOON),
    )  # fmt: skip
    sources = {"x.txt": template, "x.html": "", "x.subject.txt": ""}
    found = for_template(links, surveys, "c-1", one)
    message = Templates(sources).render(
        "x",
        CHANNELS["email"],
        Customer(customer_id="c-1"),
        shown,
        sender="S",
        unsubscribe_url="u",
        links=found,
    )
    assert message.text.strip() == "s"
    [question] = questions
    return question


def test_a_template_asks_about_a_case() -> None:
    question = asked("{{ survey_link('csat', 'complaint', complaint_id) }}", complaint_id="k-1")
    assert (question.survey, question.about_kind, question.about_id) == ("csat", "complaint", "k-1")
    assert (question.customer_id, question.outreach_id) == ("c-1", "out-1")
    assert question.closes_at == micros(NOON) + 30 * DAY


def test_about_nothing_in_particular_is_about_the_message() -> None:
    for text in ("{{ survey_link('nps') }}", "{{ survey_link('nps', 'order', order_id) }}"):
        question = asked(text, order_id=None)
        assert (question.about_kind, question.about_id) == ("outreach", "out-1")


def test_the_rules_say_for_how_long_a_survey_is_open() -> None:
    week = Surveys.model_validate({"nps": {"open_for": "7d"}})
    assert asked("{{ survey_link('nps') }}", week).closes_at == micros(NOON) + 7 * DAY
    ends = Surveys.model_validate({"nps": {"closes_at": "2026-03-05T12:00:00Z"}})
    assert asked("{{ survey_link('nps') }}", ends).closes_at == micros(NOON) + 3 * DAY
    assert asked("{{ survey_link('ces') }}", ends).closes_at == micros(NOON) + 30 * DAY
    assert ends.closed("nps", micros(NOON) + 3 * DAY)
    assert not ends.closed("nps", micros(NOON) + 3 * DAY - 1)


@pytest.mark.parametrize(
    ("call", "said"),
    [("survey_link('mood')", "no survey mood"), ("survey_link('nps', 'order', 'no id')", "'no id' is no id")],
)
def test_a_link_that_cannot_be_is_the_templates_fault(call: str, said: str) -> None:
    with pytest.raises(TemplateFaultError, match=said):
        asked("{{ " + call + " }}")
    sources = {**load_templates(None).sources, "news.txt": "{{ " + call + " }}"}
    sources["thank-you.txt"] = sources["news.txt"]
    with pytest.raises(TemplateFaultError, match=said):  # at the start, not at the first message
        check(Templates(sources), rules(), {**CHANNELS, **TASKS})


def test_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"KAFKA": "k:1", "MONGO": "mongodb://m", "SECRET_KEY": "o" * 16}.items():
        monkeypatch.setenv(f"RAPPORT_{name}", value)
    monkeypatch.setenv("RAPPORT_SECRET_KEYS", f"{'n' * 16},{'m' * 16}")
    assert FollowupSettings().key_ring == (b"n" * 16, b"m" * 16, b"o" * 16)


def test_what_a_message_asks_is_told_when_it_went() -> None:
    driver = reachable(Driver(shipped_policy()))
    driver.event(granted("survey"))
    solved(driver)
    driver.event(ComplaintClosed(complaint_id="k-1"))
    driver.after(timedelta(days=2))
    driver.deliver()
    found = {fact.rule: fact.asks for fact in driver.facts(OutreachSent)}
    assert found["csat-complaint"] == "csat"
    assert {asks for rule, asks in found.items() if rule != "csat-complaint"} <= {None}


def test_which_survey_a_template_asks() -> None:
    shipped = shipped_templates()
    assert [shipped.asks(name) for name in ("nps", "csat", "csat-complaint", "thank-you", "none")] == [
        *("nps", "csat", "csat"),
        *(None, None),
    ]
    taken_in = {"a.txt": '{% extends "b.txt" %}', "b.txt": "{{ survey_link( 'ces' ) }}"}
    assert Templates(taken_in).asks("a") == "ces"
