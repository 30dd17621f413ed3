"""Messages to customers: planned, sent, failed, or not sent and why. Written by Rapport."""

from typing import ClassVar, Literal

from shared.schemas.base import Data, Id, Time
from shared.schemas.fields import Count

SuppressionReason = Literal[
    "no_consent",
    "quiet_hours",
    "frequency_cap",
    "open_complaint",
    "stale",
    "duplicate",
    "condition_unmet",
    "erased",
    "address_suppressed",
]
"""Why a message is not sent."""


class OutreachData(Data):
    """Common to the topic ``outreach``."""

    topic: ClassVar[str] = "outreach"
    late: ClassVar[str] = "Followup tells it in the order of its log."
    again: ClassVar[str] = "Followup tells it once."

    outreach_id: Id
    """Names the message for ever, in all that is told of it."""
    rule: Id
    """The rule that asked for it; manual where a person did, reply where an agent answered."""


class OutreachAttempt(OutreachData):
    """A message on its way."""

    channel: Id
    """What it goes by, e.g. email."""
    due_at: Time
    """When it is or was due."""
    attempt: Count
    """Which try to send it, from 1; 0 where none was made."""


class OutreachScheduled(OutreachAttempt):
    """A message is planned."""

    event_type: ClassVar[str] = "rapport.outreach.scheduled.v1"


class OutreachSent(OutreachAttempt):
    """A message was handed over."""

    event_type: ClassVar[str] = "rapport.outreach.sent.v1"


class OutreachFailed(OutreachAttempt):
    """A message could not be handed over."""

    event_type: ClassVar[str] = "rapport.outreach.failed.v1"


class OutreachDropped(OutreachData):
    """A message that is not sent."""

    reason: SuppressionReason
    """Why it is not sent."""
    detail: str | None = None
    """More about that, for people."""


class OutreachSuppressed(OutreachDropped):
    """A rule held, but the message must not go."""

    event_type: ClassVar[str] = "rapport.outreach.suppressed.v1"


class OutreachCancelled(OutreachDropped):
    """A planned message is no longer wanted."""

    event_type: ClassVar[str] = "rapport.outreach.cancelled.v1"
