"""Conversations over HTTP: what is asked for, and what is answered."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, model_validator

from services.interactions.domain.conversations.conversation import HandledBy, Status
from services.interactions.domain.conversations.messages import key_of
from services.interactions.domain.rows import ConversationRow, TimelineRow
from services.interactions.models.complaints import ClockView
from shared.schemas.base import Frozen, Id, Strict
from shared.schemas.commands.conversations import ConversationCommand
from shared.schemas.fields import Label
from shared.schemas.interactions import Attachment, Channel
from shared.schemas.times import maybe_moment, moment

C = TypeVar("C", bound=ConversationCommand)

Text = Annotated[str, Field(min_length=1, max_length=20_000)]


class NewMessage(Strict):
    """The body of ``POST /conversations/{id}/messages``."""

    text: Text
    author: Literal["agent", "bot"] = "agent"
    agent_id: Id | None = None
    channel: Channel | None = None
    subject: Label | None = None
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _whose(self) -> Self:
        if self.author == "bot" and self.agent_id is not None:
            raise ValueError("agent_id is of an agent's message")
        return self


class Assignment(Strict):
    agent_id: Id


class Return(Strict):
    to: Literal["bot", "queue"] = "queue"
    reason: Annotated[str, Field(max_length=20_000)] = ""


class Merge(Strict):
    into: Id


class Split(Strict):
    """``messages`` as ``GET /conversations/{id}`` names them; without ``into`` they make a new one."""

    messages: Annotated[tuple[Id, ...], Field(min_length=1, max_length=200)]
    into: Id | None = None


class Close(Strict):
    outcome: Label = "solved"


class Stands(Frozen):
    """The conversation that goes on, and how it stands now."""

    conversation_id: str
    status: Status
    handled_by: HandledBy
    agent_id: str | None


class Given(Stands):
    """``warnings``: why routing would not have chosen this agent, one word each: unknown_agent, off_shift,
    on_break, over_capacity, channel_not_taken, lacks_skill:<skill>, lacks_language:<language>."""

    warnings: list[str]


class Sent(Stands):
    """``id`` names the message in its conversation, ``message_id`` on its channel: by that an answer to it
    finds its way back."""

    id: str
    message_id: str
    channel: str


class ConversationView(Stands):
    """A conversation in brief. ``team``: which has it, or was asked last; ``channel`` is what the customer
    wrote by last; ``waiting_since``: it wants an agent since then, who needs ``skills`` and ``language``;
    ``difficult``: it is hard on whoever takes it."""

    customer_id: str
    team: str | None
    priority: str | None
    channel: str | None
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    waiting_since: datetime | None
    skills: list[str]
    language: str | None
    difficult: bool


class MessageView(Frozen):
    """``id`` names it in its conversation; ``text`` is null where its source told a summary alone."""

    id: str
    time: datetime
    channel: str
    direction: str
    author: str | None
    agent_id: str | None
    summary: str
    text: str | None
    subject: str | None
    attachments: list[dict[str, Any]]
    message_id: str | None
    in_reply_to: str | None


class ConversationDetail(ConversationView):
    """A conversation with a page of its messages, the latest first; ``cursor`` is of the next page.
    ``reply_channel`` is what an answer goes out by; ``clocks`` are empty where ``complaints`` are not, as
    theirs hold then."""

    merged_from: list[str]
    complaints: list[str]
    reply_channel: str | None
    clocks: list[ClockView]
    messages: list[MessageView]
    cursor: str | None


def command_of(kind: type[C], conversation_id: str, body: Strict, **more: Any) -> C:
    """What a body asks for, as a command: both have the same fields, the conversation's id is in the path;
    and what the route adds."""
    said = body.model_dump(exclude_none=True) | more
    return kind.model_validate(said | {"conversation_id": conversation_id})


def conversation_view(row: ConversationRow) -> ConversationView:
    return ConversationView.model_validate(shown(row))


def shown(row: ConversationRow) -> dict[str, Any]:
    """The fields of a view."""
    fields = {name: getattr(row, name) for name in ConversationView.model_fields if hasattr(row, name)}
    times = {name: maybe_moment(at) for name, at in fields.items() if name.endswith("_at")}
    return fields | times | {"waiting_since": maybe_moment(row.since)}


def message_view(row: TimelineRow) -> MessageView:
    told = json.loads(row.data)
    author = "customer" if told["direction"] == "inbound" else None
    return MessageView(
        id=key_of(row.uid),
        time=moment(row.at),
        channel=told["channel"],
        direction=told["direction"],
        author=told.get("author") or author,
        agent_id=told.get("agent_id"),
        summary=row.summary,
        text=told.get("text"),
        subject=told.get("subject"),
        attachments=told.get("attachments") or [],
        message_id=told.get("message_id"),
        in_reply_to=told.get("in_reply_to"),
    )
