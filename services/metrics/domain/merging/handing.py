"""What a record hands over to another, and how that goes into commands.

It goes as one text, cut into pieces: until all of them have come nothing changes where they come to, and what
is under way counts as it did where it came from.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256
from zlib import compress, decompress

import msgspec
from msgspec.structs import replace

from services.metrics.domain.merging.joining import joined, part_of
from services.metrics.domain.state import Customer, decode, encode
from services.metrics.domain.tracked import Tracked
from shared.schemas.base import Frozen

PIECE = 250_000
"""So many characters of the text are in a piece."""


class Handed(Frozen):
    """As commands have it (``shared.merging.course``)."""

    pieces: tuple[str, ...] = ()
    """Each ``<name>:<number>:<of>:<text>``; the name tells the text from others."""


class Going(msgspec.Struct, array_like=True):
    """Some parts that go elsewhere."""

    own: str
    """The id under which they counted together."""
    told: bytes
    """What was told of them together, as a record: it says where they count."""
    parts: Mapping[str, bytes]

    @property
    def record(self) -> Tracked:
        """What they count as."""
        return Tracked(joined(self.records, self.own, decode(self.told)))

    @property
    def records(self) -> dict[str, Customer]:
        """The parts."""
        return {name: decode(part) for name, part in self.parts.items()}


def going(own: str, told: Customer, parts: Mapping[str, Tracked]) -> Going:
    """``told``: the record that they were in, or an empty one."""
    kept = Customer(looked=told.looked, given_up=told.given_up)
    return Going(own, encode(kept), {name: encode(part.data) for name, part in parts.items()})


def cut(told: Going, most: int = PIECE) -> Handed:
    """In pieces of so many characters at most."""
    text = b64encode(compress(msgspec.msgpack.encode(told))).decode()
    name = sha256(text.encode()).hexdigest()[:32]
    of = -(-len(text) // most)
    return Handed(pieces=tuple(f"{name}:{n}:{of}:{text[n * most : (n + 1) * most]}" for n in range(of)))


def arrived(pending: dict[str, dict[int, str]], told: Handed) -> list[Going]:
    """What is whole with these pieces; the others wait in ``pending``, which is changed."""
    found = []
    for piece in told.pieces:
        name, number, of, text = piece.split(":", 3)
        there = pending.setdefault(name, {})
        there[int(number)] = text
        if len(there) == int(of):
            del pending[name]
            whole = "".join(there[n] for n in range(int(of)))
            found.append(msgspec.msgpack.decode(decompress(b64decode(whole)), type=Going))
    return found


def as_one(known: Customer, more: Customer) -> Customer:
    """What is known of one id, in two parts: it was told here and elsewhere."""
    record = joined({"": known, "more": more}, "", Customer())
    return replace(part_of(record), tier=known.tier or more.tier)
