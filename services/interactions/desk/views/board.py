"""The complaint board: what is open, by what is due first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.interactions.desk.views.due import Due, Stage, due
from services.interactions.domain.rows import ComplaintRow
from shared.schemas.complaints import ClockName
from shared.schemas.times import maybe_moment, moment

STAGES: tuple[Stage, ...] = ("late", "soon", "today", "later", "paused", "none")
"""The board's lanes, in their order."""


@dataclass(frozen=True, slots=True)
class Card:
    """A complaint on the board. ``clock`` is what ``due`` speaks of."""

    complaint_id: str
    customer_id: str
    status: str
    severity: str
    category: str
    channel: str
    summary: str
    assignee: str | None
    opened_at: datetime
    waiting: bool
    approvals: int
    """Compensation that waits for an approval."""
    due: Due
    clock: ClockName | None
    place: str
    """Of the next page."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Cards of one stage."""

    stage: Stage
    cards: tuple[Card, ...]


def card(row: ComplaintRow, now: datetime) -> Card:
    at, clock = row.next_due, row.next_clock
    if row.late_since is not None and (at is None or row.late_since <= at):
        at, clock = row.late_since, row.late_clock
    return Card(
        complaint_id=row.complaint_id,
        customer_id=row.customer_id,
        status=row.status,
        severity=row.severity,
        category=row.category,
        channel=row.channel,
        summary=row.summary,
        assignee=row.assignee,
        opened_at=moment(row.opened_at),
        waiting=row.waiting,
        approvals=len(row.approvals),
        due=due(maybe_moment(at), now, paused=row.waiting),
        clock=clock,
        place=row.due or "",
    )


def lanes(rows: Sequence[ComplaintRow], now: datetime) -> tuple[Lane, ...]:
    """Those that have a card, in the order of ``STAGES``; cards keep their order."""
    cards = [card(row, now) for row in rows]
    found = [Lane(stage, tuple(c for c in cards if c.due.stage == stage)) for stage in STAGES]
    return tuple(lane for lane in found if lane.cards)
