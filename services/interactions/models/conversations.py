"""Conversations over HTTP: what is asked for, and what is answered."""

import json
from collections.abc import Container, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, model_validator

from services.interactions.domain.conversations.conversation import HandledBy, Status
from services.interactions.domain.conversations.messages import key_of
from services.interactions.domain.rows import ConversationRow, TimelineRow
from services.interactions.models.complaints import ClockView
from shared.schemas.base import Frozen, Id, Strict, Time
from shared.schemas.commands.conversations import ConversationCommand
from shared.schemas.fields import Label
from shared.schemas.interactions import Attachment, Channel, ConversationNoted
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


class NewNote(Strict):
    """The body of ``POST /conversations/{id}/notes``."""

    text: Text
    agent_id: Id | None = None


class Snooze(Strict):
    """Without ``until`` it rests until the customer writes."""

    until: Time | None = None
    reason: Annotated[str, Field(max_length=20_000)] = ""


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
    wrote by last; ``waiting_since``: it wants an agent since then; ``skills``, ``language``: what its agent
    needs; ``difficult``: it is hard on whoever takes it. One that is snoozed is ``waiting``, until
    ``snoozed_until``, or until the customer writes."""

    customer_id: str
    team: str | None
    priority: str | None
    channel: str | None
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    snoozed: bool
    snoozed_until: datetime | None
    waiting_since: datetime | None
    skills: list[str]
    language: str | None
    difficult: bool


class MessageView(Frozen):
    """``id`` names it in its conversation; ``text`` is null where its source told a summary alone. A ``note``
    is of agents to each other and has no channel; ``silenced`` is what a bot said though people had it."""

    id: str
    time: datetime
    note: bool = False
    silenced: bool = False
    channel: str | None
    direction: Literal["inbound", "outbound", "internal"]
    author: str | None
    agent_id: str | None
    summary: str
    text: str | None
    subject: str | None
    attachments: list[dict[str, Any]]
    message_id: str | None
    in_reply_to: str | None
    quoted: Annotated[
        str | None, Field(description="Of an e-mail: what it quotes of earlier ones, cut off its text.")
    ] = None
    sent_from: Annotated[
        str | None, Field(description="Of an e-mail: its address, where that is not known as the customer's.")
    ] = None


class Noted(Stands):
    """``id`` names the note."""

    id: str


class BotView(Frozen):
    """What a bot tried before people had it: what it said, the latest first, and since when; who handed it
    over, when and why, where that was told."""

    since: datetime | None
    escalated_by: str | None
    escalated_at: datetime | None
    reason: str | None
    messages: list[MessageView]


class ConversationDetail(ConversationView):
    """A conversation with a page of its messages and notes, the latest first; ``cursor`` is of the next page.
    ``bot`` is there where people have it and a bot had it before; ``snooze_reason`` where it is snoozed.
    ``reply_channel`` is what an answer goes out by; ``clocks`` are empty where ``complaints`` are not, as
    theirs hold then. ``waits_for``, where it wants an agent: agent (nobody is in the team), skills, language
    or channel (nobody in it has them), shift, known_agent, preferred_skills, calm, room."""

    merged_from: list[str]
    complaints: list[str]
    reply_channel: str | None
    clocks: list[ClockView]
    snooze_reason: str | None = None
    bot: BotView | None = None
    waits_for: str | None = None
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
    times = (name for name in fields if name.endswith(("_at", "_until")))
    shown = fields | {name: maybe_moment(fields[name]) for name in times}
    return shown | {"waiting_since": maybe_moment(row.since)}


def message_view(row: TimelineRow, hushed: Container[str] = ()) -> MessageView:
    """A message's row, or a note's; ``hushed`` are the keys of what bots said though people had it."""
    told, key = json.loads(row.data), key_of(row.uid)
    if row.type == ConversationNoted.event_type:
        return _note_view(row, told, key)
    author = "customer" if told["direction"] == "inbound" else None
    return MessageView(
        id=key,
        time=moment(row.at),
        silenced=key in hushed,
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
        quoted=told.get("quoted"),
        sent_from=told.get("sent_from"),
    )


def _note_view(row: TimelineRow, told: Mapping[str, Any], key: str) -> MessageView:
    return MessageView(
        id=key,
        time=moment(row.at),
        note=True,
        channel=None,
        direction="internal",
        author="agent",
        agent_id=told.get("agent_id"),
        summary=row.summary,
        text=told["text"],
        subject=None,
        attachments=[],
        message_id=None,
        in_reply_to=None,
    )
