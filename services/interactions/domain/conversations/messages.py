"""A contact as a message: what it has to go by."""

import re
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
        name=None if data.message_id is None else _hash(_bare(data.message_id)),
        answers=() if data.in_reply_to is None else _names(data.in_reply_to),
        subject=None if data.subject is None else _subject(data.subject),
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


def _names(in_reply_to: str) -> tuple[str, ...]:
    """The whole, and what is before the @: a name of ours is made of an id alone."""
    whole = _bare(in_reply_to)
    return tuple(_hash(name) for name in dict.fromkeys((whole, whole.partition("@")[0])) if name)


def _bare(name: str) -> str:
    return name.removeprefix("<").removesuffix(">")


def _subject(text: str) -> str | None:
    """Without the marks of answers, in any case and spacing."""
    bare = " ".join(_REPLY_MARKS.sub("", text).casefold().split())
    return _hash(bare) if bare else None


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=6).hexdigest()
