"""Tiers: who holds which from when to when. Periods are [start, end), without gaps, by time."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Literal

from services.loyalty.domain.account.book import Book
from services.loyalty.domain.membership import Period
from services.loyalty.domain.program.program import Program
from services.loyalty.domain.state import Order
from shared.schemas.base import Money
from shared.schemas.loyalty import TierAtRisk, TierChanged
from shared.schemas.times import DAY, Micros, moment


def spend(orders: Sequence[Order], after: Micros, until: Micros) -> int:
    """Net spend in (after, until], in minor units of the program's currency. ``orders`` by time."""
    # Most often all orders count: the latest asks, and the first is not that old.
    if orders and orders[-1].at > until:
        orders = orders[: bisect_right(orders, until, key=_time)]
    if orders and orders[0].at <= after:
        orders = orders[bisect_right(orders, after, key=_time) :]
    return sum(map(_spent, orders))


def tier_at(periods: Sequence[Period], at: Micros, program: Program) -> str:
    """The tier held at an instant as now known; before the first period, the lowest."""
    for period in reversed(periods):
        if period.start <= at and (period.end is None or at < period.end):
            return period.tier
    return program.tiers[0].name


def due(book: Book) -> Micros | None:
    """When the current tier is next to be judged: its warning, then its end."""
    period = book.periods[-1] if book.periods else None
    if period is None or period.end is None:
        return None
    warning = book.program(period.end).at_risk_days * DAY
    return period.end if period.warned or not warning else period.end - warning


def judge(book: Book, at: Micros) -> None:
    """What ``due`` announced for ``at``: a warning where one is called for, or the tier's end."""
    period = book.periods[-1]
    assert period.end is not None
    program = book.program(period.end)
    window = program.tier_days * DAY
    counted = spend(book.orders, period.end - window, period.end)
    rank = program.rank(period.tier)
    if program.at_risk_days and not period.warned:
        book.periods[-1] = replace(period, warned=True)
        missing = program.tiers[rank].spend - counted
        if missing > 0:
            book.emit(
                TierAtRisk(
                    tier=period.tier,
                    ends_at=moment(period.end),
                    spend_needed=Money(amount=missing, currency=program.currency),
                ),
                at,
            )
        return
    # Held again while the spend still reaches it; else what the spend supports, for as long.
    held = min(rank, program.supported(counted))
    book.periods.append(_period(program, held, period.end))
    _announce(book, period.tier, period.end)


def upgrade(book: Book, at: Micros) -> None:
    """Raise the tier at ``at`` if the spend up to then, as now known, reaches a higher one."""
    program = book.program(at)
    held = program.rank(tier_at(book.periods, at, program))
    if held == len(program.tiers) - 1:
        return
    reached = program.supported(spend(book.orders, at - program.tier_days * DAY, at))
    if reached > held:
        before = book.periods[-1].tier
        book.periods = raised(book.periods, reached, at, book.at, program)
        _announce(book, before, at)


def adopt(book: Book, period: Period) -> None:
    """This tier is held from its start on, whatever was held then."""
    before = book.periods[-1].tier
    book.periods = [*(_cut(p, period.start) for p in book.periods if p.start < period.start), period]
    _announce(book, before, period.start)


def raised(
    periods: Sequence[Period], rank: int, start: Micros, now: Micros, program: Program
) -> list[Period]:
    """The periods with this tier from ``start``, for a purchase that may be late.

    It lasts its own days, or to the next period that is as high or higher. What comes after an end
    that lies in the past stays as it was judged; after one still to come it will be judged then.
    """
    new = _period(program, rank, start)
    rival = next((p for p in periods if p.start > start and program.rank(p.tier) >= rank), None)
    if rival is not None and (new.end is None or rival.start < new.end):
        new = replace(new, end=rival.start)
    before = [_cut(p, start) for p in periods if p.start < start]
    if new.end is None or (new.end > now and (rival is None or rival.start != new.end)):
        return [*before, new]
    end = new.end
    after = [p if p.start >= end else replace(p, start=end) for p in periods if p.end is None or p.end > end]
    return [*before, new, *after]


def _period(program: Program, rank: int, start: Micros) -> Period:
    # The lowest tier is everybody's and has no end.
    end = start + program.tier_days * DAY if rank else None
    return Period(tier=program.tiers[rank].name, start=start, end=end)


def _cut(period: Period, end: Micros) -> Period:
    return period if period.end is not None and period.end <= end else replace(period, end=end)


def _announce(book: Book, before: str, at: Micros) -> None:
    now, rank = book.periods[-1].tier, book.program(at).rank
    if now != before:
        direction: Literal["up", "down"] = "up" if rank(now) > rank(before) else "down"
        book.emit(TierChanged(from_=before, to=now, direction=direction), at)


def _time(order: Order) -> Micros:
    return order.at


_spent = attrgetter("spend")
