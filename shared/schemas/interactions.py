"""Contacts with a customer, and the conversations that they make."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from shared.schemas.base import Data, Id, Open, Time
from shared.schemas.fields import Count, Email, Label

Channel = Literal["phone", "email", "chat", "social", "sms", "mail", "in_person", "web"]
"""Where an interaction took place."""


Author = Literal["customer", "agent", "bot", "system"]
"""Who wrote."""
Priority = Literal["low", "normal", "high", "urgent"]
"""How urgent a conversation is."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""64 hex digits, in lower case."""
MessageId = Annotated[str, Field(min_length=1, max_length=998, pattern=r"^[^\x00-\x20\x7f]+$")]
"""A message's name on its channel, e.g. an e-mail's Message-ID."""
MessageIds = Annotated[str, Field(min_length=1, max_length=998, pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]+$")]
"""One name or several, with spaces between, as a header names them."""


_NO_PLACES = frozenset({"data", "javascript", "vbscript"})


class Attachment(Open):
    """A file that came with a message; the file itself is elsewhere."""

    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
    """As the sender called it."""
    type: Annotated[str, Field(max_length=127, pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$")]
    """Media type, e.g. image/png."""
    size: Count
    """Bytes."""
    sha256: Sha256
    """Of its bytes."""
    url: Annotated[str, Field(max_length=2_048, pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f]+$")]
    """Where it is kept: the file itself (data:) or a script is no place."""

    @field_validator("url")
    @classmethod
    def _elsewhere(cls, url: str) -> str:
        if url.partition(":")[0].lower() in _NO_PLACES:
            raise PydanticCustomError("url", "must say where the file is kept")
        return url


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
    author: Author | None = None
    """Who wrote; where it is not said, the customer inbound, and nobody knows outbound."""
    text: str | None = None
    """The whole message; of an e-mail what is new in it."""
    quoted: str | None = None
    """Of an e-mail: what it quotes of earlier ones, which was cut off its text."""
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=50)] = ()
    """Files that came with it, by reference."""
    message_id: MessageId | None = None
    """The message's name on its channel."""
    in_reply_to: MessageIds | None = None
    """The name of the message that it answers."""
    subject: str | None = None
    """What it is about, as an e-mail's subject line says it: where no conversation is named, it goes on in
    the customer's open one of that subject."""
    sent_from: Email | None = None
    """Of an e-mail that answers one of ours: the address that it came from, where it is not known as the
    customer's."""


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
    preferred_skills: tuple[Label, ...] = ()
    """Skills that would help, and are waited for only so long."""
    team: Id | None = None
    """The team that is asked."""
    language: Label | None = None
    """Language the next agent needs."""
    priority: Priority | None = None
    """How urgent it is."""


class ConversationAssigned(InteractionsData):
    """An agent has taken a conversation."""

    event_type: ClassVar[str] = "rapport.conversation.assigned.v1"

    conversation_id: Id
    """The conversation that was handed over."""
    agent_id: Id
    """Whoever has it now."""
    why: Mapping[str, Any] = {}
    """What decided it."""
    manual: bool | None = None
    """Whether a person assigned it."""
    team: Id | None = None
    """The team that was asked, where routing assigned it."""


class ConversationReturned(InteractionsData):
    """An agent has given a conversation back."""

    event_type: ClassVar[str] = "rapport.conversation.returned.v1"

    conversation_id: Id
    """The conversation that was handed over."""
    to: Literal["bot", "queue"]
    """Who has it now."""
    reason: str
    """Why it is given back."""


class ConversationMerged(InteractionsData):
    """Two conversations are one: what belongs to the first belongs to the other from now on."""

    event_type: ClassVar[str] = "rapport.conversation.merged.v1"
    late: ClassVar[str] = (
        "Of two merges the earlier by event time holds. One that is a circle, or of what is part of another "
        "conversation, is a dead letter `merge_cycle` or `conversation_merged`, and remembered: by what is "
        "heard later it may hold."
    )
    again: ClassVar[str] = "Nothing."

    conversation_id: Id
    """The conversation that is no more."""
    into: Id
    """The conversation that goes on."""


class ConversationSplit(InteractionsData):
    """Messages leave a conversation for another one, which may be new."""

    event_type: ClassVar[str] = "rapport.conversation.split.v1"

    conversation_id: Id
    """The conversation that they leave."""
    into: Id
    """The conversation in which they are from now on."""
    messages: Annotated[tuple[Id, ...], Field(max_length=200)]
    """Which, as `GET /conversations/{id}` names them."""


class ConversationClosed(InteractionsData):
    """A conversation is over."""

    event_type: ClassVar[str] = "rapport.conversation.closed.v1"
    late: ClassVar[str] = "Counts with its own time: a message after it has opened the conversation again."

    conversation_id: Id
    """The conversation that is over."""
    outcome: Label
    """How it ended, e.g. solved."""


class ConversationNoted(InteractionsData):
    """Agents' words to each other about a conversation; the customer never sees them."""

    event_type: ClassVar[str] = "rapport.conversation.noted.v1"
    again: ClassVar[str] = "Counts again."

    conversation_id: Id
    """The conversation."""
    agent_id: Id | None = None
    """Who says it."""
    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    """What."""


class ConversationSnoozed(InteractionsData):
    """Whoever has a conversation lets it rest: it comes back by itself, or when the customer writes."""

    event_type: ClassVar[str] = "rapport.conversation.snoozed.v1"

    conversation_id: Id
    """The conversation."""
    until: Time | None = None
    """When it comes back; left out, when the customer writes."""
    reason: str = ""
    """Why it can wait."""
