"""Conversations over HTTP, on a real store: what is said, answered, merged and split."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from shared.schemas.commands.followup import ReplyRequested
from shared.schemas.interactions import InteractionLogged

from .inline_worker import InlineWorker

_numbers = iter(range(10_000))


class Talk:
    """A customer who writes, and we who answer."""

    def __init__(self, api: TestClient, worker: InlineWorker, customer: str) -> None:
        self.api, self.worker, self.customer = api, worker, customer
        # Not as of the import: commands are as of the wall clock, and that may be many tests later.
        self.began = datetime.now(UTC) - timedelta(hours=1)

    def tell(self, type: str, minutes: float = 0, **data: Any) -> None:
        told = {
            "specversion": "1.0",
            "id": f"{self.customer}-{next(_numbers)}",
            "source": "/test",
            "type": f"rapport.{type}.v1",
            "subject": self.customer,
            "time": (self.began + timedelta(minutes=minutes)).isoformat(),
            "data": data,
        }
        answer = self.api.post(
            "/events", content=json.dumps(told), headers={"content-type": "application/cloudevents+json"}
        )
        assert answer.status_code == 202, answer.text

    def writes(self, text: str, minutes: float = 0, **data: Any) -> None:
        said = {"channel": "email", "direction": "inbound", "kind": "message", "summary": text, "text": text}
        self.tell("interaction.logged", minutes, **(said | data))

    def get(self, id: str, **query: Any) -> Any:
        answer = self.api.get(f"/conversations/{id}", params={"customer_id": self.customer, **query})
        return answer.json()

    def post(self, id: str, action: str, key: str | None = None, **body: Any) -> Any:
        return self.api.post(
            f"/conversations/{id}/{action}",
            params={"customer_id": self.customer},
            json=body,
            headers={} if key is None else {"Idempotency-Key": key},
        )

    def refused(self, id: str, action: str, **body: Any) -> tuple[int, str]:
        answer = self.post(id, action, **body)
        return answer.status_code, answer.json()["code"]

    def emitted(self, kind: Any) -> list[Any]:
        return [
            event.data
            for event in self.worker.emitted
            if event.subject == self.customer and isinstance(event.data, kind)
        ]


@pytest.fixture
def talk(api: TestClient, worker: InlineWorker, customer: str) -> Talk:
    return Talk(api, worker, customer)


def texts(page: Any) -> list[str]:
    return [message["text"] for message in page["messages"]]


def test_a_reply_goes_out_and_its_answer_finds_its_way_back(talk: Talk) -> None:
    talk.tell("customer.registered", name="Ann", email="ann@x.test")
    talk.writes("late", 1, conversation_id="c-1", message_id="<m1@x.test>", subject="Order 17")
    key = talk.customer
    first, again = (talk.post("c-1", "messages", key, text="We look.", agent_id="a-1") for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    sent = first.json()
    assert first.status_code == 201
    assert (sent["conversation_id"], sent["status"], sent["handled_by"]) == ("c-1", "waiting", "agent")
    (request,) = talk.emitted(ReplyRequested)
    (fact,) = talk.emitted(InteractionLogged)
    assert (request.outreach_id, request.channel, request.text) == (sent["message_id"], "email", "We look.")
    assert (request.subject, request.in_reply_to) == ("Re: Order 17", "<m1@x.test>")
    assert (request.conversation_id, request.agent_id) == ("c-1", "a-1")
    assert (fact.author, fact.direction, fact.message_id) == ("agent", "outbound", sent["message_id"])
    talk.writes("thanks", 59, channel="email", in_reply_to=f"<{sent['message_id']}@mail.shop.test>")
    page = talk.get("c-1")
    assert texts(page) == ["We look.", "thanks", "late"]
    assert [m["author"] for m in page["messages"]] == ["agent", "customer", "customer"]
    assert page["messages"][0]["id"] == sent["id"]
    assert (page["customer_id"], page["channel"], page["reply_channel"]) == (talk.customer, "email", "email")


@pytest.mark.parametrize(
    ("profile", "asked", "channel"),
    [
        ({"preferred_channel": "sms", "phone": "+49 30 1"}, None, "sms"),
        ({"preferred_channel": "sms"}, None, "chat"),
        ({"preferred_channel": "phone", "email": "a@x.test"}, None, "chat"),
        ({"preferred_channel": "email", "email": "a@x.test"}, None, "email"),
        ({}, "email", "email"),
    ],
)
def test_it_goes_by_the_channel_that_is_preferred_and_can_be_written_to(
    talk: Talk, profile: dict[str, str], asked: str | None, channel: str
) -> None:
    talk.tell("customer.registered", name="Ann", **profile)
    talk.writes("hi", channel="chat", conversation_id="c-1")
    body = {} if asked is None else {"channel": asked}
    assert talk.post("c-1", "messages", text="hello", **body).json()["channel"] == channel
    assert talk.emitted(ReplyRequested)[0].channel == channel


def test_what_is_said_by_phone_is_noted_and_not_sent(talk: Talk) -> None:
    talk.writes("call me", conversation_id="c-1")
    assert talk.post("c-1", "messages", text="We called.", channel="phone").status_code == 201
    assert texts(talk.get("c-1"))[0] == "We called."
    assert talk.emitted(ReplyRequested) == []


def test_a_bot_is_silent_after_escalation_until_it_is_given_back(talk: Talk) -> None:
    talk.writes("help", channel="chat", conversation_id="c-1")
    assert talk.post("c-1", "messages", text="I am a bot.", author="bot").json()["handled_by"] == "bot"
    talk.tell(
        "conversation.escalated",
        61,
        conversation_id="c-1",
        **{"from": "bot", "reason": "angry", "team": "t-1", "priority": "high"},
    )
    page = talk.get("c-1")
    assert (page["status"], page["handled_by"], page["team"]) == ("queued", "queue", "t-1")
    assert talk.refused("c-1", "messages", text="Me again.", author="bot") == (409, "bot_silenced")
    assert talk.post("c-1", "assign", agent_id="a-1").json() == {
        "conversation_id": "c-1", "status": "assigned", "handled_by": "agent", "agent_id": "a-1",
        "warnings": ["unknown_agent"],
    }  # fmt: skip
    assert talk.refused("c-1", "messages", text="Me again.", author="bot") == (409, "bot_silenced")
    assert talk.post("c-1", "return", to="bot", reason="easy").json()["handled_by"] == "bot"
    assert talk.post("c-1", "messages", text="Me again.", author="bot").status_code == 201


def test_merge_and_split(talk: Talk) -> None:
    talk.writes("late", 0, conversation_id="c-1")
    talk.writes("hello?", 1, channel="chat", conversation_id="c-2")
    talk.writes("third", 2, channel="chat", conversation_id="c-3")
    assert talk.refused("c-1", "merge", into="c-1") == (409, "merge_cycle")
    assert talk.refused("c-1", "merge", into="c-9") == (404, "unknown_conversation")
    assert talk.post("c-2", "merge", into="c-1").json()["conversation_id"] == "c-1"
    assert talk.refused("c-2", "merge", into="c-3") == (409, "conversation_merged")
    assert talk.refused("c-3", "merge", into="c-2") == (409, "conversation_merged")
    assert talk.refused("c-1", "merge", into="c-2") == (409, "merge_cycle")
    page = talk.get("c-2")
    assert (page["conversation_id"], page["merged_from"]) == ("c-1", ["c-2"])
    assert texts(page) == ["hello?", "late"]
    assert talk.post("c-2", "messages", text="One answer.").json()["conversation_id"] == "c-1"
    chat = page["messages"][0]["id"]
    assert talk.refused("c-1", "split", messages=["nope"]) == (404, "unknown_message")
    new = talk.post("c-1", "split", messages=[chat]).json()["conversation_id"]
    assert new not in ("c-1", "c-2")
    assert texts(talk.get(new)) == ["hello?"]
    assert texts(talk.get("c-1")) == ["One answer.", "late"]
    assert talk.post(new, "split", messages=[chat], into="c-3").json()["conversation_id"] == "c-3"
    assert texts(talk.get("c-3")) == ["third", "hello?"]


def test_close_and_what_opens_again(talk: Talk) -> None:
    talk.writes("late", 0, conversation_id="c-1")
    assert talk.post("c-1", "close", outcome="solved").json()["status"] == "closed"
    assert talk.get("c-1")["closed_at"] is not None
    assert talk.refused("c-1", "close") == (409, "conversation_closed")
    assert talk.refused("c-1", "return", reason="x") == (409, "conversation_closed")
    talk.writes("before", 1, conversation_id="c-1")
    assert talk.get("c-1")["status"] == "closed"
    talk.writes("again", 70, conversation_id="c-1")
    assert talk.get("c-1")["status"] == "queued"


def test_lists_by_status_and_team(talk: Talk, api: TestClient) -> None:
    team = f"t-{talk.customer}"
    for n in range(3):
        talk.writes("late", n, conversation_id=f"c-{n}")
        talk.tell(
            "conversation.escalated",
            n + 5,
            conversation_id=f"c-{n}",
            **{"from": "bot", "reason": "angry", "team": team},
        )
    talk.post("c-0", "assign", agent_id="a-1")
    talk.post("c-1", "merge", into="c-2")

    def found(**query: Any) -> list[str]:
        page = api.get("/conversations", params={"team": team, **query}).json()
        return [one["conversation_id"] for one in page["items"]]

    assert found() == ["c-2", "c-0"]
    assert found(status="queued") == ["c-2"]
    assert found(status="assigned") == ["c-0"]
    assert found(status="closed") == []
    first = api.get("/conversations", params={"team": team, "limit": 1}).json()
    assert len(first["items"]) == 1
    assert found(cursor=first["cursor"]) == ["c-0"]


def test_the_360_says_what_is_preferred(talk: Talk, api: TestClient) -> None:
    talk.writes("late", 0, channel="chat")
    talk.writes("again", 1, channel="email")
    assert api.get(f"/customers/{talk.customer}").json()["preferred_channel"] == "email"
    talk.tell("customer.updated", 2, preferred_channel="sms")
    assert api.get(f"/customers/{talk.customer}").json()["preferred_channel"] == "sms"


def test_pages_of_messages(talk: Talk) -> None:
    for n in range(7):
        talk.writes(str(n), n, conversation_id="c-1", channel="chat" if n % 2 else "email")
        talk.writes("elsewhere", n, conversation_id="c-2")
    seen, cursor = list[str](), None
    while True:
        page = talk.get("c-1", limit=3, **({} if cursor is None else {"cursor": cursor}))
        seen += texts(page)
        cursor = page["cursor"]
        if cursor is None:
            break
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


def test_an_answer_without_a_conversation_joins_what_it_answers_though_heard_first(talk: Talk) -> None:
    talk.writes("and?", 2, in_reply_to="<m1@x.test>", message_id="<m2@x.test>")
    alone = talk.api.get("/conversations", params={"limit": 500}).json()["items"]
    (own,) = [one["conversation_id"] for one in alone if one["customer_id"] == talk.customer]
    talk.writes("late", 1, conversation_id="c-1", message_id="<m1@x.test>")
    assert texts(talk.get("c-1")) == ["and?", "late"]
    assert talk.get(own)["conversation_id"] == "c-1"
    listed = talk.api.get("/conversations", params={"limit": 500}).json()["items"]
    assert [one["conversation_id"] for one in listed if one["customer_id"] == talk.customer] == ["c-1"]


def test_ids_of_two_customers_may_meet(talk: Talk, api: TestClient, worker: InlineWorker) -> None:
    other = Talk(api, worker, f"{talk.customer}-b")
    id = f"meet-{talk.customer}"
    for one in (talk, other):
        one.writes(one.customer, conversation_id=id)
    assert api.get(f"/conversations/{id}").json()["code"] == "ambiguous_conversation"
    assert texts(other.get(id)) == [other.customer]
    assert api.get("/conversations/nobody").json()["code"] == "unknown_conversation"


def test_attachments_are_by_reference(talk: Talk) -> None:
    file = {
        "name": "photo.png",
        "type": "image/png",
        "size": 12,
        "sha256": "0" * 64,
        "url": "https://files.test/1",
    }
    talk.writes("see", 0, conversation_id="c-1", attachments=[file])
    assert talk.post("c-1", "messages", text="Thanks.", attachments=[file]).status_code == 201
    assert [m["attachments"] for m in talk.get("c-1")["messages"]] == [[file], [file]]
    assert talk.post("c-1", "messages", text="x", attachments=[file | {"sha256": "no"}]).status_code == 422
    for url in ("data:text/plain;base64,aGk=", "JavaScript:alert(1)"):
        assert talk.post("c-1", "messages", text="x", attachments=[file | {"url": url}]).status_code == 422


def test_a_conversation_has_clocks(talk: Talk) -> None:
    talk.writes("late", 0, conversation_id="c-1")
    clocks = {clock["clock"]: clock for clock in talk.get("c-1")["clocks"]}
    assert clocks["first_response"]["state"] == "running"
    assert clocks["first_response"]["policy"] == "conversations"
    talk.post("c-1", "messages", text="hello")
    clocks = {clock["clock"]: clock["state"] for clock in talk.get("c-1")["clocks"]}
    assert clocks == {"first_response": "met"}


def test_a_merge_from_outside_that_does_not_hold_is_a_dead_letter(talk: Talk) -> None:
    talk.writes("a", 0, conversation_id="c-1")
    talk.writes("b", 0, conversation_id="c-2")
    before = len(talk.worker.rejected)
    talk.tell("conversation.merged", 1, conversation_id="c-1", into="c-2")
    talk.tell("conversation.merged", 2, conversation_id="c-2", into="c-1")
    talk.tell("conversation.merged", 3, conversation_id="c-1", into="c-3")
    assert talk.worker.rejected[before:] == ["merge_cycle", "conversation_merged"]
    assert talk.get("c-1")["conversation_id"] == "c-2"


def test_a_conversation_that_only_a_complaint_names_can_be_answered(talk: Talk, api: TestClient) -> None:
    said = {"channel": "chat", "category": "price", "severity": "high", "description": "Too dear."}
    body = {"customer_id": talk.customer, "conversation_id": "form-1", **said}
    one = api.post("/complaints", json=body).json()["complaint_id"]
    page = talk.get("form-1")
    assert (page["status"], page["handled_by"], page["complaints"]) == ("queued", "queue", [one])
    assert (page["messages"], page["reply_channel"]) == ([], "chat")
    assert talk.post("form-1", "messages", text="We look.").json()["status"] == "waiting"
    clocks = {clock["clock"]: clock["state"] for clock in api.get(f"/complaints/{one}").json()["clocks"]}
    assert clocks["first_response"] == "met"
