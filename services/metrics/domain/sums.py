"""Days summed over partitions and over what was selected, kept from one reading to the next.

What the worker folds into the days is read once. After that each fold is read by itself, as what it changed,
and what is not folded yet is added anew each time: so a reading costs what was written since, however many
days there are.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from services.metrics.domain.cells import LEVELS, Cell, DayChange
from services.metrics.domain.days import Day, K, Part
from services.metrics.domain.days import Days as AnyDays
from services.metrics.domain.gaps import is_gap

Days: TypeAlias = dict[int, dict[str, int]]
"""Day -> field -> count."""
Versions: TypeAlias = tuple[tuple[int, int], ...]
"""How often each partition was written."""
ByPlace: TypeAlias = Mapping[str, Sequence[DayChange]]
"""Changes of days, by place."""

KEPT_COUNTS = 40
"""So much is kept that was counted: five functions of eight windows."""
SHARE = 4
"""What changed of a day is put into what was there once it is more than one part of so many of that."""


def by_place(cells: Mapping[Cell, int]) -> ByPlace:
    """Cells, place by place."""
    found: dict[str, list[DayChange]] = {}
    for (day, place, name), n in cells.items():
        found.setdefault(place, []).append((day, name, n))
    return found


def days_in(changes: Iterable[ByPlace]) -> set[int]:
    """The days that are changed."""
    return {day for places in changes for some in places.values() for day, _, _ in some}


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands of all partitions beside the days."""

    versions: Versions = ()
    folds: Mapping[int, int] = field(default_factory=dict)
    """How often each was folded."""
    tails: Sequence[ByPlace] = ()
    levels: Sequence[Mapping[str, Mapping[str, int]]] = ()
    """Of each: level -> place -> sum."""

    def levels_of(self, chosen: Callable[[str], bool]) -> dict[str, int]:
        """How each level stands now in the places chosen."""
        total = dict.fromkeys(LEVELS, 0)
        for levels in self.levels:
            for level, places in levels.items():
                total[level] += sum(n for place, n in places.items() if chosen(place))
        for tail in self.tails:
            for place, changes in tail.items():
                if chosen(place):
                    for _, name, n in changes:
                        if name in total:
                            total[name] += n
        return total


@dataclass(slots=True)
class Sums:
    """The days from ``first`` on, of the places chosen, as they were after so many folds."""

    first: int
    chosen: Callable[[str], bool]
    gaps: bool = True
    """With the fields of ``gaps.is_gap``."""
    folds: Mapping[int, int] = field(default_factory=dict)
    days: dict[int, Day] = field(default_factory=dict)
    """What is folded: what was read, and perhaps what was folded since."""
    versions: Versions = ()
    """At which ``with_tails`` are right; of nothing before there are any."""
    with_tails: Mapping[int, Day] = field(default_factory=dict)
    levels: Mapping[str, int] = field(default_factory=dict)
    _counted: dict[Hashable, tuple[Callable[[AnyDays], Mapping[Any, int]], dict[Any, int]]] = field(
        default_factory=dict
    )
    """What functions tell of what is folded."""
    _tails: dict[int, dict[str, int]] = field(default_factory=dict)
    _unfolded: dict[int, Day] = field(default_factory=dict)
    """What is not folded, by day; ``with_tails`` has it."""

    @classmethod
    def read(
        cls, first: int, chosen: Callable[[str], bool], gaps: bool, folds: Mapping[int, int], days: Days
    ) -> "Sums":
        """Of days as they were read; ``stand`` must follow."""
        kept = {day: Day.of(fields) for day, fields in days.items() if any(fields.values())}
        return cls(first, chosen, gaps, folds, kept)

    def counted(self, key: Hashable, count: Callable[[AnyDays], Mapping[K, int]]) -> dict[K, int]:
        """``days.Counted`` of the days with what is not folded; none is zero. Of all days it is asked once,
        then of what changed."""
        _, folded = self._counted.pop(key, (count, None))
        if folded is None:
            folded = dict(count(self.days))
        while len(self._counted) >= KEPT_COUNTS:
            del self._counted[next(iter(self._counted))]
        self._counted[key] = count, folded
        total = dict(folded)
        _add(total, count(self._unfolded).items())
        return {name: n for name, n in total.items() if n}

    def fold(self, folded: Iterable[ByPlace], folds: Mapping[int, int]) -> None:
        """Add what was folded since; ``stand`` must follow."""
        changed = self._as_days(self._chosen(folded))
        for count, total in self._counted.values():
            _add(total, count(changed).items())
        for day, changes in changed.items():
            base, *later = self.days[day].parts if day in self.days else (Part(()),)
            changes = Day(*later, *changes.parts)
            if len(changes.parts) > 1:
                changes = Day.of(changes.merged())
            after = Day(base, *changes.parts)
            self.days[day] = after if len(changes.parts[0]) * SHARE < len(base) else Day.of(after.merged())
        self.folds = folds

    def stand(self, standing: Standing) -> None:
        """Add what is not folded."""
        tails, days = self._chosen(standing.tails), dict(self.days)
        self._tails, self._unfolded = tails, self._as_days(tails)
        for day, tail in self._unfolded.items():
            days[day] = Day(*days[day].parts, *tail.parts) if day in days else tail
        self.with_tails = days
        self.levels, self.versions = standing.levels_of(self.chosen), standing.versions

    def _as_days(self, changes: Mapping[int, dict[str, int]]) -> dict[int, Day]:
        """Changes of days: as they stood, if they are those of then, as they mostly are, since little is
        written at once."""
        before, tails = self._unfolded, self._tails
        return {day: before[day] if tails.get(day) == of else Day.of(of) for day, of in changes.items()}

    def _chosen(self, changes: Iterable[ByPlace]) -> dict[int, dict[str, int]]:
        """What of these is chosen, by day."""
        found: dict[int, dict[str, int]] = {}
        for of_one in changes:
            for place, some in of_one.items():
                if not self.chosen(place):
                    continue
                for day, name, n in some:
                    if day >= self.first and (self.gaps or not is_gap(name)):
                        fields = found.setdefault(day, {})
                        fields[name] = fields.get(name, 0) + n
        return found


def _add(total: dict[K, int], counts: Iterable[tuple[K, int]]) -> None:
    for name, n in counts:
        total[name] = total.get(name, 0) + n
