"""Ids that are no longer in memory: sorted runs, cut into pages, each run behind a filter that is in memory.

A run never changes. Page n of a run with 2^b pages holds the hashes that begin with the b bits of n, so a
hash is looked for in one page; and only where the filter says that it may be there. Pages that were read
lately are kept, so many bytes of them.
"""

from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rbloom import Bloom

from services.metrics.journal.seen import ID_BYTES

PAGE_IDS = 4_096
"""A page is half as large to as large (32 KB): it is read whole for one id."""
FALSE_POSITIVES = 0.004
"""Of each run's filter, which then takes 11.5 bits an id. With the dozen runs of a partition of 25 million
ids one of twenty new events costs a look at a page; those of a batch are read together."""
PIECE_BYTES = 4 * 1024 * 1024
"""A filter is stored in pieces of so much."""
HASH_BITS = 64


class PageName(NamedTuple):
    """A page as it is stored."""

    run: str
    page: int


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run as its partition's ids are told of it."""

    id: str
    ids: int
    """How many."""

    @property
    def pages(self) -> int:
        """A power of two."""
        return 1 << self.bits

    @property
    def bits(self) -> int:
        return max(0, (self.ids - 1) // PAGE_IDS).bit_length()

    def page_of(self, h: int) -> int:
        return h >> (HASH_BITS - self.bits)


def empty_filter(ids: int) -> Bloom:
    """For so many ids. A hash is its own hash: stored filters do not depend on the interpreter."""
    return Bloom(max(1, ids), FALSE_POSITIVES, int)


def pieces(bloom: Bloom) -> list[bytes]:
    """The filter as it is stored."""
    data = bloom.save_bytes()
    return [data[start : start + PIECE_BYTES] for start in range(0, len(data), PIECE_BYTES)]


def joined(stored: Iterable[bytes]) -> Bloom:
    """The filter that ``pieces`` has cut."""
    return Bloom.load_bytes(b"".join(stored), int)


@dataclass(frozen=True, slots=True)
class Run:
    """A run in memory: its filter."""

    info: RunInfo
    filter: Bloom = field(compare=False)

    @property
    def bytes(self) -> int:
        return self.filter.size_in_bits // 8


def by_page(info: RunInfo, ids: Sequence[int], first: int, end: int) -> Iterator[tuple[int, "array[int]"]]:
    """Of sorted ids those of pages ``first`` to ``end`` (exclusive), page by page; an empty one too."""
    width = HASH_BITS - info.bits
    at = bisect_left(ids, first << width)
    for page in range(first, end):
        stop = bisect_left(ids, (page + 1) << width, at)
        yield page, array("Q", ids[at:stop])
        at = stop


class PageCache:
    """The pages read last, up to so many bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pages: OrderedDict[PageName, array[int]] = OrderedDict()
        self.bytes = 0

    def get(self, name: PageName) -> "array[int] | None":
        page = self._pages.get(name)
        if page is not None:
            self._pages.move_to_end(name)
        return page

    def put(self, pages: Mapping[PageName, "array[int]"]) -> None:
        for name, page in pages.items():
            self._take(self._pages.pop(name, None))
            self._pages[name] = page
            self.bytes += len(page) * ID_BYTES
        while self.bytes > self._limit and self._pages:
            self._take(self._pages.popitem(last=False)[1])

    def _take(self, page: "array[int] | None") -> None:
        if page is not None:
            self.bytes -= len(page) * ID_BYTES


def holds(page: Sequence[int], h: int) -> bool:
    at = bisect_left(page, h)
    return at < len(page) and page[at] == h
