"""Contacts with a customer, and conversations handed from bot to agent."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from shared.schemas.base import Data, Id
from shared.schemas.fields import Label

Channel = Literal["phone", "email", "chat", "social", "sms", "mail", "in_person", "web"]
"""Where an interaction took place."""


class InteractionsData(Data):
    """Common to the topic ``interactions``."""

    topic: ClassVar[str] = "interactions"
    late: ClassVar[str] = "Counts with its own time."
    again: ClassVar[str] = "Counts again."


class InteractionLogged(InteractionsData):
    """One contact, either way."""

    event_type: ClassVar[str] = "rapport.interaction.logged.v1"

    channel: Channel
    """Where it took place."""
    direction: Literal["inbound", "outbound"]
    """Inbound: the customer came to us."""
    kind: Label
    """What it was, e.g. question, call, browse."""
    summary: str
    """What was said, for people."""
    conversation_id: Id | None = None
    """The conversation that it belongs to."""
    agent_id: Id | None = None
    """The agent who took part."""
    sentiment: Annotated[float, Field(ge=-1, le=1)] | None = None
    """-1 (angry) to 1 (delighted)."""
    skus: tuple[Label, ...] = ()
    """The products that it was about."""
    duration_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """How long it took, in seconds."""


class ConversationEscalated(InteractionsData):
    """A conversation needs a person, or another one."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)
    event_type: ClassVar[str] = "rapport.conversation.escalated.v1"

    conversation_id: Id
    """The conversation that is handed over, as its contacts name it."""
    from_: Annotated[Literal["bot", "agent"], Field(alias="from")]
    """Who hands it over."""
    reason: str
    """Why it is handed over."""
    skills: tuple[Label, ...] = ()
    """Skills the next agent needs."""
    language: Label | None = None
    """Language the next agent needs."""
    priority: Label | None = None
    """How urgent it is, in the words of who hands it over."""


class ConversationAssigned(InteractionsData):
    """An agent has taken a conversation."""

    event_type: ClassVar[str] = "rapport.conversation.assigned.v1"

    conversation_id: Id
    """The conversation that was handed over."""
    agent_id: Id
    """Whoever has it now."""


class ConversationClosed(InteractionsData):
    """A conversation is over."""

    event_type: ClassVar[str] = "rapport.conversation.closed.v1"

    conversation_id: Id
    """The conversation that is over."""
    outcome: Label
    """How it ended, e.g. solved."""
