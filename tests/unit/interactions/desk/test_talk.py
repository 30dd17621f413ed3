"""What the desk shows of an e-mail: what it quotes apart from what it says, and a foreign address."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from services.interactions.desk.views.talk import days
from services.interactions.models.conversations import MessageView


def message(**more: str | None) -> MessageView:
    said = {"channel": "email", "direction": "inbound", "author": "customer", "agent_id": None}
    nothing: dict[str, object] = {"subject": None, "message_id": None, "in_reply_to": None, "attachments": []}
    told = {"id": "m", "time": datetime(2026, 3, 2, 12, tzinfo=UTC), "summary": "Yes", "text": "Yes, please."}
    return MessageView.model_validate({**told, **said, **nothing, **more})


def test_what_is_quoted_stands_apart() -> None:
    [day] = days([message(quoted="> Shall we?\n", sent_from="ann@elsewhere.example")], "a-1", ZoneInfo("UTC"))
    [line] = day.lines
    assert (line.text, line.quoted) == ("Yes, please.", "> Shall we?")
    assert line.sent_from == "ann@elsewhere.example"


def test_most_messages_quote_nothing_and_come_from_where_they_should() -> None:
    [day] = days([message()], "a-1", ZoneInfo("UTC"))
    assert (day.lines[0].quoted, day.lines[0].sent_from) == ("", None)
