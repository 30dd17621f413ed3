"""What is asked of outreach, and what its sender reports."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from shared.schemas.base import Id, Time
from shared.schemas.commands import Command, Text
from shared.schemas.commands.receipts import StatusCode
from shared.schemas.fields import Count, Label
from shared.schemas.interactions import MessageId


class OutreachRequested(Command):
    """Send a customer a message."""

    event_type: ClassVar[str] = "rapport.followup.outreach.requested.v1"

    template: Label
    """Which of the templates that may be sent by hand."""
    channel: Id | None = None
    """What it is sent by; left out, what the customer prefers if it is written for that, else e-mail."""
    at: Time | None = None
    """Not before this time; at once if left out."""
    variables: Mapping[str, Any] = {}
    """What the template shows, by name: text, numbers, truth values."""


class UnsubscribeRequested(Command):
    """Withdraw a consent."""

    event_type: ClassVar[str] = "rapport.followup.unsubscribe.requested.v1"

    purpose: Literal["marketing", "service", "survey"]
    """What the customer wants no more messages for."""
    channel: Id
    """What the customer wants no such messages by."""
    topic_: Annotated[Label | None, Field(alias="topic")] = None
    """What the customer wants no more messages about; null: all of the purpose."""


class DeliveryReported(Command):
    """The sender says what became of a message."""

    event_type: ClassVar[str] = "rapport.followup.delivery.reported.v1"

    outreach_id: Id
    """The message that was tried."""
    status: Literal["sent", "failed", "in_doubt"]
    """In doubt: nobody knows whether it was taken; only a service message is tried again, under its name."""
    attempt: Count
    """Which try it was, from 1."""
    error: str | None = None
    """What went wrong, in the words of who refused it."""
    code: StatusCode | None = None
    """The status of a refusal that says something about the address, as 5.1.1 of RFC 3463."""


class ReplyRequested(Command):
    """Send what an agent wrote. From interactions, once the message stands in its conversation."""

    event_type: ClassVar[str] = "rapport.followup.reply.requested.v1"

    outreach_id: Id
    """Names the message for ever; its name on the channel is made from it."""
    conversation_id: Id
    """The conversation that it belongs to."""
    channel: Id
    """What it is sent by."""
    text: Text
    """What the agent wrote: plain text."""
    subject: Label | None = None
    """Its subject line, where the channel has one."""
    in_reply_to: MessageId | None = None
    """The name of the customer's message that it answers."""
    agent_id: Id | None = None
    """Who wrote it."""
