"""Days summed over partitions and over what was selected, kept from one reading to the next.

What the worker folds into the days is read once, and again only for the days that were folded into since:
each partition's document says which these are. What is not folded yet is added anew each time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from services.metrics.domain.cells import LEVELS, DayChange, Delta

Days: TypeAlias = dict[int, dict[str, int]]
"""Day -> field -> count. A day's counts are replaced, never changed."""
KEPT_WINDOWS = 8
Versions: TypeAlias = tuple[tuple[int, int], ...]
"""How often each partition was written."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands of all partitions beside the days."""

    versions: Versions = ()
    folds: Mapping[int, int] = field(default_factory=dict)
    """How often each was folded."""
    folded: Mapping[int, Sequence[Sequence[int] | None]] = field(default_factory=dict)
    """Of each the days of its last folds, the newest last; None for too many."""
    tails: Sequence[Delta] = ()
    levels: Sequence[Mapping[str, Mapping[str, int]]] = ()
    """Of each: level -> place -> sum."""

    def folded_since(self, folds: Mapping[int, int]) -> set[int] | None:
        """The days folded into since; None where that is not known."""
        days: set[int] = set()
        for partition, count in self.folds.items():
            new = count - folds.get(partition, 0)
            last = self.folded[partition][-new:] if new else ()
            if len(last) != new:
                return None
            for some in last:
                if some is None:
                    return None
                days.update(some)
        return days

    def levels_of(self, chosen: Callable[[str], bool]) -> dict[str, int]:
        """How each level stands now in the places chosen."""
        total = dict.fromkeys(LEVELS, 0)
        for levels in self.levels:
            for level, by_place in levels.items():
                total[level] += sum(n for place, n in by_place.items() if chosen(place))
        for tail in self.tails:
            for (_, place, name), n in tail.items():
                if name in total and chosen(place):
                    total[name] += n
        return total


@dataclass(slots=True)
class Sums:
    """The days from ``first`` on, of one selection, as they were after so many folds."""

    first: int
    folds: Mapping[int, int] = field(default_factory=dict)
    days: Days = field(default_factory=dict)
    versions: Versions | None = None
    """At which ``with_tails`` are right; None before there are any."""
    with_tails: Days = field(default_factory=dict)
    levels: Mapping[str, int] = field(default_factory=dict)
    _folded: dict[int, dict[str, int]] = field(default_factory=dict)
    """Of the windows from some days on until now: the sums of what is folded."""
    _changes: Sequence[DayChange] = ()
    """What is not folded."""

    def since(self, first: int) -> dict[str, int]:
        """The sums from day ``first`` on, of all fields."""
        folded = self._folded.get(first)
        if folded is None:
            folded = {}
            for day, fields in self.days.items():
                if day >= first:
                    _add(folded, fields, 1)
            while len(self._folded) >= KEPT_WINDOWS:
                del self._folded[next(iter(self._folded))]
            self._folded[first] = folded
        total = dict(folded)
        for day, name, n in self._changes:
            if day >= first:
                total[name] = total.get(name, 0) + n
        return total

    def replace(self, days: Iterable[int] | None, read: Days, folds: Mapping[int, int]) -> None:
        """Put what was read in the place of some days; of all for None. ``stand`` must follow: until then
        nothing is right, as what was folded is in the days and in the tail."""
        self.versions = None
        if days is None:
            self.days, self._folded = read, {}
        for day in days or ():
            before, after = self.days.pop(day, {}), read.get(day, {})
            if after:
                self.days[day] = after
            for first, total in self._folded.items():
                if day >= first:
                    _add(total, before, -1)
                    _add(total, after, 1)
        self.folds = folds

    def stand(self, standing: Standing, chosen: Callable[[str], bool]) -> None:
        """Add what is not folded."""
        days = dict(self.days)
        self._changes = [
            (day, name, n)
            for tail in standing.tails
            for (day, place, name), n in tail.items()
            if day >= self.first and chosen(place)
        ]
        for day in {day for day, _, _ in self._changes}:
            days[day] = dict(days.get(day, {}))
        for day, name, n in self._changes:
            days[day][name] = days[day].get(name, 0) + n
        self.with_tails, self.levels = days, standing.levels_of(chosen)
        self.versions = standing.versions


def _add(total: dict[str, int], fields: Mapping[str, int], sign: int) -> None:
    for name, n in fields.items():
        total[name] = total.get(name, 0) + sign * n
