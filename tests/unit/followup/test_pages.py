"""The pages behind links: what they answer, in which language, and that only a POST does anything."""

import re
from datetime import UTC, datetime
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from starlette.testclient import TestClient

from services.followup.domain.links import Question
from services.followup.pages import FOLDER
from services.followup.tokens import PREFERENCES, SURVEY, UNSUBSCRIBE, links
from shared.http.key_ring import KeyRing
from shared.http.linked import words
from shared.kafka.publisher import BrokerAwayError
from shared.pages.readers import LANGUAGES, reader
from shared.schemas.customers import CustomerErased
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.times import DAY, micros

from .apiworker import DAYTIME, SECRET, Worker
from .driver import profile

RING = KeyRing([SECRET.encode()])
LINKS = links("", RING)
OPEN = micros(DAYTIME) + 30 * DAY
CLOSED = micros(DAYTIME) - 30 * DAY
QUESTIONS = {
    "en": "How likely are you to recommend Rapport Store",
    "de": "Wie wahrscheinlich ist es, dass Sie Rapport Store",
    "es": "¿Qué probabilidad hay de que recomiende Rapport Store",
    "fr": "Quelle est la probabilité que vous recommandiez Rapport Store",
}


def survey(survey: str = "nps", kind: str = "outreach", id: str = "o-1", closes_at: int = OPEN) -> str:
    told = {"customer_id": "c-1", "survey": survey, "about_kind": kind, "about_id": id, "outreach_id": "o-1"}
    return LINKS.survey(Question.model_validate({**told, "closes_at": closes_at}))


def speaks(worker: Worker, locale: str) -> None:
    worker.event(profile(locale=locale))
    worker.save()


def test_a_click_in_the_mail_fills_the_page_in_and_counts_nothing(http: TestClient, worker: Worker) -> None:
    before = worker.state
    for _ in range(2):
        page = http.get(f"{survey()}?score=9")
        assert page.status_code == 200
        assert re.findall(r'value="(\d+)" required checked', page.text) == ["9"]
        assert http.head(f"{survey()}?score=9").status_code == 200
    assert worker.state is before
    assert not worker.emitted


@pytest.mark.parametrize("query", ["", "?score=11", "?score=-1", "?score=nine", "?score=９", "?score=<b>"])
def test_a_click_that_makes_no_sense_fills_nothing_in(http: TestClient, query: str) -> None:
    page = http.get(survey() + query)
    assert page.status_code == 200
    assert "required checked" not in page.text
    assert "<b>" not in page.text


def test_an_answer_is_taken_and_can_be_changed(http: TestClient, worker: Worker) -> None:
    path = survey("csat", "complaint", "k-1")
    thanks = http.post(path, data={"score": "4", "comment": " Quick.\r\nKind. \x00"})
    assert (thanks.status_code, "Your answer: 4" in thanks.text) == (200, True)
    assert http.post(path, data={"score": "4", "comment": "Quick.\nKind."}).status_code == 200
    again = http.get(path).text
    assert "Your answer so far: 4" in again
    assert re.findall(r'value="(\d+)" required checked', again) == ["4"]
    assert "Complaint k-1" in again
    assert http.post(path, data={"score": "2"}).status_code == 200
    told = worker.facts(SurveyAnswered)
    assert [(one.survey, one.score, one.comment) for one in told] == [
        ("csat", 4, "Quick.\nKind."),
        ("csat", 2, None),
    ]
    assert told[0].about is not None
    assert (told[0].about.kind, told[0].about.id) == ("complaint", "k-1")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "Choose a score"),
        ({"score": "12"}, "Choose a score"),
        ({"score": "12", "comment": "<script>alert(1)</script>"}, "&lt;script&gt;"),
        ({"score": "9", "comment": "x" * 2001}, "at most 2000 characters"),
    ],
)
def test_an_answer_that_makes_no_sense_is_asked_again(
    http: TestClient, worker: Worker, form: dict[str, str], said: str
) -> None:
    page = http.post(survey(), data=form)
    assert page.status_code == 422
    assert said in page.text
    assert "<form" in page.text
    assert "<script" not in page.text
    assert not worker.emitted


def test_what_no_browser_sends_is_asked_again(http: TestClient) -> None:
    bodies: list[dict[str, Any]] = [
        {"content": b"score=9", "headers": {"content-type": "text/plain"}},
        {"content": b"\xff\xfe=9&&&&", "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"content": b"a&" * 600, "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"json": {"score": 9}},
    ]
    assert [http.post(survey(), **body).status_code for body in bodies] == [422] * 4


