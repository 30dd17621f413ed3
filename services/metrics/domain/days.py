"""A day's counts, kept with what they come to: nothing of a day that stays as it is is looked through twice.

A day is made of parts whose counts add up: what was there when it was read, and what changed since. All that
is told of a window is a sum over its days and their parts, so a write costs what it changes, and not what is
there.
"""

from bisect import bisect_right
from collections.abc import Callable, Hashable, ItemsView, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import accumulate
from typing import Protocol, TypeAlias, TypeVar, cast

from services.metrics.domain.gaps import FAR, HEADS, NEVER, TIED_HEADS

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

Days: TypeAlias = Mapping[int, Mapping[str, int]]
"""Day -> field -> count."""


class Counted(Protocol):
    """What a function tells of days, if that adds up over days and their parts: who keeps what it told needs
    to ask it of what changed alone. ``key`` names the function and what is bound to it."""

    def __call__(self, key: Hashable, count: Callable[[Days], Mapping[K, int]]) -> Mapping[K, int]: ...


def anew(days: Days) -> Counted:
    """Of all these days, each time; nothing is kept."""

    def counted(key: Hashable, count: Callable[[Days], Mapping[K, int]]) -> Mapping[K, int]:
        return count(days)

    return counted


Gaps = tuple[tuple[int, ...], tuple[int, ...]]
"""Purchases of a day by how many days later the next one came, or the one after it, ``gaps.FAR`` for none
that came: the gaps, in order, and for each how many purchases have that one or a longer one, with 0 at the
end. (Tuples, as the garbage collector does not walk those of numbers.)"""


def packed(counts: Mapping[int, int]) -> Gaps:
    """By gap, how many."""
    gaps = sorted(counts)
    more = [*accumulate((counts[gap] for gap in reversed(gaps)), initial=0)]
    return tuple(gaps), tuple(reversed(more))


def longer(gaps: Gaps, than: int) -> int:
    """Those whose gap is longer than so many days."""
    return gaps[1][bisect_right(gaps[0], than)]


_NOTHING: dict[str, int] = {}


class Part:
    """Counts of a day, none of them zero. They never change."""

    __slots__ = ("_kept", "gaps", "plain", "tied")

    def __init__(self, counts: Iterable[tuple[str, int]]) -> None:
        plain: dict[str, int] = {}
        tied: dict[str, int] = {}
        gaps: dict[str, dict[int, int]] = {}
        for name, n in counts:
            if not n:
                continue
            head = name[:2] if name[2:3] == ":" else ""
            if head in HEADS:
                gap = gap_of(name)
                gaps.setdefault(head, {})[gap] = n
                if gap == FAR:
                    plain[name] = n
            elif head in TIED_HEADS:
                tied[name] = n
            else:
                plain[name] = n
        self.plain, self.tied = plain, tied or _NOTHING
        """What windows add up, and what counts by complaints."""
        self.gaps = {head: packed(of_it) for head, of_it in gaps.items()}
        """By what their fields begin with."""
        self._kept: dict[Hashable, object] = {}

    def kept(self, key: Hashable, compute: Callable[["Part"], T]) -> T:
        """What follows from the counts, once computed. There must be few keys."""
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = compute(self)
        return cast(T, found)

    def counts(self) -> Iterator[tuple[str, int]]:
        """All of them, by field."""
        yield from self.plain.items()
        yield from self.tied.items()
        for head, (gaps, more) in self.gaps.items():
            for i, gap in enumerate(gaps):
                if gap != FAR:
                    yield f"{head}:{gap}", more[i] - more[i + 1]

    def __len__(self) -> int:
        return len(self.plain) + len(self.tied) + sum(len(gaps) for gaps, _ in self.gaps.values())


class Day(Mapping[str, int]):
    """Field -> count, of one part or of several; none is zero."""

    __slots__ = ("parts",)

    def __init__(self, *parts: Part) -> None:
        self.parts = parts

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> "Day":
        """Of one part."""
        return cls(Part(counts.items()))

    def merged(self) -> dict[str, int]:
        """All of it, as plain data."""
        if len(self.parts) == 1:
            return dict(self.parts[0].counts())
        total: dict[str, int] = {}
        for part in self.parts:
            for name, n in part.counts():
                total[name] = total.get(name, 0) + n
        return {name: n for name, n in total.items() if n}

    def __getitem__(self, name: str) -> int:
        if is_summed(name):
            n = sum(part.plain.get(name, 0) for part in self.parts)
            if not n:
                raise KeyError(name)
            return n
        return self.merged()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.merged())

    def __len__(self) -> int:
        return len(self.merged())

    def items(self) -> ItemsView[str, int]:
        return self.merged().items()


def parts_of(day: Mapping[str, int]) -> tuple[Part, ...]:
    """The parts of a day; of one that is plain data nothing is kept."""
    return day.parts if isinstance(day, Day) else (Part(day.items()),)


def parts_in(days: Days, first: int, last: int) -> Iterator[tuple[int, Part]]:
    """The parts of the days ``first`` to ``last``, as far as there are any."""
    for day in range(first, last + 1):
        if day in days:
            for part in parts_of(days[day]):
                yield day, part


def is_summed(name: str) -> bool:
    """Whether a window adds a field up: not one that counts purchases by what came after them, unless that is
    nothing."""
    head = name[:2] if name[2:3] == ":" else ""
    return (head not in HEADS or name.startswith(NEVER, 3)) and head not in TIED_HEADS


@lru_cache(maxsize=16_384)
def gap_of(name: str) -> int:
    """The gap that a field names."""
    return FAR if name.startswith(NEVER, 3) else int(name[3:])
