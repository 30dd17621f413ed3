"""What people read of a conversation: notes among its messages, what a bot tried, and that it rests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from shared.schemas.commands.followup import ReplyRequested
from shared.schemas.interactions import ConversationNoted, ConversationSnoozed

from .inline_worker import InlineWorker
from .test_conversation_routes import Talk, texts


@pytest.fixture
def talk(api: TestClient, worker: InlineWorker, customer: str) -> Talk:
    return Talk(api, worker, customer)


def escalate(talk: Talk, minutes: float, **data: Any) -> None:
    told = {"conversation_id": "c-1", "from": "bot", "reason": "They ask for a person.", **data}
    talk.tell("conversation.escalated", minutes, **told)


def test_a_note_is_among_the_messages_and_goes_nowhere(talk: Talk) -> None:
    talk.writes("late", 0, conversation_id="c-1")
    key = talk.customer
    first, again = (talk.post("c-1", "notes", key, text="Be gentle.", agent_id="a-1") for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert first.status_code == 201
    page = talk.get("c-1")
    assert (page["status"], page["handled_by"], page["clocks"][0]["state"]) == ("queued", "queue", "running")
    note, message = page["messages"]
    assert (note["note"], note["author"], note["agent_id"]) == (True, "agent", "a-1")
    assert (note["text"], message["text"]) == ("Be gentle.", "late")
    assert (note["channel"], note["direction"], note["id"]) == (None, "internal", first.json()["id"])
    assert (message["note"], message["direction"], message["silenced"]) == (False, "inbound", False)
    assert talk.emitted(ReplyRequested) == []
    assert [fact.text for fact in talk.emitted(ConversationNoted)] == ["Be gentle."]
    assert talk.refused("c-9", "notes", text="x") == (404, "unknown_conversation")
    assert talk.post("c-1", "notes", text="").status_code == 422


def test_notes_go_along_when_conversations_become_one(talk: Talk) -> None:
    talk.writes("late", 0, conversation_id="c-1")
    talk.writes("hello?", 1, conversation_id="c-2")
    talk.writes("a mail", 2, message_id="m-1@x.test")
    own = next(
        one["conversation_id"]
        for one in talk.api.get("/conversations", params={"limit": 500}).json()["items"]
        if one["customer_id"] == talk.customer and one["conversation_id"].startswith("m-")
    )
    for id in ("c-1", "c-2", own):
        talk.post(id, "notes", text=f"about {id}")
    talk.post("c-2", "merge", into="c-1")
    talk.post(own, "merge", into="c-1")
    assert sorted(texts(talk.get(own))) == sorted(
        ["late", "hello?", "a mail", "about c-1", "about c-2", f"about {own}"]
    )
    talk.post("c-1", "close")
    assert talk.post("c-1", "notes", text="Well done.").json()["status"] == "closed"


def test_it_rests_and_says_until_when_and_why(talk: Talk) -> None:
    talk.writes("late", 0, conversation_id="c-1")
    talk.post("c-1", "assign", agent_id="a-1")
    until = datetime.now(UTC) + timedelta(days=2)
    answer = talk.post("c-1", "snooze", until=until.isoformat(), reason="The parcel comes on Friday.")
    assert answer.json() == {
        "conversation_id": "c-1", "status": "waiting", "handled_by": "agent", "agent_id": "a-1",
    }  # fmt: skip
    page = talk.get("c-1")
    assert (page["snoozed"], page["snooze_reason"]) == (True, "The parcel comes on Friday.")
    assert datetime.fromisoformat(page["snoozed_until"]) == until
    assert [fact.until for fact in talk.emitted(ConversationSnoozed)] == [until]
    talk.writes("It is here", 75, conversation_id="c-1")
    page = talk.get("c-1")
    assert (page["status"], page["agent_id"], page["snoozed"]) == ("assigned", "a-1", False)
    assert (page["snoozed_until"], page["snooze_reason"]) == (None, None)
    assert talk.post("c-1", "snooze").json()["status"] == "waiting"
    assert talk.get("c-1")["snoozed_until"] is None


def test_what_cannot_rest_is_said(talk: Talk) -> None:
    talk.writes("late", 0, conversation_id="c-1")
    assert talk.refused("c-1", "snooze", until="2020-01-01T00:00:00Z") == (422, "snooze_past")
    assert talk.post("c-1", "snooze", until="tomorrow").status_code == 422
    talk.post("c-1", "close")
    assert talk.refused("c-1", "snooze") == (409, "conversation_closed")
    assert talk.refused("c-9", "snooze") == (404, "unknown_conversation")


def test_what_the_bot_tried_is_shown_to_whoever_takes_over(talk: Talk) -> None:
    bot = {"channel": "chat", "direction": "outbound", "author": "bot", "conversation_id": "c-1"}
    talk.writes("help", 0, channel="chat", conversation_id="c-1")
    talk.writes("Have you tried off and on?", 1, **bot)
    talk.writes("yes", 2, channel="chat", conversation_id="c-1")
    talk.writes("And now?", 3, **bot)
    assert talk.get("c-1")["bot"] is None
    escalate(talk, 4)
    talk.writes("Still there?", 5, **bot)
    page = talk.get("c-1")
    tried = page["bot"]
    assert texts(tried) == ["And now?", "Have you tried off and on?"]
    assert (tried["escalated_by"], tried["reason"]) == ("bot", "They ask for a person.")
    assert tried["since"] == page["messages"][3]["time"]
    assert page["messages"][1]["time"] < tried["escalated_at"] < page["messages"][0]["time"]
    assert [m["silenced"] for m in page["messages"]] == [True, False, False, False, False]
    assert list(page).index("bot") < list(page).index("messages")
    row = talk.api.get(f"/customers/{talk.customer}/timeline").json()["items"][0]
    assert row["summary"].startswith("Silenced: Outbound chat")
    talk.post("c-1", "return", to="bot", reason="easy")
    assert talk.get("c-1")["bot"] is None


def test_who_was_handed_over_by_a_bot_that_said_nothing(talk: Talk) -> None:
    talk.writes("help", 0, conversation_id="c-1")
    escalate(talk, 1)
    tried = talk.get("c-1")["bot"]
    assert (tried["messages"], tried["since"], tried["reason"]) == ([], None, "They ask for a person.")
    talk.writes("help", 0, conversation_id="c-2")
    talk.post("c-2", "assign", agent_id="a-1")
    assert talk.get("c-2")["bot"] is None


def test_a_complaint_that_is_resolved_without_a_word_closes_its_conversation(
    talk: Talk, api: TestClient
) -> None:
    said = {"channel": "chat", "category": "price", "severity": "high", "description": "Too dear."}
    body = {"customer_id": talk.customer, "conversation_id": "form-1", **said}
    one = api.post("/complaints", json=body).json()["complaint_id"]
    assert talk.get("form-1")["status"] == "queued"
    solved = {"resolution": "Paid back.", "root_cause": "price"}
    assert api.post(f"/complaints/{one}/resolve", json=solved).status_code == 200
    page = talk.get("form-1")
    assert (page["status"], page["closed_at"] is None) == ("closed", False)
    assert api.post(f"/complaints/{one}/reopen", json={"reason": "It is not."}).status_code == 200
    assert talk.get("form-1")["status"] == "queued"


def test_macros_are_filled_in_for_the_customer(talk: Talk, api: TestClient) -> None:
    talk.tell("customer.registered", name="Ann", locale="de-DE", email="ann@x.test")
    talk.writes("late", 1, conversation_id="c-1")
    items = talk.get("c-1/macros")["items"]
    assert items[0]["text"].startswith("Guten Tag Ann,")
    assert (items[0]["name"], items[0]["title"]) == ("first-answer", "Erste Antwort")
    lacking = [item["name"] for item in items if item["text"] is None]
    assert lacking == ["about-your-complaint"]
    assert talk.get("c-1/macros", language="es")["items"][0]["text"].startswith("Hola Ann:")
    assert talk.get("nobody/macros")["code"] == "unknown_conversation"