def test_a_survey_that_is_over_says_so(http: TestClient, worker: Worker) -> None:
    path = survey(closes_at=CLOSED)
    for page in (http.get(path), http.post(path, data={"score": "9"})):
        assert page.status_code == 410
        assert "This survey is closed" in page.text
        assert "<form" not in page.text
    assert not worker.emitted


def test_who_was_erased_is_told_nothing_else(http: TestClient, worker: Worker) -> None:
    worker.event(CustomerErased())
    worker.save()
    for page in (http.get(survey()), http.post(survey(), data={"score": "9"})):
        assert (page.status_code, "has been erased" in page.text) == (410, True)


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "x.y",
        "%00",
        "é.ü",
        "x" * 5000,
        survey().rpartition("/")[2][:-1],
        survey().rpartition("/")[2] + "A",
        KeyRing([b"another key, long enough"]).sign(SURVEY, "c-1", "nps", "outreach", "o", "o", 2**40),
        RING.sign(UNSUBSCRIBE, "c-1", "nps", "outreach", "o", "o", 2**40),
        RING.sign(SURVEY, "c-1"),
        RING.sign(PREFERENCES, "c-1", "c-2"),
    ],
)
@pytest.mark.parametrize("kind", ["s", "u"])
def test_a_link_that_is_not_ours(http: TestClient, worker: Worker, kind: str, token: str) -> None:
    for page in (http.get(f"/{kind}/{token}"), http.post(f"/{kind}/{token}", data={"score": "9"})):
        assert page.status_code == 404
        assert "This link does not work" in page.text
        assert "Traceback" not in page.text
    assert not worker.emitted


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_customers_language_else_the_browsers(http: TestClient, worker: Worker, language: str) -> None:
    asked = http.get(survey(), headers={"Accept-Language": f"nl, xx;q=0.9, {language};q=0.8, en;q=0.1"})
    assert f'<html lang="{language}">' in asked.text
    assert QUESTIONS[language] in asked.text
    speaks(worker, f"{language}-XX")
    known = http.get(survey(), headers={"Accept-Language": "fr" if language != "fr" else "de"})
    assert QUESTIONS[language] in known.text
    assert http.post(survey(), data={"score": "9"}).status_code == 200


@pytest.mark.parametrize("header", ["", "*", ";;q=,", "de;q=none", "q=1", "nl", ", ," * 900, "en;q=0"])
def test_a_language_that_nobody_knows_is_english(header: str) -> None:
    assert reader([], header, ZoneInfo("UTC")).language == "en"


@pytest.mark.parametrize(
    ("locale", "date"),
    [
        ("en", "5 March 2026, 00:30"),
        ("en-US", "March 5, 2026, 12:30\u202fAM"),
        ("de-AT", "5. März 2026, 00:30"),
        ("es_MX", "5 de marzo de 2026, 12:30\u202fa.m."),
        ("fr", "5 mars 2026, 00:30"),
        ("de-XX", "5. März 2026, 00:30"),
    ],
)
def test_dates_are_the_readers(locale: str, date: str) -> None:
    assert (
        reader([], locale, ZoneInfo("Europe/Berlin")).moment(datetime(2026, 3, 4, 23, 30, tzinfo=UTC)) == date
    )


def test_all_languages_say_the_same_things() -> None:
    def places(text: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    wanted = {key: places(text) for key, text in words("en", FOLDER).items()}
    for language in LANGUAGES:
        assert {key: places(text) for key, text in words(language, FOLDER).items()} == wanted, language
        assert all(text.strip() == text != "" for text in words(language, FOLDER).values())


def test_a_broker_that_is_away_is_a_page(http: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(self: Worker, records: Any) -> None:
        raise BrokerAwayError("gone")

    monkeypatch.setattr(Worker, "publish", away)
    for path in (survey(), "/u/" + RING.sign(UNSUBSCRIBE, "c-1", "marketing", "email")):
        page = http.post(path, data={"score": "9"}, headers={"Accept-Language": "de"})
        assert page.status_code == 503
        assert page.headers["retry-after"]
        assert "Das geht gerade nicht" in page.text


def test_headers_let_nothing_in_and_nothing_out(http: TestClient) -> None:
    page = http.get(survey())
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert not re.findall(r'(?:src|href)="(?!\?|\.\./)', page.text)
    assert " style=" not in page.text
    assert "<script" not in page.text
