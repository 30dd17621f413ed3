"""What the points in members' hands are worth, and what of that is likely to be asked for. Pure, exact.

Points are an obligation until they are redeemed or expire. Some never are redeemed: IFRS 15, B44 to B47,
calls these unexercised rights *breakage*, and lets a program that expects it count it in proportion to
the rights that customers do exercise. This is an estimate for that purpose, not the accounting itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Literal

from services.loyalty.domain.program.program import Program

LEAST_SETTLED = 1_000
"""Points that must have been redeemed or have expired before their shares say more than the program's
assumption. A young program's history leans to redemption, since nothing can expire in its first days: the
cost is then estimated too high and not too low."""

Source = Literal["history", "program"]


@dataclass(frozen=True, slots=True)
class MonthDue:
    """Points that expire in a month (UTC)."""

    month: str
    points: int
    pending: int
    money: int
    """Of ``points``, in minor units, rounded down: the months may come to less than their total."""


@dataclass(frozen=True, slots=True)
class Breakage:
    """The part of what is outstanding that is expected never to be redeemed."""

    rate: Fraction
    source: Source
    settled: int
    """Points redeemed for good or expired so far."""
    points: int
    """Rounded down, so that the cost is not taken for too little."""
    money: int


@dataclass(frozen=True, slots=True)
class Liability:
    """Money in minor units of the program's currency."""

    outstanding: int
    """Points that members can spend."""
    pending: int
    """Earned, but not to be spent yet; without a value here, as returns may still take them."""
    owed: int
    """Points that members owe after returns. Not netted: they are other members' than those outstanding."""
    months: tuple[MonthDue, ...]
    """By month, without empty ones."""
    money: int
    """Of ``outstanding``, rounded down."""
    breakage: Breakage
    expected_cost: int
    """``money`` less the breakage's."""


def liability(
    months: Mapping[str, Mapping[str, int]], totals: Mapping[str, int], program: Program
) -> Liability:
    """The program's liability. ``months``: ``2027-03`` -> {outstanding, pending}; ``totals``: signed points
    by kind of entry, and ``debt``; both summed over partitions (see ``closing``).

    A month that is over stands here until the timers of its lots have fired.
    """
    value = Fraction(program.point_value)
    due = tuple(
        _month(name, fields, value) for name, fields in sorted(months.items()) if any(fields.values())
    )
    outstanding = sum(month.points for month in due)
    money = floor(outstanding * value)
    breakage = _breakage(outstanding, totals, program, value)
    return Liability(
        outstanding=outstanding,
        pending=sum(month.pending for month in due),
        owed=totals.get("debt", 0),
        months=due,
        money=money,
        breakage=breakage,
        expected_cost=money - breakage.money,
    )


def _month(name: str, fields: Mapping[str, int], value: Fraction) -> MonthDue:
    points = fields.get("outstanding", 0)
    return MonthDue(name, points, fields.get("pending", 0), floor(points * value))


def _breakage(outstanding: int, totals: Mapping[str, int], program: Program, value: Fraction) -> Breakage:
    expired = -totals.get("expired", 0)
    # Points of cancelled vouchers went back: they were not redeemed after all.
    settled = expired - totals.get("redeemed", 0) - totals.get("restored", 0)
    enough = settled >= LEAST_SETTLED
    rate = Fraction(expired, settled) if enough else Fraction(program.breakage)
    points = floor(outstanding * rate)
    return Breakage(rate, "history" if enough else "program", settled, points, floor(points * value))
