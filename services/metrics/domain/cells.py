"""Cells: what the aggregates are made of.

A cell is a counter named by day, segment, channel and field. Everything Metrics stores for its KPIs is
a sum of cells, so partitions, days and segments add up, and a change is a cell with a sign.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

Cell: TypeAlias = tuple[int, str, str, str]
"""Day (since 1970-01-01, UTC), segment, channel (each ``""`` where there is none), field."""

Delta: TypeAlias = dict[Cell, int]
"""Changes of cells, none of them zero."""

Change: TypeAlias = tuple[int, str, int]
"""Day, field, signed count."""

OPEN = "open"
"""The one field that is a level: its sum over all days is how many complaints are open now."""


def add(delta: Delta, cell: Cell, n: int) -> None:
    """Add ``n`` to a cell, in place; a cell that becomes zero goes."""
    total = delta.get(cell, 0) + n
    if total:
        delta[cell] = total
    else:
        delta.pop(cell, None)


def merged(deltas: Iterable[Mapping[Cell, int]]) -> Delta:
    """The sum of several deltas."""
    total: Delta = {}
    for delta in deltas:
        for cell, n in delta.items():
            add(total, cell, n)
    return total
