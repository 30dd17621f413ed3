"""The names of what a customer's facts are about: an order told again under another event id is a copy.

Which fields name what is declared beside each event (``Data.thing``, ``Data.named_by``). A service keeps the
names it has heard of in the customer's state, 14 bytes each, for ``KEEP_DAYS`` at least.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from enum import Enum
from functools import cache
from hashlib import blake2b
from struct import Struct
from typing import Annotated, Any, NamedTuple, TypeAlias, get_args, get_origin
from zlib import crc32

from pydantic import BaseModel, BeforeValidator, PlainSerializer

from shared.facts.text import voucher_code
from shared.schemas.base import Data
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import micros

KEEP_DAYS = 800
"""A name is known for so long after it was heard."""

_ENTRY = Struct(">8s4sH")
NAME_BYTES = _ENTRY.size
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

    Two events say the same of it if the fields that their type declares are equal, at every depth; a
    voucher's code in any case, with spaces around it or without.
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
    return answer_key(data.survey, data.about.kind, data.about.id)


def answer_key(survey: str, kind: str, id: str) -> bytes:
    """The name of the place of answers to a survey about that thing."""
    return key("answer", survey, kind, id)


def heard(names: bytes, name: Name) -> Heard:
    """What ``names`` knows of it."""
    at = place_of(names, name.key, _DAY)
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
    at = place_of(names, name.key, _DAY)
    return names if at is None else names[:at] + names[at + _DAY :]


def joined(several: Sequence[bytes], size: int) -> bytes:
    """Packed entries of several ids that are one customer's, which begin as those of names do: of two of one
    name the one that was heard on an earlier day, or else stands first among ``several``."""
    filled: list[bytes] = [entries for entries in several if entries]
    if len(filled) < 2:
        return filled[0] if filled else b""
    found: dict[bytes, bytes] = {}
    for entries in filled:
        for start in range(0, len(entries), size):
            entry = entries[start : start + size]
            known = found.get(entry[:_KEY])
            if known is None or entry[_TOLD:_DAY] < known[_TOLD:_DAY]:
                found[entry[:_KEY]] = entry
    kept: list[bytes] = sorted(found.values(), key=_day)
    return b"".join(kept)


def _day(entry: bytes) -> bytes:
    return entry[_TOLD:_DAY]


def place_of(entries: bytes, key: bytes, size: int) -> int | None:
    """Where, of packed entries of ``size`` bytes, the one begins that begins with ``key``."""
    at = entries.find(key)
    while at >= 0:
        if at % size == 0:
            return at
        at = entries.find(key, at + 1)
    return None


def _hash(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=_KEY).digest()


def _declared(data: Data) -> bytes:
    """What the event says in the fields that its type declares, at every depth: as JSON."""
    if isinstance(data, PurchaseMade) and data.voucher_codes:
        codes = tuple(voucher_code(code) for code in data.voucher_codes)
        data = data.model_copy(update={"voucher_codes": codes})
    if not _adds(data):  # most often; quicker
        return data.__pydantic_serializer__.to_json(data)
    return data.__pydantic_serializer__.to_json(data, include=_fields(type(data)))


_Fields: TypeAlias = dict[str, Any]
"""Declared fields, as Pydantic's ``include`` takes them: True, or those within."""


@cache
def _fields(cls: type[BaseModel]) -> _Fields:
    return {name: _within(field.annotation) for name, field in cls.model_fields.items()}


def _within(kind: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _fields(kind)
    for part in get_args(kind):
        if (fields := _within(part)) is not True:
            return {"__all__": fields} if get_origin(kind) is tuple else fields
    return True


@cache
def _parts(cls: type[BaseModel]) -> tuple[tuple[str, bool], ...]:
    """The fields that hold models, and whether many."""
    return tuple((name, "__all__" in within) for name, within in _fields(cls).items() if within is not True)


def _adds(model: BaseModel) -> bool:
    """Whether its source added a field of its own, at any depth."""
    if model.__pydantic_extra__:
        return True
    values = model.__dict__
    for name, many in _parts(model.__class__):
        value = values[name]
        if any(map(_adds, value)) if many else value is not None and _adds(value):
            return True
    return False
