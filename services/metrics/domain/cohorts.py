"""Who came in which month, and who of them still buys: customers by the month of their first purchase.

A customer counts once in each month with a purchase, on its first day, by how many months after the first
such month it is. So a month's counts are the active customers of each cohort, and the first of each cohort
is its size.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from services.metrics.domain.cells import DayChange
from shared.schemas.times import date_of, day_number

COHORT = "cohort:"


@lru_cache(maxsize=4_096)
def month_of(day: int) -> int:
    """The month of a day (UTC), counted from the year 0."""
    date = date_of(day)
    return date.year * 12 + date.month - 1


@lru_cache(maxsize=1_024)
def first_day(month: int) -> int:
    """The first day of a month."""
    return day_number(date_of(0).replace(year=month // 12, month=month % 12 + 1, day=1))


def counted(months: Iterable[int], sign: int = 1) -> Iterator[DayChange]:
    """What a customer with purchases in these months counts as."""
    known = [*months]
    first = min(known, default=0)
    for month in known:
        yield first_day(month), f"{COHORT}{month - first}", sign


def changed(months: dict[int, int], month: int, n: int) -> list[DayChange]:
    """Count ``n`` purchases more in a month, in place; what that changes. None is kept of a month without."""
    before = months.get(month, 0)
    after = max(0, before + n)
    if not before and not after:
        return []
    if before and after:
        months[month] = after
        return []
    first = min(months) if months else month
    if before:
        if month == first:
            gone = [*counted(months, -1)]
            del months[month]
            return [*gone, *counted(months)]
        del months[month]
        return [(first_day(month), f"{COHORT}{month - first}", -1)]
    gone = [*counted(months, -1)] if month < first else []
    months[month] = after
    return [*gone, *counted(months)] if gone else [(first_day(month), f"{COHORT}{month - first}", 1)]


@dataclass(frozen=True, slots=True)
class Cohort:
    """The customers whose first purchase was in one month."""

    month: int
    active: tuple[int, ...]
    """How many of them bought in that month, the next, and so on until now; the first is all of them."""


def triangle(days: Mapping[int, Mapping[str, int]], first: int, last: int) -> list[Cohort]:
    """The cohorts of the months ``first`` to ``last``, the newest first; ``last`` is the month of now, and
    ``days`` holds the fields of each day since ``first``."""
    found: dict[int, list[int]] = {month: [0] * (last - month + 1) for month in range(first, last + 1)}
    for day, fields in days.items():
        for field, n in fields.items():
            if not field.startswith(COHORT):
                continue
            month, after = month_of(day), int(field.removeprefix(COHORT))
            if month <= last and month - after in found:
                found[month - after][after] += n
    return [Cohort(month, tuple(active)) for month, active in sorted(found.items(), reverse=True)]
