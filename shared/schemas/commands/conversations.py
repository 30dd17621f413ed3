"""What agents and bots ask for about conversations."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.schemas.base import Id, Time
from shared.schemas.commands import Command, Text
from shared.schemas.fields import Label
from shared.schemas.interactions import Attachment, Channel

Against = Annotated[str, Field(min_length=1, max_length=160)]
"""``off_shift``, or with what is lacking, a ``Label``: ``lacks_skill:law``."""


class ConversationCommand(Command):
    """Common to what is asked about a conversation that is there."""

    conversation_id: Id
    """The conversation, one of the customer."""


class ConversationMessageRequested(ConversationCommand):
    """Write to the customer."""

    event_type: ClassVar[str] = "rapport.interactions.conversation_message.requested.v1"

    text: Text
    """What is written: plain text."""
    author: Literal["agent", "bot"] = "agent"
    """Who writes."""
    agent_id: Id | None = None
    """The agent who writes."""
    channel: Channel | None = None
    """What it is sent by; left out, what the customer prefers, else what they wrote by last."""
    subject: Label | None = None
    """Its subject line, where the channel has one; that of the conversation if left out."""
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=50)] = ()
    """Files that go with it, by reference."""


class ConversationAssignRequested(ConversationCommand):
    """Give it to an agent."""

    event_type: ClassVar[str] = "rapport.interactions.conversation_assign.requested.v1"

    caller: ClassVar[frozenset[str]] = frozenset({"warnings"})

    agent_id: Id
    """Whoever has it from now on."""
    warnings: tuple[Against, ...] = ()
    """Why routing would not have chosen them, as of when it was asked for."""


class ConversationReturnRequested(ConversationCommand):
    """Give it back."""

    event_type: ClassVar[str] = "rapport.interactions.conversation_return.requested.v1"

    to: Literal["bot", "queue"]
    """Who has it from now on."""
    reason: str = ""
    """Why it is given back."""


class ConversationMergeRequested(ConversationCommand):
    """Make it part of another conversation of the customer."""

    event_type: ClassVar[str] = "rapport.interactions.conversation_merge.requested.v1"

    into: Id
    """The conversation that goes on."""


class ConversationSplitRequested(ConversationCommand):
    """Move messages to another conversation of the customer."""

    event_type: ClassVar[str] = "rapport.interactions.conversation_split.requested.v1"

    messages: Annotated[tuple[Id, ...], Field(max_length=200)]
    """Which, as `GET /conversations/{id}` names them."""
    into: Id | None = None
    """The conversation in which they are from now on; left out, a new one."""


class ConversationNoteRequested(ConversationCommand):
    """Say something to colleagues."""

    event_type: ClassVar[str] = "rapport.interactions.conversation_note.requested.v1"

    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    """What; the customer never sees it."""
    agent_id: Id | None = None
    """Who says it."""


class ConversationSnoozeRequested(ConversationCommand):
    """Let it rest."""

    event_type: ClassVar[str] = "rapport.interactions.conversation_snooze.requested.v1"

    until: Time | None = None
    """When it comes back; left out, when the customer writes."""
    reason: str = ""
    """Why it can wait."""


class ConversationCloseRequested(ConversationCommand):
    """Say that it is over."""

    event_type: ClassVar[str] = "rapport.interactions.conversation_close.requested.v1"

    outcome: Label
    """How it ended, e.g. solved."""
