"""What customers say in pages: on the topics, in the KPIs, in the 360."""

import json
import time
import uuid
from typing import Any
from urllib.parse import urlencode

import pytest

from services.followup.domain.links import Links, Question, Subscription
from services.followup.tokens import links
from shared.http.key_ring import KeyRing
from shared.schemas.times import DAY
from tests.stack import Stack, event, new_customer, until

FORM = "application/x-www-form-urlencoded"


def link(
    stack: Stack, customer: str, survey: str, kind: str = "outreach", id: str = "o-1", days: int = 1
) -> str:
    """The path of a link as a message to the customer would have it."""
    closes_at = time.time_ns() // 1000 + days * DAY
    asked = {"customer_id": customer, "survey": survey, "about_kind": kind, "about_id": id}
    question = Question.model_validate({**asked, "outreach_id": "o-1", "closes_at": closes_at})
    return signed(stack).survey(question)


def signed(stack: Stack) -> Links:
    """As the stack signs."""
    secrets = json.loads(stack.home.secrets_file.read_text())
    return links("", KeyRing([secrets["RAPPORT_SECRET_KEY"].encode()]))


def answer(stack: Stack, path: str, score: int, comment: str = "") -> int:
    form = urlencode({"score": score, "comment": comment}).encode()
    return stack.call("followup", "POST", path, form, kind=FORM, headers={}).status


def kpis(stack: Stack, segment: str) -> Any:
    return stack.get("metrics", f"/kpis?window=7d&segment={segment}")


def test_answers_by_pages_move_the_score_and_the_last_one_counts(stack: Stack) -> None:
    segment, customers = f"s-{uuid.uuid4().hex[:8]}", [new_customer() for _ in range(2)]
    told = ({"name": "Ada Ellis", "segment": segment, "locale": "de"} for _ in customers)
    stack.post_events(*(event("customer.registered", c, t) for c, t in zip(customers, told, strict=True)))
    ann, bob = (link(stack, customer, "nps") for customer in customers)
    for path in (ann, bob):
        page = stack.call("followup", "GET", f"{path}?score=0", headers={})
        assert page.status == 200
        assert stack.call("followup", "HEAD", f"{path}?score=0", headers={}).status == 200
    assert answer(stack, ann, 10, "Gut.") == 200
    assert answer(stack, bob, 3) == 200
    found = until(lambda: (k := kpis(stack, segment))["basis"]["nps"]["n"] == 2 and k, "two answers")
    assert found["nps"] == pytest.approx(0.0)  # the links that were followed before have counted nothing
    assert answer(stack, bob, 9) == 200
    moved = until(lambda: (k := kpis(stack, segment))["nps"] == 100.0 and k, "the better answer")
    assert moved["basis"]["nps"]["n"] == 2
    page = stack.call("followup", "GET", bob, headers={"Accept-Language": "fr"})
    assert "Ihre Antwort bisher: 9" in str(page.body)
    answers = [e for e in stack.timeline(customers[1]) if e["type"] == "rapport.survey.answered.v1"]
    assert len(answers) == 2


def test_a_low_score_about_a_complaint_takes_it_up_again(stack: Stack) -> None:
    customer = new_customer()
    stack.post_events(event("customer.registered", customer, {"name": "Ada Ellis"}))
    opened = {"customer_id": customer, "channel": "email", "category": "delivery", "severity": "normal"}
    complaint = stack.call("interactions", "POST", "/complaints", {**opened, "description": "Late."}).body
    id = complaint["complaint_id"]
    for step, body in (("acknowledge", {}), ("resolve", {"resolution": "Sent again."})):
        assert stack.call("interactions", "POST", f"/complaints/{id}/{step}", body).status == 200
    assert answer(stack, link(stack, customer, "csat", "complaint", id), 1, "Nothing came.") == 200
    until(lambda: stack.get("interactions", f"/complaints/{id}")["status"] == "reopened", "reopening")


def test_links_that_are_over_or_forged_are_pages(stack: Stack) -> None:
    customer = new_customer()
    over = link(stack, customer, "nps", days=-1)
    for path, status in ((over, 410), (over[:-1], 404), (f"{over}x", 404), ("/s/a.b", 404)):
        assert answer(stack, path, 9) == status
        page = stack.call("followup", "GET", path, headers={})
        assert page.status == status
        assert page.headers["content-type"].startswith("text/html")


def test_preferences_are_known_to_all(stack: Stack) -> None:
    customer = new_customer()
    stack.post_events(event("customer.registered", customer, {"name": "Ada Ellis", "email": "a@b.example"}))
    path = signed(stack).preferences(customer)
    box = "marketing|email"
    form = urlencode({"row": box, "want": box, "frequency": "weekly", "language": "es"}).encode()
    saved = stack.call("followup", "POST", path, form, kind=FORM, headers={})
    assert saved.status == 200
    assert "Sus preferencias se han guardado" in str(saved.body)

    def known() -> Any:
        found = stack.get("interactions", f"/customers/{customer}")
        granted = {(c["purpose"], c["channel"]): c["granted"] for c in found["consents"]}
        return found["profile"].get("locale") == "es" and granted == {("marketing", "email"): True}

    until(known, "the language and the consent")
    link = signed(stack).unsubscribe(Subscription(customer, "marketing", "email"))
    one_click = b"List-Unsubscribe=One-Click"
    assert stack.call("followup", "POST", link, one_click, kind=FORM, headers={}).status == 200
    page = str(stack.call("followup", "GET", path, headers={}).body)
    assert f'name="want" value="{box}">' in page
