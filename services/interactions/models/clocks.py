"""A complaint's clocks over HTTP, each with the sum behind its used time."""

from collections.abc import Iterable
from datetime import datetime

from services.interactions.domain.sla.course import Clock
from services.interactions.domain.sla.explain import Row, RowKind, explained
from services.interactions.domain.sla.policy import Sla
from services.interactions.models.complaints import ClockView, clock_view
from shared.schemas.base import Frozen
from shared.schemas.times import SECOND, Micros, maybe_moment, moment


class WindowView(Frozen):
    """A line of the sum: ``carried`` from the runs before a reopening, an ``open`` window of the calendar, or
    a time ``paused`` (waiting for the customer, or resolved)."""

    kind: RowKind
    begin: datetime
    end: datetime
    counted_s: int
    """Open time of the line."""
    total_s: int
    """With all lines before; in the last line the clock's ``used_s``."""


class ExplainedClock(ClockView):
    """A clock as it stands, and how its used time comes about."""

    duration_s: int
    """What is promised, in open time."""
    promised_by: datetime | None
    """The time that the customer was told; it counts in place of the duration."""
    calendar: str
    timezone: str
    """The calendar's."""
    started_at: datetime
    rows: list[WindowView]


class ExplainedClocks(Frozen):
    """All clocks of a complaint, as of ``at``."""

    complaint_id: str
    customer_id: str
    at: datetime
    clocks: list[ExplainedClock]


def explained_clocks(
    complaint_id: str, customer_id: str, clocks: Iterable[Clock], sla: Sla, at: Micros
) -> ExplainedClocks:
    """``clocks`` are those at ``at``, by this file."""
    return ExplainedClocks(
        complaint_id=complaint_id,
        customer_id=customer_id,
        at=moment(at),
        clocks=[_explained_clock(clock, sla) for clock in clocks],
    )


def _explained_clock(clock: Clock, sla: Sla) -> ExplainedClock:
    policy, calendar = sla.policy(clock.version, clock.policy)
    return ExplainedClock(
        **dict(clock_view(clock)),
        duration_s=clock.duration // SECOND,
        promised_by=maybe_moment(clock.promised_by),
        calendar=policy.calendar,
        timezone=calendar.timezone,
        started_at=moment(clock.start),
        rows=[_window(row) for row in explained(clock, sla)],
    )


def _window(row: Row) -> WindowView:
    total, before = row.total // SECOND, (row.total - row.counted) // SECOND
    # Whole seconds that add up to the total's.
    return WindowView(
        kind=row.kind,
        begin=moment(row.begin),
        end=moment(row.end),
        counted_s=total - before,
        total_s=total,
    )
