"""Names of two customers together, and apart again: packed as ``shared.facts.names`` has them."""

from collections.abc import Iterable, Iterator

from shared.facts.names import NAME_BYTES

KEY_BYTES = 8
DAY_BYTES = 2
CHUNK = 1000 * NAME_BYTES
"""Bytes of names that go in one piece."""


def together(one: bytes, other: bytes) -> bytes:
    """Names of both, in the order of the days on which they were heard; of a name in both the first."""
    known = {entry[:KEY_BYTES] for entry in _entries(one)}
    new = [entry for entry in _entries(other) if entry[:KEY_BYTES] not in known]
    if not new:
        return one
    both = [*_entries(one), *new]
    both.sort(key=_day)
    return b"".join(both)


def among(names: bytes, of: Iterable[bytes]) -> tuple[bytes, bytes]:
    """The names that are among those of others, and the rest."""
    theirs = {entry[:KEY_BYTES] for names_of in of for entry in _entries(names_of)}
    found = [entry for entry in _entries(names) if entry[:KEY_BYTES] in theirs]
    rest = [entry for entry in _entries(names) if entry[:KEY_BYTES] not in theirs]
    return b"".join(found), b"".join(rest)


def chunks(names: bytes) -> Iterator[bytes]:
    """In pieces of a size."""
    return (names[at : at + CHUNK] for at in range(0, len(names), CHUNK))


def _day(entry: bytes) -> bytes:
    return entry[-DAY_BYTES:]


def _entries(names: bytes) -> Iterator[bytes]:
    return (names[at : at + NAME_BYTES] for at in range(0, len(names), NAME_BYTES))
