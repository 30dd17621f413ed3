"""What a record hands over to another, and how that goes into commands."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from zlib import compress, decompress

import msgspec
from msgspec.structs import replace

from services.metrics.domain.merging.joining import joined, part_of
from services.metrics.domain.parts import Edge
from services.metrics.domain.state import Customer, decode, encode
from services.metrics.domain.tracked import Tracked

PIECE_BYTES = 800_000
"""So many characters of it go into one command."""


class Handed(msgspec.Struct, array_like=True):
    """Some parts that go elsewhere. Until they are there, they count as they did where they come from."""

    own: str
    """The id under which they counted together."""
    told: bytes
    """What was told of them together, as a record: it says where they count."""
    parts: Mapping[str, bytes]
    absorbed: list[Edge] = []
    """Who of them came by which merge."""

    @property
    def record(self) -> Tracked:
        """What they count as."""
        return Tracked(joined(self.records, self.own, decode(self.told)))

    @property
    def records(self) -> dict[str, Customer]:
        """The parts."""
        return {name: decode(part) for name, part in self.parts.items()}


def handed(own: str, told: Customer, parts: Mapping[str, Tracked], absorbed: list[Edge]) -> Handed:
    """``told``: the record that they were in, or an empty one."""
    kept = Customer(looked=told.looked, given_up=told.given_up)
    return Handed(own, encode(kept), {name: encode(part.data) for name, part in parts.items()}, absorbed)


def pieces(told: Handed) -> list[str]:
    """As text of commands, piece by piece."""
    text = b64encode(compress(msgspec.msgpack.encode(told))).decode()
    return [text[n : n + PIECE_BYTES] for n in range(0, len(text), PIECE_BYTES)]


def whole(told: Mapping[int, bytes]) -> Handed:
    """What ``pieces`` made pieces of."""
    text = b"".join(piece for _, piece in sorted(told.items()))
    return msgspec.msgpack.decode(decompress(b64decode(text)), type=Handed)


def as_one(known: Customer, more: Customer) -> Customer:
    """What is known of one id, in two parts: it was told here and elsewhere."""
    record = joined({"": known, "more": more}, "", Customer())
    return replace(part_of(record), tier=known.tier or more.tier)
