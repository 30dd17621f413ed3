"""A member's statement of one month: from what stood at its start to what stands at its end. Pure.

It goes by ``booked_at``, which never goes back from one ledger row to the next. So once anything is
booked after a month, no row can come into that month any more, and its statement stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.loyalty.domain.rows import Kind, LedgerRow

KINDS: tuple[Kind, ...] = ("earned", "redeemed", "expired", "reversed", "restored", "adjusted")


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in UTC: [start, end)."""

    name: str
    """Such as ``2027-03``."""
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Statement:
    """Always ``opening`` + the sum of ``movements`` = ``closing``."""

    opening: int
    """The balance when the month began; below 0: owed after a return."""
    movements: Mapping[Kind, int]
    """Signed points by kind of entry, for every kind."""
    closing: int
    entries: tuple[LedgerRow, ...]
    """The month's rows, oldest first."""


def month_of(time: datetime) -> Month:
    """The month that an aware time falls in."""
    utc = time.astimezone(UTC)
    return month_named(f"{utc:%Y-%m}")


def month_named(name: str) -> Month:
    """``2027-03`` as a month; a year from 1 to 9998. Raises ValueError for anything else."""
    year, number = int(name[:4]), int(name[5:])
    following = (year, number + 1) if number < 12 else (year + 1, 1)
    return Month(name, datetime(year, number, 1, tzinfo=UTC), datetime(*following, 1, tzinfo=UTC))


def statement(rows: Sequence[LedgerRow], month: Month) -> Statement:
    """The month's statement. ``rows``, oldest first: all of a member's, or at least those of the month and
    the last before it; with those that late timers have yet to write."""
    opening = 0
    entries: list[LedgerRow] = []
    movements = dict.fromkeys(KINDS, 0)
    for row in rows:
        if row.booked_at < month.start:
            opening = row.balance
        elif row.booked_at < month.end:
            entries.append(row)
            movements[row.kind] += row.points
    closing = entries[-1].balance if entries else opening
    return Statement(opening, movements, closing, tuple(entries))
