"""Which days a page tells of: a whole week or month that is over, or the last days up to now. Pure.

Days are numbers since 1970-01-01 (UTC). A figure is told of ``current``, beside ``before``, and drawn over
steps that are as long, so that the last point of a line is the figure; what is a level, such as open
complaints, is drawn over ``fine`` steps.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from shared.schemas.times import date_of, day_number

WEEKS, MONTHS = 12, 12
"""So many are drawn in a report."""
LAST_DAYS = (7, 30, 90, 365)
"""Of the live page."""
LONGEST = 730
"""Days that are read at most."""


@dataclass(frozen=True, slots=True)
class Span:
    """Days, both included."""

    first: int
    last: int

    @property
    def days(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        return words(date_of(self.first), date_of(self.last))


@dataclass(frozen=True, slots=True)
class Steps:
    """A stretch of time in steps, the oldest first."""

    spans: tuple[Span, ...]
    noun: str
    """What a step is: ``a day``."""


@dataclass(frozen=True, slots=True)
class Period:
    """What a page tells of."""

    name: str
    """``week``, ``month`` or ``30d``."""
    noun: str
    """``week``: "than in the week before"."""
    current: Span
    before: Span
    coarse: Steps
    fine: Steps
    live: bool = False
    """It ends now, so its last day is not over."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """All of which a figure must be known, each once; what is a level, of the fine steps too."""
        return tuple(dict.fromkeys((self.current, self.before, *self.coarse.spans)))

    @property
    def drawn(self) -> Span:
        """What charts reach over."""
        return Span(min(self.coarse.spans[0].first, self.fine.spans[0].first), self.current.last)


def week_before(day: date) -> Period:
    """The last week, Monday to Sunday, that was over when ``day`` began."""
    end = day_number(day - timedelta(days=day.weekday())) - 1
    return _whole("week", [Span(last - 6, last) for last in range(end - 7 * (WEEKS - 1), end + 1, 7)], 1)


def month_before(day: date) -> Period:
    """The last calendar month that was over when ``day`` began."""
    months: list[Span] = []
    start = day.replace(day=1)
    for _ in range(MONTHS):
        end = start - timedelta(days=1)
        start = end.replace(day=1)
        months.insert(0, Span(day_number(start), day_number(end)))
    return _whole("month", months, 7)


def last_days(days: int, today: int) -> Period:
    """The last days, of which ``today`` is one."""
    current = Span(today - days + 1, today)
    coarse = days if days <= LONGEST // 8 else 30
    reach = min(LONGEST, max(2 * days, 12 * coarse))
    fine = 1 if reach <= 100 else 7
    return Period(
        name=f"{days}d",
        noun=f"{days} days" if days > 1 else "day",
        current=current,
        before=Span(current.first - days, current.first - 1),
        coarse=_steps(today, coarse, reach),
        fine=_steps(today, fine, reach),
        live=True,
    )


def _whole(noun: str, spans: list[Span], step: int) -> Period:
    last = spans[-1].last
    fine = _steps(last, step, last - spans[0].first + 1)
    return Period(noun, noun, spans[-1], spans[-2], Steps(tuple(spans), f"a {noun}"), fine)


def _steps(last: int, step: int, reach: int) -> Steps:
    spans = tuple(_back(last, step, reach))[::-1]
    return Steps(spans, {1: "a day", 7: "a week"}.get(step, f"{step} days"))


def _back(last: int, step: int, reach: int) -> Iterator[Span]:
    for end in range(last, last - reach + step - 1, -step):
        yield Span(end - step + 1, end)


def words(first: date, last: date) -> str:
    """``16 to 22 November 2026``; a whole month is ``November 2026``."""
    if (
        first.day == 1
        and (last + timedelta(days=1)).day == 1
        and (first.year, first.month) == (last.year, last.month)
    ):
        return f"{first:%B %Y}"
    if first == last:
        return long_day(last)
    if first.year != last.year:
        return f"{long_day(first)} to {long_day(last)}"
    if first.month != last.month:
        return f"{first.day} {first:%B} to {long_day(last)}"
    return f"{first.day} to {long_day(last)}"


def long_day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def short_day(day: date, *, year: bool) -> str:
    return f"{day.day} {day:%b}{f' {day.year}' if year else ''}"
