"""What is known of a customer's conversations: messages and steps, as they were told. What they make of each
other follows from all of them, by their times (``course.py``); the texts are in the timeline."""

from typing import Literal, TypeAlias

from shared.schemas.base import Open
from shared.schemas.times import Micros

By: TypeAlias = Literal["customer", "agent", "bot", "other"]
"""Who wrote. ``other``: the system, or nobody knows; it counts for no status and no clock."""
StepKind: TypeAlias = Literal[
    "escalated", "assigned", "returned", "snoozed", "closed", "merged", "split", "complained", "settled"
]
"""``complained``: a complaint names it, so it can be answered in, though nothing was said in it yet;
``settled``: that complaint is over, or open again."""


class Message(Open):
    """A message that belongs to a conversation, or may come to."""

    key: str
    """Names it among those of the customer: a hash of its event."""
    at: Micros
    by: By
    channel: str
    told: str | None = None
    """The conversation that its source named."""
    name: str | None = None
    """On its channel: its Message-ID, as it was told."""
    answers: str | None = None
    """The name of the message that it answers, as it was told."""
    subject: str | None = None
    """As it was told."""
    agent_id: str | None = None
    inbound: bool = True
    sentiment: float | None = None
    kept_in: str | None = None
    """The conversation in which it was when others of it were forgotten, by which it may have come there."""


class ConversationStep(Open):
    """A fact that is no message."""

    key: str
    """A hash of its event."""
    at: Micros
    kind: StepKind
    conversation_id: str
    """As it was told."""
    to: str | None = None
    """Escalated: who handed it over; assigned: the agent; returned: bot or queue; merged, split: the
    conversation that goes on; complained: the channel; settled: the complaint's status."""
    team: str | None = None
    priority: str | None = None
    skills: tuple[str, ...] = ()
    preferred_skills: tuple[str, ...] = ()
    language: str | None = None
    """Escalated: what the next agent needs, or what would help."""
    manual: bool = False
    """Assigned: by a person."""
    away: bool = False
    """Returned: since its agent is not at work any more."""
    messages: tuple[str, ...] = ()
    """Split: the keys of those that leave."""
    reason: str | None = None
    """Escalated, snoozed: why; the beginning of it."""
    until: Micros | None = None
    """Snoozed: when it comes back by itself."""
    complaint_id: str | None = None
    """Complained, settled: the complaint."""


class Conversations(Open):
    """All that is known, each in the order in which it was heard."""

    messages: tuple[Message, ...] = ()
    steps: tuple[ConversationStep, ...] = ()
    awake_at: Micros = 0
    """What was snoozed until then is back."""
