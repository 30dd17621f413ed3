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
SUBJECT_LENGTH = 256
TOPIC_LENGTH = 120
"""So much of a subject is compared: what is cut of a long one does not depend on the marks before it."""
_REPLY_MARKS = re.compile(r"^(\s*(re|aw|sv|antw|fwd?|wg|tr|rv)\s*(\[\d+\])?\s*:)+", re.IGNORECASE)


def key_of(event_uid: str) -> str:
    """Names a message: 16 hex digits."""
    return blake2b(event_uid.encode(), digest_size=8).hexdigest()


def message_of(event: Event, at: Micros) -> Message | None:
    """What has something to go by: a conversation, a name, a message that it answers, a subject. None for a
    contact that stands alone."""
    data = event.data
    assert isinstance(data, InteractionLogged)
    subject = None if data.subject is None else one_line(data.subject)
    handles = (data.conversation_id, data.message_id, data.in_reply_to, subject)
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
        subject=subject,
        agent_id=data.agent_id,
        inbound=data.direction == "inbound",
        sentiment=data.sentiment,
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
    """The names that the answered message may have: each whole, and what is before its @, as a name of ours
    is an id alone."""
    wholes = [bare(name) for name in in_reply_to.split()]
    names = (name for whole in wholes for name in (whole, whole.partition("@")[0]))
    return tuple(dict.fromkeys(name for name in names if name))


def one_line(subject: str) -> str | None:
    """A subject line as it is kept; None where it says nothing."""
    printable = "".join(one if one.isprintable() else " " for one in subject)
    return " ".join(printable.split())[:SUBJECT_LENGTH].rstrip() or None


def bare(name: str) -> str:
    """A Message-ID without its brackets."""
    return name.removeprefix("<").removesuffix(">")


@lru_cache(maxsize=4096)
def topic_of(subject: str) -> str:
    """A subject line without the marks of answers, in any case and spacing; empty where nothing is left."""
    return " ".join(_REPLY_MARKS.sub("", subject).casefold().split())[:TOPIC_LENGTH]


def marked_as_answer(subject: str) -> bool:
    """Whether a subject line says that it answers, or hands on, another."""
    return _REPLY_MARKS.match(subject) is not None
