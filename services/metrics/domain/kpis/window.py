"""What happened in a window of days: all that a KPI is computed from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from services.metrics.domain import gaps
from services.metrics.domain.cells import OPEN

Days: TypeAlias = Mapping[int, Mapping[str, int]]
"""Day -> field -> count."""


@dataclass(frozen=True, slots=True)
class Window:
    """What happened in a window, summed."""

    fields: Mapping[str, int]
    open_complaints: int
    """Open at its end."""
    customers: int
    """With at least one purchase in it."""
    repeat_customers: int
    """With two or more."""

    def total(self, field: str) -> int:
        """The count of a field; 0 where nothing was counted."""
        return self.fields.get(field, 0)

    def buckets(self, prefix: str) -> Mapping[str, int]:
        """The counts of the fields that begin with the prefix, by what follows it."""
        return {f.removeprefix(prefix): n for f, n in self.fields.items() if n and f.startswith(prefix)}


def window(days: Days, open_now: int, *, first: int, last: int | None, one_channel: bool) -> Window:
    """The window from day ``first`` to ``last``, both included; without ``last``, until now.

    With ``last``, ``days`` must reach until now and hold the fields of ``gaps.is_gap``.
    """
    fields: dict[str, int] = {}
    opened_since = 0
    for day, counts in days.items():
        if last is not None and day > last:
            opened_since += counts.get(OPEN, 0)
        elif day >= first:
            for field, n in counts.items():
                fields[field] = fields.get(field, 0) + n
    chain = gaps.BY_CHANNEL if one_channel else gaps.ANY
    found, repeat = gaps.customers(days, chain, first, last)
    return Window(fields, open_now - opened_since, found, repeat)
