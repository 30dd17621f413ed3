"""No English word reaches a page in another language: not by a template, not by a value of ours."""

import re
from collections.abc import Iterable, Iterator
from html import unescape
from pathlib import Path
from typing import get_args

import pytest
from starlette.testclient import TestClient

from services.interactions.desk.names import NAMES
from services.interactions.desk.site import TEMPLATES
from services.interactions.desk.views.due import Stage
from services.interactions.desk.words import LOCALES
from services.interactions.domain.conversations.conversation import HandledBy, Status
from services.interactions.domain.growth.figures import PERIODS
from services.interactions.domain.growth.lead import Presence
from services.interactions.domain.growth.learned import TrainingStatus
from services.interactions.models.customers import SubscriptionView
from services.interactions.models.duplicates import Likeness
from services.metrics.domain.health.segments import Segment
from shared.facts.complaints import Status as ComplaintStatus
from shared.schemas.complaints import ClockName
from shared.schemas.customers import ConsentChanged
from shared.schemas.fields import Severity
from shared.schemas.interactions import Author, Channel, ConversationReturned, Priority
from shared.schemas.outreach import SuppressionReason, Survey
from shared.schemas.teams import TrainingKind
from shared.templates.catalogue import parsed
from tests.unit.interactions.desk.test_forms import browser, tell, writes

__all__ = ["browser"]

KINDS: dict[str, Iterable[str]] = {
    "author": get_args(Author),
    "channel": get_args(Channel),
    "clock": get_args(ClockName),
    "complaint": get_args(ComplaintStatus),
    "handed": get_args(ConversationReturned.model_fields["to"].annotation),
    "handled_by": get_args(HandledBy),
    "learning": get_args(TrainingStatus),
    "likeness": get_args(Likeness),
    "period": PERIODS,
    "presence": get_args(Presence),
    "priority": get_args(Priority),
    "purpose": get_args(ConsentChanged.model_fields["purpose"].annotation),
    "segment": get_args(Segment),
    "severity": get_args(Severity),
    "stage": get_args(Stage),
    "status": get_args(Status),
    "subscription": get_args(SubscriptionView.model_fields["status"].annotation),
    "survey": get_args(Survey),
    "training": get_args(TrainingKind),
    "unsent": get_args(SuppressionReason),
}
ALIKE = {"Rapport", "Ctrl", "Esc"}
"""Words of templates that are the same in every language."""
SAID_BY = re.compile(r"\b(?:aria-label|title|placeholder|alt)=(\"[^\"]*\"|'[^']*')")
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_GIVEN = re.compile(r' aria-[a-z]+="[^"]*"| autofocus')
"""Attributes that a macro gives to a tag."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_of_ours_has_a_name(kind: str) -> None:
    values = set(KINDS[kind])
    assert len(values) > 1
    assert values <= set(NAMES[kind])


@pytest.mark.parametrize("file", sorted(TEMPLATES.glob("*.html")), ids=lambda file: file.stem)
def test_a_template_says_nothing_that_catalogues_do_not_know(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    words = re.findall(r"[^\W\d_]{2,}", re.sub(r"<[^>]+>", " ", _GIVEN.sub("", _JINJA.sub("", source))))
    assert set(words) <= ALIKE
    attributes = [_JINJA.sub("", said[1:-1]) for said in SAID_BY.findall(source)]
    assert [said for said in attributes if re.search(r"[A-Z]?[a-z]+ [a-z]|[A-Z][a-z]", said)] == []


@pytest.mark.parametrize("file", sorted(TEMPLATES.glob("*.html")), ids=lambda file: file.stem)
def test_what_people_write_runs_as_its_script_does(file: Path) -> None:
    """Arabic or Hebrew words, told or typed, on a page that runs from left to right."""
    source = file.read_text(encoding="utf-8")
    written = re.findall(r'<(?:textarea|[a-z]+ class="told")[^>]*>', _JINJA.sub("", source))
    assert [tag for tag in written if 'dir="auto"' not in tag] == []


def shown(page: str) -> Iterator[str]:
    """All that somebody reads on a page, or hears of it."""
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", "", page, flags=re.DOTALL)
    yield from (unescape(text).strip() for text in re.findall(r">([^<]+)<", body))
    yield from (unescape(said[1:-1]).strip() for said in SAID_BY.findall(body))


def things(browser: TestClient, customer: str) -> list[str]:
    """A conversation, a complaint, and a past to show of a customer; their pages."""
    writes(browser, customer)
    about = {"category": "delivery", "severity": "high", "description": "verspätet", "channel": "web"}
    tell(browser, customer, "complaint.opened", complaint_id=f"c-{customer}", **about)
    talk = {"conversation_id": f"{customer}-talk"}
    tell(browser, customer, "conversation.escalated", **talk, **{"from": "bot", "reason": "verärgert"})
    tell(browser, customer, "conversation.closed", **talk, outcome="no_reply")
    tell(browser, customer, "customer.registered", name="Ann", segment="at_risk")
    tell(browser, customer, "consent.changed", purpose="marketing", channel="email", granted=True)
    whose = f"?customer_id={customer}"
    return [
        f"/desk/customers/{customer}",
        f"/desk/conversations/{customer}-talk{whose}",
        f"/desk/complaints/c-{customer}{whose}",
        f"/desk/search?q={customer}",
    ]


def test_pages_in_german_have_no_words_of_the_english_ones(browser: TestClient, customer: str) -> None:
    told = {key: said[0] for key, said in parsed((LOCALES / "de.po").read_text("utf-8"), "de").said.items()}
    english = {key.lower() for key, said in told.items() if said.lower() != key.lower()}
    english -= {said.lower() for said in told.values()}
    english -= {"complaints"}  # a team of the file that ships, as its installation calls it
    english |= {value for kind in NAMES.values() for value in kind if "_" in value or value in english}
    places = ["", "/complaints", "/search", "/duplicates", "/team", "/wall", "/me", "/settings", "/nowhere"]
    found = {}
    for place in [*(f"/desk{one}" for one in places), *things(browser, customer)]:
        page = browser.get(place, headers={"accept-language": "de"})
        assert page.status_code in (200, 404), place
        for text in shown(page.text):
            if text.lower().strip(" :·,") in english:
                found[place] = text
    assert found == {}
