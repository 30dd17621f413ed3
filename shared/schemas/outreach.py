"""Messages to customers: planned, sent, failed, or not sent and why, and what is heard of them. Written by
Rapport."""

from typing import ClassVar, Literal

from shared.schemas.base import Data, Id, Open, Time
from shared.schemas.fields import Count, Label

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
    "holdout",
    "outranked",
    "send_window",
    "rate_limited",
    "goal_reached",
]
"""Why a message is not sent."""


Survey = Literal["nps", "csat", "ces"]
"""What a message asks, as the topic ``feedback`` names it."""


class OutreachData(Data):
    """Common to the topic ``outreach``."""

    topic: ClassVar[str] = "outreach"
    late: ClassVar[str] = "Followup tells it in the order of its log."
    again: ClassVar[str] = "Followup tells it once."

    outreach_id: Id
    """Names the message for ever, in all that is told of it."""
    rule: Id
    """The rule that asked for it; manual where a person did, reply where an agent answered."""


class ConsentCited(Open):
    """The event that allows a message."""

    source: str
    """The event's source."""
    id: str
    """The event's id."""


class OutreachAttempt(OutreachData):
    """A message on its way."""

    step: Id | None = None
    """Which of its rule's steps it is; null where the rule has one message."""
    variant: Id | None = None
    """Which of its rule's variants the customer gets; null where it has none."""
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

    consent: ConsentCited | None = None
    """The consent event that it went by; null where none was needed."""
    asks: Survey | None = None
    """The survey that it links to; null where it has none."""
    complaint_id: Id | None = None
    """The complaint that it is about; null where it is about none."""


class OutreachFailed(OutreachAttempt):
    """A message could not be handed over."""

    event_type: ClassVar[str] = "rapport.outreach.failed.v1"


class OutreachDropped(OutreachData):
    """A message that is not sent."""

    reason: SuppressionReason
    """Why it is not sent."""
    detail: str | None = None
    """More about that, for people."""
    next_at: Time | None = None
    """When the reason alone would end; null where it never does, or nobody can know."""
    blocked_by: tuple[SuppressionReason, ...] = ()
    """All that stood in its way at that instant, in the gate's order; the reason is the first."""
    step: Id | None = None
    """Which of its rule's steps it is; null where the rule has one message."""
    variant: Id | None = None
    """Which of its rule's variants it is; null where it has none."""


class OutreachSuppressed(OutreachDropped):
    """A rule held, but the message must not go."""

    event_type: ClassVar[str] = "rapport.outreach.suppressed.v1"


class OutreachCancelled(OutreachDropped):
    """A planned message is no longer wanted."""

    event_type: ClassVar[str] = "rapport.outreach.cancelled.v1"


class OutreachAnswered(OutreachData):
    """What is heard of a message that was sent."""

    again: ClassVar[str] = "Nothing: each message has it once."


class OutreachDelivered(OutreachAnswered):
    """A message reached the customer's mailbox or phone."""

    event_type: ClassVar[str] = "rapport.outreach.delivered.v1"


class OutreachBounced(OutreachAnswered):
    """A message came back."""

    event_type: ClassVar[str] = "rapport.outreach.bounced.v1"

    kind: Literal["hard", "soft"]
    """Hard: the address takes nothing, ever; soft: not now."""
    code: Label | None = None
    """The status that was told, as 5.1.1 of RFC 3463."""


class OutreachComplained(OutreachAnswered):
    """The customer called a message unwanted where they read it."""

    event_type: ClassVar[str] = "rapport.outreach.complained.v1"


class OutreachGoalReached(OutreachAnswered):
    """What a message was for has happened."""

    event_type: ClassVar[str] = "rapport.outreach.goal_reached.v1"

    goal: Label
    """The event that was hoped for, as rules name it: purchase.made."""


class OutreachPaused(Data):
    """A rule's marketing to one mail domain waits: too much of it came back, or was called unwanted."""

    event_type: ClassVar[str] = "rapport.outreach.paused.v1"
    topic: ClassVar[str] = "outreach"
    entity: ClassVar[str] = "rule"
    late: ClassVar[str] = "Each pause is told once, when it begins."
    again: ClassVar[str] = "Nothing: it says what is so."

    domain: Label
    """The mail domain, after the @."""
    why: Literal["bounces", "complaints"]
    """Of what there was too much."""
    sent: Count
    """How many messages went, on the days that count."""
    bounced: Count
    """How many of these came back."""
    complained: Count
    """How many of these were called unwanted."""
    until: Time
    """When it goes on."""
