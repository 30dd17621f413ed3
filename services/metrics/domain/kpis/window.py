"""What happened in a window of days: all that a KPI is computed from."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from services.metrics.domain import gaps
from services.metrics.domain.buyers import customers, customers_since
from services.metrics.domain.cells import LEVELS
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.days import parts_of
from services.metrics.domain.lifecycle import Life

Days: TypeAlias = Mapping[int, Mapping[str, int]]
"""Day -> field -> count."""

_AS_SHIPPED = ChurnPolicy()


@dataclass(frozen=True)
class Window:
    """What happened in a window, summed."""

    fields: Mapping[str, int]
    customers: int
    """With at least one purchase in it."""
    repeat_customers: int
    """With two or more."""
    levels: Mapping[str, int] = field(default_factory=dict)
    """How each of ``LEVELS`` stands at its end."""
    life: Life = field(default_factory=Life)
    """What became of customers."""

    def level(self, field: str) -> int:
        """How a level stands at the window's end."""
        return self.levels.get(field, 0)

    def total(self, field: str) -> int:
        """The count of a field; 0 where nothing was counted."""
        return self.fields.get(field, 0)

    def buckets(self, prefix: str) -> Mapping[str, int]:
        """The counts of the fields that begin with the prefix, by what follows it."""
        found: dict[str, int] = {}
        for place in range(bisect_left(self._names, prefix), len(self._names)):
            name = self._names[place]
            if not name.startswith(prefix):
                break
            if n := self.fields[name]:
                found[name.removeprefix(prefix)] = n
        return found

    def latest(self, prefix: str) -> Mapping[str, int]:
        """The fields of the last of its days on which any was counted that begins with the prefix; none where
        there is no such day."""
        names, days = [prefix + rest for rest in self.buckets(prefix)], self.life.days
        for day in sorted(days, reverse=True) if names else ():
            if self.life.first <= day <= self.life.last:
                fields = summed({day: days[day]}, day, day)
                if any(fields.get(name) for name in names):
                    return fields
        return {}

    @cached_property
    def _names(self) -> list[str]:
        """Of the fields, in order: most KPIs ask for some that begin alike."""
        return sorted(self.fields)


def window(
    days: Days,
    levels: Mapping[str, int],
    *,
    first: int,
    last: int | None,
    one_channel: bool,
    today: int | None = None,
    policy: ChurnPolicy = _AS_SHIPPED,
    sums: Mapping[str, int] | None = None,
) -> Window:
    """The window from day ``first`` to ``last``, both included; without ``last``, until now, ``today``.

    ``levels``: as they stand now. With ``last``, ``days`` must reach until now and hold the fields of
    ``gaps.is_gap``. So they must, and begin ``policy.reach`` days before ``first``, for what becomes of
    customers. ``sums``: of all days from ``first`` on, where they are known.
    """
    chain = gaps.BY_CHANNEL if one_channel else gaps.ANY
    end = last if last is not None else today if today is not None else max(days, default=first)
    life = Life(days, first, end, chain, policy)
    if last is None:
        fields = summed(days, first, None) if sums is None else sums
        return Window(fields, *customers_since(fields, chain), levels, life)
    fields = summed(days, first, last) if sums is None else _less(sums, summed(days, last + 1, None))
    since = dict.fromkeys(LEVELS, 0)
    for day, counts in days.items():
        if day > last:
            for level in LEVELS:
                since[level] += counts.get(level, 0)
    stood = {level: levels.get(level, 0) - n for level, n in since.items()}
    return Window(fields, *customers(days, chain, first, last), stood, life)


def summed(days: Days, first: int, last: int | None) -> dict[str, int]:
    """Of the days ``first`` to ``last``, or from ``first`` on, what was counted in all (``is_summed``)."""
    fields: dict[str, int] = {}
    for day, counts in days.items():
        if day >= first and (last is None or day <= last):
            for part in parts_of(counts):
                for field, n in part.plain.items():
                    fields[field] = fields.get(field, 0) + n
    return fields


def _less(sums: Mapping[str, int], others: Mapping[str, int]) -> Mapping[str, int]:
    """Without some of it."""
    return {**sums, **{name: sums.get(name, 0) - n for name, n in others.items()}} if others else sums
