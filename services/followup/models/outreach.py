"""Messages: asking for one, and what became of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import field_validator

from services.followup.domain.messages.variables import checked
from services.followup.domain.state import Variable
from services.followup.errors import BAD_VARIABLES
from shared.http.paging import Page
from shared.schemas.base import Frozen, Id, Strict, Time
from shared.schemas.fields import Label

Status = Literal["scheduled", "ready", "sending", "sent", "failed", "in_doubt", "suppressed", "cancelled"]


class OutreachBody(Strict):
    """The body of ``POST /outreach``."""

    customer_id: Id
    template: Label
    channel: Id | None = None
    """By e-mail if left out."""
    at: Time | None = None
    """Not before this time; now if left out."""
    variables: Mapping[str, Any] = {}
    """What the template shows: text, numbers, truth values."""

    @field_validator("variables")
    @classmethod
    def _usable(cls, value: Mapping[str, Any]) -> Mapping[str, Variable]:
        try:
            return checked(value)
        except ValueError as fault:
            raise ValueError(BAD_VARIABLES(fault=fault).detail) from None


class OutreachPlaced(Frozen):
    """A message by hand that was accepted."""

    outreach_id: str
    status: Literal["scheduled", "ready", "sent"]
    """Scheduled: decided at ``due_at``. Ready: on its way to the channel. Sent: a team has it as a task."""
    due_at: datetime


class OutreachAnswer(Frozen):
    """What is known of one message."""

    outreach_id: str
    rule: str
    """``manual`` for what was sent by hand, ``reply`` for what an agent wrote in a conversation."""
    template: str
    purpose: str
    channel: str
    status: Status
    due_at: datetime
    updated_at: datetime
    reason: str | None = None
    """Why it was suppressed or cancelled."""
    attempt: int | None = None
    doubts: int | None = None
    """Tries before it of which nobody knows whether they reached the customer."""
    sent_at: datetime | None = None
    error: str | None = None
    """What went wrong last."""
    delivered_at: datetime | None = None
    """When it was heard that it arrived."""
    bounced_at: datetime | None = None
    """When it was heard that it came back."""
    bounce_kind: Literal["hard", "soft"] | None = None
    bounce_code: str | None = None
    """The status that was told, as 5.1.1 of RFC 3463."""
    complained_at: datetime | None = None
    """When it was heard that the customer called it unwanted."""


class OutreachPage(Page[OutreachAnswer]):
    """A customer's messages, and what stands in the way of any."""

    unusable: Mapping[str, str] = {}
    """Of each channel that cannot use the address that is known, or not for marketing: why not."""
