"""A contact as a message: what it has to go by."""

import re
from functools import lru_cache
from hashlib import blake2b

from services.interactions.domain.conversations.known import By, Message
from shared.schemas.event import Event
from shared.schemas.interactions import InteractionLogged
from shared.schemas.times import Micros

OWN = "m-"
"""How the id of a conversation begins whose first message named none."""
_REPLY_MARKS = re.compile(r"^(\s*(re|aw|sv|antw|fwd?|wg|tr|rv)\s*(\[\d+\])?\s*:)+", re.IGNORECASE)


def key_of(event_uid: str) -> str:
    """Names a message: 16 hex digits."""
    return blake2b(event_uid.encode(), digest_size=8).hexdigest()


def message_of(event: Event, at: Micros) -> Message | None:
    """What has something to go by: a conversation, a name, a message that it answers, a subject. None for a
    contact that stands alone."""
    data = event.data
    assert isinstance(data, InteractionLogged)
    handles = (data.conversation_id, data.message_id, data.in_reply_to, data.subject)
    if not any(handles):
        return None
    return Message(
        key=key_of(event.uid),
        at=at,
        by=by_of(data),
        channel=data.channel,
        told=data.conversation_id,
        name=data.message_id,
        answers=data.in_reply_to,
        subject=data.subject,
        agent_id=data.agent_id,
        inbound=data.direction == "inbound",
    )


def thread_of(message: Message) -> str:
    """What its row in the timeline is found by: the conversation that was told, or its own."""
    return message.told or OWN + message.key


def by_of(data: InteractionLogged) -> By:
    """Inbound is the customer's, unless it says otherwise; outbound is whose it says."""
    if data.direction == "inbound":
        return "customer" if data.author in (None, "customer") else "other"
    return data.author if data.author in ("agent", "bot") else "other"


def names_of(in_reply_to: str) -> tuple[str, ...]:
    """The names that the answered message may have: the whole, and what is before the @, as a name of ours is
    an id alone."""
    whole = bare(in_reply_to)
    return tuple(name for name in dict.fromkeys((whole, whole.partition("@")[0])) if name)


def bare(name: str) -> str:
    """A Message-ID without its brackets."""
    return name.removeprefix("<").removesuffix(">")


@lru_cache(maxsize=4096)
def topic_of(subject: str) -> str:
    """A subject line without the marks of answers, in any case and spacing; empty where nothing is left."""
    return " ".join(_REPLY_MARKS.sub("", subject).casefold().split())
