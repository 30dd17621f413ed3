"""The names of what a customer's facts are about: an order told again under another event id is a copy.

Which fields name what is declared beside each event (``Data.thing``, ``Data.named_by``). A service keeps the
names it has heard of in the customer's state, 14 bytes each, for ``KEEP_DAYS`` at least.
"""

from base64 import b64decode, b64encode
from enum import Enum
from hashlib import blake2b
from struct import Struct
from typing import Annotated, Any, NamedTuple
from zlib import crc32

from pydantic import BeforeValidator, PlainSerializer

from shared.schemas.base import Data
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.times import micros

KEEP_DAYS = 800
"""A name is known for so long after it was heard."""

_ENTRY = Struct(">8s4sH")
_KEY, _TOLD, _DAY = 8, 12, 14
"""Where the parts of an entry end: the name's hash, that of what was told of it, the day it was heard."""


def _read(value: Any) -> Any:
    return b64decode(value) if isinstance(value, str) else value


Packed = Annotated[
    bytes, BeforeValidator(_read), PlainSerializer(lambda names: b64encode(names).decode(), when_used="json")
]
"""Entries of one size, one after the other; in JSON as base64."""
Names = Packed
"""Names in the order in which they were heard (19 characters a name in JSON)."""


class Name(NamedTuple):
    """The name of one thing, and what one event says of it, both as hashes."""

    thing: str
    key: bytes
    told: bytes


class Heard(Enum):
    """Whether a customer's thing is known."""

    NEW = "new"
    SAME = "same"
    """Told before, with the same data."""
    OTHER = "other"
    """Told before, with other data: the first holds."""


_NEW = Heard.NEW  # looking it up takes longer than looking for a name


def name_of(event: Event) -> Name | None:
    """What the event is about; None where that has no name of its own.

    Two events say the same of it if the fields that their type declares are equal.
    """
    data = event.data
    if not data.thing:
        return None
    name = data.thing
    for field in data.named_by:
        name += f"\0{micros(event.time) if field == 'time' else getattr(data, field)}"
    # A checksum is enough to tell a copy from a correction, and every order waits for it.
    told = crc32(_declared(data)).to_bytes(4)
    return Name(data.thing, _hash(name), told)


def key(thing: str, *parts: str) -> bytes:
    """The hash that stands for a name: the thing and the values that name it."""
    return _hash("\0".join((thing, *parts)))


def answer_of(data: SurveyAnswered) -> bytes | None:
    """The name of an answer's place: of two answers to one survey about one thing the later event time holds.
    None for an answer about nothing in particular, which stands alone."""
    if data.about is None:
        return None
    return key("answer", data.survey, data.about.kind, data.about.id)


def heard(names: bytes, name: Name) -> Heard:
    """What ``names`` knows of it."""
    at = _find(names, name.key)
    if at is None:
        return _NEW
    return Heard.SAME if names[at + _KEY : at + _TOLD] == name.told else Heard.OTHER


def with_name(names: bytes, name: Name, day: int) -> bytes:
    """With one more, heard on ``day`` (counted from 1970), and without those heard too long before it."""
    start = 0
    while start < len(names) and int.from_bytes(names[start + _TOLD : start + _DAY]) < day - KEEP_DAYS:
        start += _DAY
    return names[start:] + _ENTRY.pack(name.key, name.told, day)


def without_name(names: bytes, name: Name) -> bytes:
    """As if it was never heard: what was accepted first was refused later."""
    at = _find(names, name.key)
    return names if at is None else names[:at] + names[at + _DAY :]


def _find(names: bytes, key: bytes) -> int | None:
    at = names.find(key)
    while at >= 0:
        if at % _DAY == 0:
            return at
        at = names.find(key, at + 1)
    return None


def _hash(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=_KEY).digest()


def _declared(data: Data) -> bytes:
    if not data.__pydantic_extra__:  # most often; quicker
        return data.__pydantic_serializer__.to_json(data)
    return data.__pydantic_serializer__.to_json(data, include=set(type(data).model_fields))
