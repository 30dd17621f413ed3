"""The newest ids of events that have taken effect, in memory: eight bytes each. The older ones: ``runs``.

An id is stored as a 64-bit hash. The chance that a new event meets one of a hundred million others and
is taken for a duplicate is 5e-12.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

ID_BYTES = 8
_SHIFT = 52
_BUCKETS = 1 << (64 - _SHIFT)

FAN_OUT = 32
CHUNK_IDS = 500_000
"""Chunks are merged up to about so many ids (4 MB)."""


def event_hash(uid: str) -> int:
    """The hash of an event's source and id."""
    return int.from_bytes(
        blake2b(uid.encode("utf-8", "surrogatepass"), digest_size=ID_BYTES).digest(), "little"
    )


def pack(ids: Sequence[int]) -> bytes:
    """Ids as bytes, little-endian."""
    packed = array("Q", ids)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack(data: bytes) -> "array[int]":
    ids = array("Q")
    ids.frombytes(data)
    if sys.byteorder == "big":
        ids.byteswap()
    return ids


class IdSet:
    """A set of hashes in little more than eight bytes each: sorted runs, chosen by the top bits."""

    def __init__(self) -> None:
        self._runs = [array("Q") for _ in range(_BUCKETS)]

    def __contains__(self, h: int) -> bool:
        run = self._runs[h >> _SHIFT]
        at = bisect_left(run, h)
        return at < len(run) and run[at] == h

    def add(self, h: int) -> bool:
        """Add it; False if it was there."""
        run = self._runs[h >> _SHIFT]
        at = bisect_left(run, h)
        if at < len(run) and run[at] == h:
            return False
        run.insert(at, h)
        return True

    def load(self, data: bytes) -> None:
        """Take in packed ids. Call ``sort`` after the last of them, before anything else."""
        runs = self._runs
        for h in unpack(data):
            runs[h >> _SHIFT].append(h)

    def sort(self) -> None:
        self._runs = [array("Q", sorted(run)) for run in self._runs]

    def remove(self, ids: Iterable[int]) -> Iterator[None]:
        """Take these out, those that are there; it yields now and then, so that millions hold up nobody."""
        gone: dict[int, set[int]] = {}
        for h in ids:
            gone.setdefault(h >> _SHIFT, set()).add(h)
        for n, (bucket, hashes) in enumerate(gone.items(), 1):
            self._runs[bucket] = array("Q", [h for h in self._runs[bucket] if h not in hashes])
            if n % 256 == 0:  # about 5 ms
                yield

    def __len__(self) -> int:
        return sum(len(run) for run in self._runs)

    @property
    def bytes(self) -> int:
        """What it takes in memory, about: an array grows by an eighth at a time."""
        return len(self) * (ID_BYTES + 1) + _BUCKETS * 72


@dataclass(frozen=True, slots=True)
class Chunk:
    """Ids as they were folded, stored in no order; all of its partition's are in memory."""

    number: int
    ids: int
    """How many."""


def to_merge(chunks: Sequence[Chunk]) -> tuple[Chunk, ...]:
    """The chunks to make one of: the first of ``FAN_OUT`` of about the same size, or none.

    So each id is rewritten once for each factor of 32 that the set has grown by.
    """
    tiers: dict[int, list[Chunk]] = {}
    for chunk in chunks:
        if chunk.ids * FAN_OUT <= CHUNK_IDS:
            tier = tiers.setdefault(chunk.ids.bit_length() // FAN_OUT.bit_length(), [])
            tier.append(chunk)
            if len(tier) == FAN_OUT:
                return tuple(tier)
    return ()
