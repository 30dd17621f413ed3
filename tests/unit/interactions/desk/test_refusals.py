"""What services refuse, and what is wrong with a form, is said in the language of the page."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from starlette.testclient import TestClient

from services.interactions import errors
from services.interactions.desk.faults import FIELDS, not_valid
from services.interactions.desk.refusals import DECLARED, NOTES, OURS, Line, explained, message_of, noted
from services.interactions.desk.words import UTC, Words, speech_of
from services.interactions.domain.activity.purchases import ABOVE_WHAT_WAS_LEFT, LESS_IS_LEFT
from services.interactions.domain.complaints.steps import refused_step
from services.interactions.models import compensation, complaints, conversations, growth, tasks
from shared.domain import ErrorCode
from shared.facts.complaints import TRANSITIONS
from shared.http.auth import forbidden
from shared.http.problems import ProblemError, from_refusal, invalid, store_unavailable
from shared.journal import refusals as journal
from shared.schemas.money import written
from shared.templates.speech import Reader
from tests.unit.interactions.desk.test_forms import MADE, browser, tell, token_of, writes

__all__ = ["browser"]
CODE = Path(errors.__file__).parent
ROOT = CODE.parents[1]
NO_PAGE = {"not_ready", "export_failed", "worker_unavailable", "refused"}
"""Codes of routes that no page asks: probes, exports, aliases; and what an outcome without a code has."""
FORMS: tuple[type[BaseModel], ...] = (
    conversations.NewMessage,
    conversations.NewNote,
    conversations.Assignment,
    conversations.Return,
    conversations.Snooze,
    conversations.Close,
    complaints.NewComplaint,
    complaints.Acknowledgement,
    complaints.Update,
    complaints.Change,
    complaints.Wait,
    complaints.Resolution,
    complaints.Reopening,
    compensation.Compensation,
    compensation.Approving,
    growth.NewStory,
    tasks.Finished,
)


def words(language: str) -> Words:
    return Words(Reader(speech_of([language]), UTC), MADE)


def knows(language: str, message: str) -> bool:
    return words(language).reader.speech.knows(message)


def raised() -> Iterator[str]:
    """The codes of all problems that routes of interactions, and what is under them, raise by name."""
    for file in [*(ROOT / "shared" / "http").glob("*.py"), *CODE.rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="ProblemError"), args=[_, ast.Constant(value=str(code)), *_]):
                    yield code


@pytest.mark.parametrize("language", ["de", "es"])
@pytest.mark.parametrize("code", DECLARED, ids=lambda one: one.code)
def test_a_refusal_is_said_with_what_it_is_about(code: ErrorCode, language: str) -> None:
    blanks = [name for _, name, _, _ in Formatter().parse(code.sentence) if name]
    told = {name: f"{name}-7" for name in blanks}
    (line,) = explained(from_refusal(code(**told)), words(language))
    assert not line.english
    assert line.text != code(**told).detail
    said = OURS.get(code.code) or message_of(code.sentence)
    assert knows(language, said)
    assert all(value in line.text for name, value in told.items() if f"%({name})s" in said)


@pytest.mark.parametrize("language", ["de", "es"])
def test_every_code_that_the_desk_can_meet_has_a_text(language: str) -> None:
    """A code that is new, in ``errors.py`` or where a problem is raised by name, needs one too."""
    declared = {one.code for one in DECLARED}
    assert {one.code for one in errors.CODES} <= declared
    by_name = {*raised(), *(code for code, _ in journal._TOLD.values())} - NO_PAGE
    assert len(by_name) > 10
    assert {code for code in by_name if code not in OURS and code not in declared} == set()
    assert [text for text in OURS.values() if not knows(language, text)] == []
    assert [note for note in NOTES if not knows(language, message_of(note))] == []


@pytest.mark.parametrize("kind", TRANSITIONS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("status", ["opened", "acknowledged", "resolved", "closed", "reopened"])
def test_a_step_that_cannot_be_taken_is_called_as_its_button_is(kind: type, status: str) -> None:
    life = type("Complaint", (), {"complaint_id": "c-1", "waiting": status == "opened"})()
    (line,) = explained(from_refusal(refused_step(life, status, kind)), words("de"))  # type: ignore[arg-type]  # as much of a complaint and a status as it asks for
    assert line.text.startswith("Beschwerde c-1: ")
    english = {status, *(rule.name for rule in TRANSITIONS.values())}
    assert set(re.findall(r"\w+", line.text)).isdisjoint(english)


def test_what_nobody_has_said_stays_english_and_says_so() -> None:
    strange = ProblemError(409, "a_new_code", "Something new.")
    assert explained(strange, words("de")) == (Line("Something new.", english=True),)
    assert explained(strange, words("en")) == (Line("Something new."),)
    assert noted("Something new.", words("es")) == Line("Something new.", english=True)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en-GB", "€1,299.50 above what was left does not count."),
        ("de", "1.299,50\xa0€ über dem, was noch übrig war, zählt nicht."),
        ("es", "1.299,50\xa0€ por encima de lo que quedaba no cuenta."),
    ],
)
def test_amounts_in_notes_are_written_as_where_one_reads_them(language: str, said: str) -> None:
    note = ABOVE_WHAT_WAS_LEFT.format(money=written(129_950, "EUR"))
    assert noted(note, words(language)).text == said
    assert "500" in noted(LESS_IS_LEFT.format(money=written(500, "JPY")), words(language)).text
    strange = noted(LESS_IS_LEFT.format(money="much"), words(language))
    assert (strange.english, "much" in strange.text) == (False, True)


def test_numbers_and_times_in_refusals_are_too() -> None:
    german = words("de")
    many = errors.TOO_MANY_STEPS(most=10_000)
    assert "10.000" in explained(from_refusal(many), german)[0].text
    term = errors.DUPLICATE_TERM(subscription_id="s-1", expires_at="2027-05-01T00:00:00+00:00")
    (line,) = explained(from_refusal(term), german)
    assert "Samstag, 1. Mai 2027" in line.text
    assert "s-1" in line.text


def test_a_word_of_ours_is_said_only_where_it_is_one() -> None:
    """What a key is allowed is what somebody wrote: a source may be called as a step of a complaint is."""
    other = ErrorCode("a_new_code", 403, "It is for {allowed}.")
    for code in (other, *(one for one in errors.CODES if one.code in ("others_source", "others_type"))):
        told = {name: "closed" for _, name, _, _ in Formatter().parse(code.sentence) if name}
        (line,) = explained(from_refusal(code(**told)), words("de"))
        assert "closed" in line.text


def test_no_note_is_made_of_a_sentence_that_nobody_can_say() -> None:
    """A sentence that is put together where it is needed is known to no catalogue."""
    found = [
        f"{file.name}:{node.lineno}"
        for file in (CODE / "domain").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") in ("refused", "Note")
        and any(isinstance(one, ast.JoinedStr) for one in node.args)
    ]
    assert found == []


def test_problems_of_http_are_said_too() -> None:
    german = words("de")
    assert explained(forbidden("desk"), german) == (Line("Dafür braucht es das Recht desk."),)
    assert explained(store_unavailable(), german)[0].text.startswith("Der Speicher")
    assert explained(invalid([]), german)[0].text.startswith("Was gesendet wurde")
    assert explained(ProblemError(404, "a_new_code"), german) == ()


def test_notes_of_the_timeline_are_said_in_the_language_of_the_page() -> None:
    rest = noted("12.50 EUR above what was left does not count.", words("de"))
    assert rest.text.startswith("12,50\xa0€ über")
    for note in (*NOTES[:3], errors.DUPLICATE_COMPLAINT(complaint="c-1").detail):
        line = noted(note, words("es"))
        assert not line.english
        assert line.text != note


JUNK = st.one_of(
    st.sampled_from(["bad id!", "x" * 20_001, "1e99", "9" * 5_000, "-1", "1.5", "soon", "eur", "\x00", ""]),
    st.text(max_size=20),
)
MONEY = st.fixed_dictionaries({"amount": st.integers(-5, 10**12), "currency": JUNK})


@pytest.mark.parametrize("model", FORMS, ids=lambda model: model.__name__)
@given(data=st.data())
def test_faults_of_forms_are_said(model: type[BaseModel], data: st.DataObject) -> None:
    fields = {name: MONEY if name == "money" else JUNK for name in model.model_fields if name in FIELDS}
    typed = data.draw(st.fixed_dictionaries({}, optional=fields))
    try:
        model.model_validate(typed)
    except ValidationError as error:
        for language in ("de", "es"):
            lines = explained(not_valid(error), words(language))
            assert lines
            assert [line for line in lines if line.english] == []


@pytest.mark.parametrize("model", FORMS, ids=lambda model: model.__name__)
def test_fields_of_forms_have_names(model: type[BaseModel]) -> None:
    of_programs = {"attachments", "author"}
    assert set(model.model_fields) - of_programs <= set(FIELDS)
    assert [name for name in FIELDS.values() if not (knows("de", name) and knows("es", name))] == []


@given(agent=st.text(max_size=40))
@example(agent="a{b}%(c)s")
def test_what_fills_a_sentence_is_shown_as_it_is(agent: str) -> None:
    (line,) = explained(from_refusal(errors.UNKNOWN_AGENT(agent=agent)), words("de"))
    assert line.text == f"Es gibt keinen Agenten {agent}."


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Beschwerde %s: in Arbeit. „Ich kümmere mich“ geht jetzt nicht."),
        ("es", "Reclamación %s: en curso. «Me encargo yo» no se puede ahora."),
    ],
)
def test_a_page_says_it_in_its_language(browser: TestClient, customer: str, language: str, said: str) -> None:
    complaint, whose = f"c-{customer}", {"customer_id": customer}
    about = {"category": "delivery", "severity": "low", "description": "late", "channel": "web"}
    tell(browser, customer, "complaint.opened", complaint_id=complaint, **about)
    place, speaks = f"/desk/complaints/{complaint}", {"accept-language": language}
    form = {"csrf": token_of(browser.get(place, params=whose).text)}
    answers = [
        browser.post(f"{place}/acknowledge", params=whose, data=form, headers=speaks) for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [303, 409]
    assert said % complaint in answers[1].text
    assert 'lang="en"' not in answers[1].text


def test_a_fault_of_a_form_is_said_in_the_language_of_the_page(browser: TestClient, customer: str) -> None:
    place, whose = writes(browser, customer), {"customer_id": customer}
    form = {"csrf": token_of(browser.get(place, params=whose).text), "rest": "1h", "reason": "x" * 20_001}
    answer = browser.post(f"{place}/snooze", params=whose, data=form, headers={"accept-language": "de"})
    assert answer.status_code == 422
    assert "Warum: Höchstens 20.000 Zeichen." in answer.text
    assert 'lang="en"' not in answer.text
