"""What the routes answer of an id that was merged: what they answer of the survivor."""

from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from services.followup.tokens import PREFERENCES, SURVEY, UNSUBSCRIBE
from shared.http.key_ring import KeyRing
from shared.schemas.customers import ConsentChanged, CustomerMerged, CustomerUnmerged
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.outreach import OutreachScheduled
from shared.schemas.times import micros

from .apiworker import DAYTIME, KEY, SECRET, Worker
from .driver import DAY, granted, profile, purchase

RING = KeyRing([SECRET.encode()])
OLD, NEW = "c-1", "c-2"


@pytest.fixture
def merged(worker: Worker) -> Worker:
    """The customer of the API's tests is one with another; something is planned for each."""
    worker.event(granted())
    worker.event(purchase("o-1"))
    worker.event(profile(email="new@example.org", locale="de"), of=NEW)
    worker.event(granted(), of=NEW)
    worker.event(CustomerMerged(into=NEW, reason="the same phone"))
    worker.save()
    return worker


def items(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


@pytest.mark.parametrize("id", [OLD, NEW])
def test_the_messages_of_all_ids(merged: Worker, http: TestClient, id: str) -> None:
    [shown] = items(http.get(f"/customers/{id}/outreach", headers=KEY))
    assert shown["outreach_id"] == merged.facts(OutreachScheduled)[0].outreach_id
    assert shown["status"] == "scheduled"


def test_after_the_unmerging_each_has_their_own(merged: Worker, http: TestClient) -> None:
    merged.event(CustomerUnmerged.model_validate({"from": NEW, "reason": "they are two"}))
    merged.save()
    assert len(items(http.get(f"/customers/{OLD}/outreach", headers=KEY))) == 1
    assert items(http.get(f"/customers/{NEW}/outreach", headers=KEY)) == []


def test_a_message_by_hand(merged: Worker, http: TestClient) -> None:
    note = {"customer_id": OLD, "template": "note", "variables": {"subject": "Hello", "message": "There"}}
    answers = [http.post("/outreach", json=note, headers={**KEY, "Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201], answers[0].text
    assert answers[0].json() == answers[1].json()
    assert [mail["to"]["address"] for mail in merged.sent] == ["new@example.org"]
    assert len(items(http.get(f"/customers/{NEW}/outreach", headers=KEY))) == 2


def test_a_preview(merged: Worker, http: TestClient) -> None:
    shown = http.post("/rules/win-back/preview", json={"customer_id": OLD}, headers=KEY).json()
    assert (shown["customer_id"], shown["to"]) == (NEW, "new@example.org")


def test_links_that_were_made_for_the_old_id(merged: Worker, http: TestClient) -> None:
    leave = f"/u/{RING.sign(UNSUBSCRIBE, OLD, 'marketing', 'email')}"
    assert "Möchten Sie" in http.get(leave).text or 'lang="de"' in http.get(leave).text
    assert http.post(leave).status_code == 200
    assert [word.granted for word in merged.worker.state(NEW).consents] == [False]
    assert [event.subject for event in merged.emitted if isinstance(event.data, ConsentChanged)] == [OLD]
    closes_at = micros(DAYTIME + 9 * DAY) // 1000
    ask = f"/s/{RING.sign(SURVEY, OLD, 'nps', 'order', 'o-1', 'm-1', closes_at)}"
    assert http.get(ask).status_code == 200
    assert http.post(ask, data={"score": "9"}).status_code == 200
    assert [fact.score for fact in merged.facts(SurveyAnswered)] == [9]
    centre = f"/p/{RING.sign(PREFERENCES, OLD)}"
    assert http.get(centre).status_code == 200
    assert http.post(centre, data={"pause": "on"}).status_code == 200
