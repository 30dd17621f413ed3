"""A form that did not work comes back as it was sent, open, with what is wrong beside its field."""

import re
from html import unescape

import pytest
from starlette.testclient import TestClient

from services.interactions.desk.page import Form, key_of
from shared.http.problems import ProblemError

from .test_forms import browser, form_of, tell, writes

__all__ = ["browser"]
LONG = 20_001 * "x"


def field_of(page: str, id: str) -> str:
    """The tag of a field, with its text where it has any."""
    found = re.search(rf'<(?:input|textarea|select)[^>]* id="{re.escape(id)}"[^>]*>[^<]*', page)
    assert found is not None, f"no field {id}"
    return unescape(found[0])


def fault_of(page: str, id: str) -> str:
    """What is wrong beside the field, as a reader is told of it."""
    tag = field_of(page, id)
    assert 'aria-invalid="true"' in tag
    assert f"{id}-fault" in tag.partition('aria-describedby="')[2].partition('"')[0].split()
    found = re.search(rf'id="{re.escape(id)}-fault"[^>]*>([^<]*)<', page)
    assert found is not None
    return unescape(found[1])


def complaint(browser: TestClient, customer: str) -> str:
    """The path of the page of a complaint of theirs."""
    about = {"category": "delivery", "severity": "low", "description": "late", "channel": "web"}
    tell(browser, customer, "complaint.opened", complaint_id=f"c-{customer}", **about)
    return f"/desk/complaints/c-{customer}"


@pytest.mark.parametrize(
    ("status", "of", "same"),
    [(503, "new", True), (422, "new", False), (503, "other", False), (503, "", False)],
)
def test_a_form_of_which_nobody_knows_whether_it_was_done_keeps_its_key(
    status: int, of: str, same: bool
) -> None:
    """So that it is not done twice; what was refused would be refused again under its key."""
    form = Form({"key": "k-1", "of": "new"}, {})
    key = key_of(form, ProblemError(status, "any"), of)
    assert (key == "k-1") is same
    assert key_of(None, None, of) != key


def test_a_new_complaint_that_cannot_be_is_asked_again(browser: TestClient, customer: str) -> None:
    tell(browser, customer, "customer.registered", name="Ann")
    place = f"/desk/customers/{customer}"
    fields = form_of(browser.get(place).text, "/complaints")
    typed = {"category": "a <b>kettle</b>", "severity": "high", "channel": "chat", "description": "It leaks."}
    answer = browser.post(f"{place}/complaints", data={**fields, **typed, "order_id": "no 7"})
    assert answer.status_code == 422
    page = answer.text
    assert re.search(r'id="new-complaint"[^>]* open', page)
    assert fault_of(page, "new-order_id").startswith("It has letters, digits")
    assert 'value="no 7"' in field_of(page, "new-order_id")
    assert " autofocus" in field_of(page, "new-order_id")
    assert "<b>kettle</b>" not in page
    assert 'value="a <b>kettle</b>"' in field_of(page, "new-category")
    assert field_of(page, "new-description").endswith(">It leaks.")
    for chosen in ("high", "chat"):
        assert f'<option value="{chosen}" selected>' in page
    # Put right it is sent by what the page has now.
    again = form_of(page, "/complaints")
    assert again["key"] != fields["key"]
    assert browser.post(f"{place}/complaints", data={**again, **typed}).status_code == 303


def test_what_is_missing_is_named_in_the_language_of_the_page(browser: TestClient, customer: str) -> None:
    tell(browser, customer, "customer.registered", name="Ann")
    place = f"/desk/customers/{customer}"
    fields = form_of(browser.get(place).text, "/complaints")
    sent = {**fields, "category": "late", "severity": "low", "channel": "web", "description": "  "}
    answer = browser.post(f"{place}/complaints", data=sent, headers={"accept-language": "de"})
    assert answer.status_code == 422
    assert fault_of(answer.text, "new-description") == "Das wird gebraucht."


