"""What happened in a window of days: all that a KPI is computed from."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from services.metrics.domain import gaps
from services.metrics.domain.buyers import customers, customers_since
from services.metrics.domain.cells import LEVELS
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.days import Counted, Days, anew, parts_of
from services.metrics.domain.lifecycle import Life

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
    counted: Counted | None = None,
) -> Window:
    """The window from day ``first`` to ``last``, both included; without ``last``, until now, ``today``.

    ``levels``: as they stand now. With ``last``, ``days`` must reach until now and hold the fields of
    ``gaps.is_gap``. So they must, and begin ``policy.reach`` days before ``first``, for what becomes of
    customers. ``counted``: of these days, where something of them is kept, by this policy.
    """
    chain = gaps.BY_CHANNEL if one_channel else gaps.ANY
    end = last if last is not None else today if today is not None else max(days, default=first)
    counted = counted or anew(days)
    life = Life(days, first, end, chain, policy, counted)
    fields = counted(("summed", first, last), lambda days: summed(days, first, last))
    if last is None:
        return Window(fields, *customers_since(fields, chain), levels, life)
    since = counted(("levels", last), lambda days: _levels(days, last + 1))
    bought = counted(
        ("customers", first, last, chain),
        lambda days: dict(zip(("all", "again"), customers(days, chain, first, last), strict=True)),
    )
    stood = {level: levels.get(level, 0) - since.get(level, 0) for level in LEVELS}
    return Window(fields, bought.get("all", 0), bought.get("again", 0), stood, life)


def summed(days: Days, first: int, last: int | None) -> dict[str, int]:
    """Of the days ``first`` to ``last``, or from ``first`` on, what was counted in all (``is_summed``)."""
    fields: dict[str, int] = {}
    for day, counts in days.items():
        if day >= first and (last is None or day <= last):
            for part in parts_of(counts):
                for field, n in part.plain.items():
                    fields[field] = fields.get(field, 0) + n
    return fields


def _levels(days: Days, first: int) -> dict[str, int]:
    """By how much levels moved from day ``first`` on."""
    later = [counts for day, counts in days.items() if day >= first]
    return {level: sum(counts.get(level, 0) for counts in later) for level in LEVELS}
