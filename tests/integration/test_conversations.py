"""One conversation on every channel, on the running platform."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.schemas.commands.followup import ReplyRequested
from tests.stack import Stack, event, new_customer, until

NOW = datetime.now(UTC) - timedelta(hours=1)


def wrote(customer: str, text: str, minutes: float, **data: Any) -> dict[str, Any]:
    said = {"channel": "email", "direction": "inbound", "kind": "message", "summary": text, "text": text}
    return event(
        "interaction.logged", customer, said | data, at=(NOW + timedelta(minutes=minutes)).isoformat()
    )


def asked_of_followup(stack: Stack, customer: str) -> list[Any]:
    told = [record for record in stack.records("commands") if record.key == customer.encode()]
    events = [json.loads(record.value) for record in told]
    return [one["data"] for one in events if one["type"] == ReplyRequested.event_type]


def test_a_customer_is_answered_wherever_they_write(stack: Stack) -> None:
    customer, mail, chat = new_customer(), f"mail-{uuid.uuid4().hex}", f"chat-{uuid.uuid4().hex}"
    stack.post_events(
        event("customer.registered", customer, {"name": "Ada", "email": f"{customer}@example.test"}),
        wrote(customer, "Where is it?", 0, conversation_id=mail, message_id="<m1@home>", subject="Order 17"),
        wrote(customer, "Anybody there?", 5, conversation_id=chat, channel="chat"),
    )

    def page(id: str) -> Any:
        return stack.get("interactions", f"/conversations/{id}")

    def act(id: str, action: str, body: dict[str, Any], status: int = 200) -> Any:
        answer = stack.call("interactions", "POST", f"/conversations/{id}/{action}", body)
        assert answer.status == status, answer
        return answer.body

    until(
        lambda: stack.call("interactions", "GET", f"/conversations/{chat}").status == 200, "the conversation"
    )
    assert act(mail, "assign", {"agent_id": "a-1"})["status"] == "assigned"
    sent = act(mail, "messages", {"text": "It is on its way.", "agent_id": "a-1", "channel": "email"}, 201)
    (request,) = until(lambda: asked_of_followup(stack, customer), "the request to followup")
    assert (request["outreach_id"], request["text"]) == (sent["message_id"], "It is on its way.")
    assert (request["channel"], request["in_reply_to"]) == ("email", "<m1@home>")
    mine = [record for record in stack.records("interactions") if record.key == customer.encode()]
    facts = [json.loads(record.value) for record in mine]
    (fact,) = [one for one in facts if one["data"].get("message_id") == sent["message_id"]]
    assert (fact["subject"], fact["data"]["author"]) == (customer, "agent")

    (letter,) = until(lambda: stack.mails(f"{customer}@example.test"), "the mail")
    assert letter["in-reply-to"] == "<m1@home>"
    assert sent["message_id"] in letter["message-id"]
    stack.post_events(wrote(customer, "Thanks", 59, in_reply_to=letter["message-id"].strip()))
    until(lambda: len(page(mail)["messages"]) == 3, "the answer to the reply")

    assert act(chat, "merge", {"into": mail})["conversation_id"] == mail
    whole = page(chat)
    assert (whole["conversation_id"], whole["merged_from"]) == (mail, [chat])
    assert {m["channel"] for m in whole["messages"]} == {"email", "chat"}
    again = stack.call("interactions", "POST", f"/conversations/{chat}/merge", {"into": mail})
    assert (again.status, again.body["code"]) == (409, "merge_cycle")

    (other,) = [m["id"] for m in whole["messages"] if m["channel"] == "chat"]
    new = act(mail, "split", {"messages": [other]})["conversation_id"]
    assert [m["text"] for m in page(new)["messages"]] == ["Anybody there?"]
    assert len(page(mail)["messages"]) == 3

    assert act(mail, "close", {"outcome": "solved"})["status"] == "closed"
    assert page(mail)["status"] == "closed"
    found = stack.get("interactions", "/conversations?status=queued&limit=500")["items"]
    assert [one["conversation_id"] for one in found if one["customer_id"] == customer] == [new]


def test_people_have_it_and_it_rests(stack: Stack) -> None:
    """By the real worker's timer, and with what a bot says elsewhere."""
    customer, id = new_customer(), f"chat-{uuid.uuid4().hex}"
    bot = {"channel": "chat", "direction": "outbound", "author": "bot", "conversation_id": id}
    handed = {"conversation_id": id, "from": "bot", "reason": "They ask for a person."}
    stack.post_events(
        wrote(customer, "Help!", 0, channel="chat", conversation_id=id),
        wrote(customer, "Off and on?", 1, **bot),
        event("conversation.escalated", customer, handed, at=(NOW + timedelta(minutes=2)).isoformat()),
        wrote(customer, "Still there?", 3, **bot),
    )

    def page() -> Any:
        return stack.get("interactions", f"/conversations/{id}")

    def act(action: str, body: dict[str, Any]) -> Any:
        return stack.call("interactions", "POST", f"/conversations/{id}/{action}", body)

    until(lambda: stack.call("interactions", "GET", f"/conversations/{id}").status == 200, "the conversation")
    whole = until(
        lambda: (found := page())["bot"] and len(found["messages"]) == 3 and found, "what the bot said"
    )
    assert [m["text"] for m in whole["bot"]["messages"]] == ["Off and on?"]
    assert [m["silenced"] for m in whole["messages"]] == [True, False, False]
    refused = act("messages", {"text": "Me again.", "author": "bot"})
    assert (refused.status, refused.body["code"]) == (409, "bot_silenced")
    act("assign", {"agent_id": "a-1"})
    assert act("notes", {"text": "Be gentle.", "agent_id": "a-1"}).status == 201
    comes_back = datetime.now(UTC) + timedelta(seconds=3)
    assert act("snooze", {"until": comes_back.isoformat()}).body["status"] == "waiting"
    assert [m["note"] for m in page()["messages"]] == [True, False, False, False]
    until(lambda: page()["status"] == "assigned", "the end of its rest")
    assert datetime.now(UTC) >= comes_back
    assert (page()["agent_id"], page()["snoozed"]) == ("a-1", False)
    assert asked_of_followup(stack, customer) == []