@pytest.mark.parametrize(
    ("step", "of", "typed", "wrong", "said", "kept"),
    [
        ("update", "u", {"message": LONG}, "message", "At most 20,000", None),
        (
            "update",
            "u",
            {"message": "soon", "promised_by": "2020-01-01T09:00"},
            "promised_by",
            "This time is over",
            "promised_by",
        ),
        ("update", "u", {"message": "soon", "promised_by": "noon"}, "promised_by", "Say until when", None),
        (
            "change",
            "h",
            {"assignee": "Ben Smith", "category": "tea"},
            "assignee",
            "It has letters",
            "category",
        ),
        ("compensate", "-m", {"kind": "points", "points": "many"}, "points", "Say how many", None),
        ("compensate", "-m", {"kind": "refund", "amount": "1,2,3"}, "amount", "Say how much", None),
        (
            "compensate",
            "-m",
            {"kind": "refund", "amount": "5", "currency": "eur"},
            "currency",
            "Three",
            "amount",
        ),
        ("wait", "-w", {"reason": LONG}, "reason", "At most 20,000", None),
    ],
)
def test_a_step_of_a_complaint_is_asked_again(
    browser: TestClient,
    customer: str,
    step: str,
    of: str,
    typed: dict[str, str],
    wrong: str,
    said: str,
    kept: str | None,
) -> None:
    place = complaint(browser, customer)
    of = f"k-c-{customer}{of}" if of.startswith("-") else of
    page = browser.get(place, params={"customer_id": customer}).text
    fields = form_of(page, f"/{step}?")
    assert fields["of"] == of
    answer = browser.post(f"{place}/{step}", params={"customer_id": customer}, data={**fields, **typed})
    assert answer.status_code == 422
    assert fault_of(answer.text, f"{of}-{wrong}").startswith(said)
    assert len(re.findall(r'<details class="step" name="step-\w+" open>', answer.text)) == 1
    if kept is not None:
        assert f'value="{typed[kept]}"' in field_of(answer.text, f"{of}-{kept}")
    if "kind" in typed:
        assert re.search(rf'name="kind" value="{typed["kind"]}" required checked', answer.text)


def test_a_rest_that_is_over_already(browser: TestClient, customer: str) -> None:
    place, whose = writes(browser, customer), {"customer_id": customer}
    fields = form_of(browser.get(place, params=whose).text, "/snooze")
    typed = {"rest": "at", "at": "2020-01-01T09:00", "reason": "a parcel"}
    answer = browser.post(f"{place}/snooze", params=whose, data={**fields, **typed})
    assert answer.status_code == 422
    assert fault_of(answer.text, "s-at") == "This time is over already."
    assert 'value="a parcel"' in field_of(answer.text, "s-reason")
    assert re.search(r'name="rest" value="at" required checked', answer.text)


@pytest.mark.parametrize(("step", "of", "id"), [("messages", "answer", "answer"), ("notes", "note", "note")])
def test_an_answer_that_is_too_long_is_kept(
    browser: TestClient, customer: str, step: str, of: str, id: str
) -> None:
    place, whose = writes(browser, customer), {"customer_id": customer}
    fields = form_of(browser.get(place, params=whose).text, f"/{step}?")
    assert fields["of"] == of
    answer = browser.post(f"{place}/{step}", params=whose, data={**fields, "text": LONG, "channel": "sms"})
    assert answer.status_code == 422
    assert fault_of(answer.text, id).startswith("At most 20,000")
    assert field_of(answer.text, id).endswith(LONG)


def test_thanks_that_cannot_be_are_asked_again(browser: TestClient) -> None:
    fields = form_of(browser.get("/desk/wall").text, 'action="/desk/wall"')
    typed = {"agent_id": "bo", "text": "for the tea", "customer_id": "who ever"}
    answer = browser.post("/desk/wall", data={**fields, **typed})
    assert answer.status_code == 422
    assert fault_of(answer.text, "thank-customer_id").startswith("It has letters")
    assert field_of(answer.text, "thank-text").endswith(">for the tea")


def test_a_task_whose_end_is_too_long_is_asked_again(browser: TestClient, customer: str) -> None:
    team, task = f"t-{customer}", f"k-{customer}"
    capacity = {"total": 1, "weights": {"chat": 1}}
    told = {"agent_id": "ann", "name": "Ann", "capacity": capacity, "on_shift": True, "on_break": False}
    tell(browser, team, "agent.changed", **told)
    tell(browser, team, "task.opened", task_id=task, kind="call_back", text="Call back")
    fields = form_of(browser.get("/desk/me").text, f"/tasks/{task}/done")
    sent = {**fields, "outcome": LONG}
    answer = browser.post(f"/desk/tasks/{task}/done", params={"team": team}, data=sent)
    assert answer.status_code == 422
    assert fault_of(answer.text, f"done-{task}-outcome").startswith("At most 20,000")


def test_what_is_wrong_in_signing_in_is_beside_its_field(browser: TestClient) -> None:
    browser.cookies.clear()
    fields = form_of(browser.get("/desk/sign-in").text, "/sign-in")
    answer = browser.post(
        "/desk/sign-in", data={**fields, "api_key": "the key to all", "agent_id": "Ann Lee"}
    )
    assert answer.status_code == 403
    assert "letters, digits" in fault_of(answer.text, "f-agent_id")
    answer = browser.post("/desk/sign-in", data={**fields, "api_key": "none"})
    assert fault_of(answer.text, "f-api_key") == "This key is not known."
