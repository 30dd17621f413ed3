"""Who comes back, by the month of the first purchase: a heat map in the form of a triangle. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

HEATS = 4
"""Shades, from few to the most."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A cohort so many months after its first."""

    text: str
    heat: int
    said: str
    """In words."""
    over: bool
    """Whether the month is over."""


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A cohort."""

    label: str
    size: str
    cells: Sequence[HeatCell]


@dataclass(frozen=True, slots=True)
class Triangle:
    """The oldest cohort first."""

    columns: Sequence[int]
    """Months after the first."""
    rows: Sequence[HeatRow]


def triangle(cohorts: Sequence[tuple[str, Sequence[int]]], *, over: bool) -> Triangle | None:
    """``cohorts``: the name of each month, the oldest first, and how many customers bought in that month and
    in each one after it, up to the same last month, which may not be ``over``. None where nobody bought."""
    known = [(label, active) for label, active in cohorts if active and active[0]]
    if not known:
        return None
    shares = [n / active[0] for _, active in known for n in active[1:]]
    most = max(shares, default=0.0)
    rows = [
        HeatRow(
            label, f"{active[0]:,}", [_cell(active, after, most, over) for after in range(1, len(active))]
        )
        for label, active in known
    ]
    return Triangle(range(1, max(len(row.cells) for row in rows) + 1), rows)


def _cell(active: Sequence[int], after: int, most: float, over: bool) -> HeatCell:
    share = active[after] / active[0]
    whole = over or after < len(active) - 1
    said = f"{active[after]:,} of {active[0]:,}{'' if whole else ', and the month is not over'}"
    return HeatCell(f"{100 * share:.0f} %", _heat(share, most), said, whole)


def _heat(share: float, most: float) -> int:
    """0 for none, then 1 to ``HEATS``."""
    return min(HEATS, 1 + int(share / most * HEATS)) if share and most else 0
