"""An agent's own figures, of rows of their work. Pure. Nothing here compares agents."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.interactions.domain.growth.rows import WorkRow
from shared.schemas.times import SECOND, Micros, micros

PERIODS = {"today": 1, "7d": 7, "28d": 28}
"""Days, today among them."""
SATISFIED = 4
"""CSAT is the share of the top two of five."""


class Figures(NamedTuple):
    """Of a period."""

    conversations: int
    """That came to them."""
    first_responses: int
    """That were theirs to give."""
    first_response_p50_s: float | None
    first_response_p90_s: float | None
    resolved: int
    """Closed while theirs, and closed still."""
    csat_answers: int
    csat: float | None
    """How many of them were satisfied, 0 to 1."""


def begins(now: datetime, zone: ZoneInfo, days: int) -> Micros:
    """The first instant of the period of so many days that ends today."""
    first = now.astimezone(zone).date() - timedelta(days=days - 1)
    return micros(datetime(first.year, first.month, first.day, tzinfo=zone))


def figures(rows: Iterable[WorkRow], now: datetime, zone: ZoneInfo) -> dict[str, Figures]:
    """By period. A clock that runs ahead counts today."""
    mine = [*rows]
    return {name: _since(mine, begins(now, zone, days)) for name, days in PERIODS.items()}


def _since(rows: Sequence[WorkRow], since: Micros) -> Figures:
    waited = sorted(row.waited for row in rows if row.waited is not None and (row.answered_at or 0) >= since)
    scores = [score for row in rows for at, score in row.scores if at >= since]
    satisfied = sum(score >= SATISFIED for score in scores)
    return Figures(
        conversations=sum(row.taken_at is not None and row.taken_at >= since for row in rows),
        first_responses=len(waited),
        first_response_p50_s=_rank(waited, 0.5),
        first_response_p90_s=_rank(waited, 0.9),
        resolved=sum(row.resolved_at is not None and row.resolved_at >= since for row in rows),
        csat_answers=len(scores),
        csat=satisfied / len(scores) if scores else None,
    )


def _rank(times: Sequence[Micros], share: float) -> float | None:
    """The nearest rank, in seconds."""
    return times[max(ceil(share * len(times)), 1) - 1] / SECOND if times else None
