"""Complaints over HTTP: what is asked for, and what is answered."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import Field, model_validator

from services.interactions.domain.rows import ComplaintRow, TimelineRow
from services.interactions.domain.sla.course import Clock, Course
from services.interactions.domain.sla.runs import State
from services.interactions.models.compensation import ApprovalView, approval_view
from shared.facts.complaints import KINDS, Status
from shared.schemas.base import Frozen, Id, Strict, Time
from shared.schemas.commands.complaints import ComplaintCommand
from shared.schemas.complaints import (
    ClockName,
    ComplaintEscalated,
    ComplaintOpened,
    ComplaintResolved,
    ComplaintsData,
    ComplaintSlaBreached,
    ComplaintSlaMet,
    ComplaintSlaWarned,
)
from shared.schemas.fields import Label, Severity
from shared.schemas.times import SECOND, maybe_moment, moment

C = TypeVar("C", bound=ComplaintCommand)

_NOTICES: tuple[type[ComplaintsData], ...] = (
    ComplaintSlaWarned,
    ComplaintSlaMet,
    ComplaintSlaBreached,
    ComplaintEscalated,
)
_KINDS = [kind.event_type for kind in (*KINDS, *_NOTICES)]

Text = Annotated[str, Field(min_length=1, max_length=20_000)]


class NewComplaint(Strict):
    """The body of ``POST /complaints``."""

    customer_id: Id
    channel: Id
    category: Label
    severity: Severity
    description: Text
    order_id: Id | None = None
    conversation_id: Id | None = None


class Acknowledgement(Strict):
    message: Annotated[str, Field(max_length=20_000)] = ""
    assignee: Id | None = None


class Update(Strict):
    """``promised_by``: when the customer was promised to hear again; the update clock is due then."""

    message: Text
    assignee: Id | None = None
    promised_by: Time | None = None


class Change(Strict):
    """One of them at least."""

    severity: Severity | None = None
    category: Label | None = None
    assignee: Id | None = None

    @model_validator(mode="after")
    def _something(self) -> "Change":
        if self.severity is self.category is self.assignee is None:
            raise ValueError("severity, category or assignee is needed")
        return self


class Wait(Strict):
    """``reason``: what is needed of the customer."""

    reason: Text


class Resumption(Strict):
    """There is nothing to say about it."""


class Resolution(Strict):
    resolution: Text
    root_cause: Text | None = None


class Reopening(Strict):
    reason: Text


class Closing(Strict):
    """There is nothing to say about it."""


class Opened(Frozen):
    """The complaint was opened; the service made its id."""

    complaint_id: str


class Taken(Frozen):
    """A step was taken; ``status`` is the complaint's afterwards."""

    complaint_id: str
    status: Status


class ComplaintView(Frozen):
    """A complaint in brief; ``summary`` is how its description begins, ``next_clock`` is due at
    ``next_due``, before the others."""

    complaint_id: str
    customer_id: str
    status: Status
    severity: str
    category: str
    channel: str
    order_id: str | None
    summary: str
    assignee: str | None
    waiting: bool
    """For the customer."""
    overdue: bool
    next_due: datetime | None
    next_clock: ClockName | None
    opened_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None


class StepView(Frozen):
    """One of the facts that made a complaint what it is."""

    type: str
    time: datetime
    summary: str
    data: dict[str, Any]


class ClockView(Frozen):
    """A promise as it stands. ``due_at`` is null while it is paused, and stays as it is once the clock is
    ``met`` or ``breached``; ``used_s`` is open time in seconds."""

    clock: ClockName
    state: State
    due_at: datetime | None
    used_s: int
    policy: str
    version: str


class ComplaintDetail(ComplaintView):
    """A complaint with its texts and its steps, the first first. ``resolution`` and ``root_cause`` are of the
    solution that stands."""

    description: str | None
    resolution: str | None
    root_cause: str | None
    clocks: list[ClockView]
    approvals: list[ApprovalView]
    """Compensation that waits for an approval, the first asked for first."""
    history: list[StepView]


def command_of(kind: type[C], complaint_id: str, body: Strict, **caller: object) -> C:
    """What a body asks for, as a command: both have the same fields, the complaint's id is in the path, and
    ``caller`` says who asks."""
    return kind.model_validate(body.model_dump(exclude_none=True) | caller | {"complaint_id": complaint_id})


def complaint_view(row: ComplaintRow) -> ComplaintView:
    return ComplaintView.model_validate(_shown(row))


def complaint_detail(row: ComplaintRow, course: Course, history: Sequence[TimelineRow]) -> ComplaintDetail:
    """``course`` is that of its clocks up to now; ``history`` is the complaint's timeline rows, and what was
    said comes from there."""
    due = course.next_due
    now = {
        "overdue": course.overdue,
        "next_due": None if due is None else maybe_moment(due.due_at),
        "next_clock": None if due is None else due.clock,
    }
    steps = [
        StepView(type=step.type, time=moment(step.at), summary=step.summary, data=json.loads(step.data))
        for step in sorted(history, key=_in_order)
    ]
    opened = _last(steps, ComplaintOpened.event_type)
    resolved = _last(steps, ComplaintResolved.event_type) if row.resolved_at is not None else {}
    return ComplaintDetail(
        **(_shown(row) | now),
        description=opened.get("description"),
        resolution=resolved.get("resolution"),
        root_cause=resolved.get("root_cause"),
        clocks=[clock_view(clock) for clock in course.clocks],
        approvals=[approval_view(one) for one in row.approvals],
        history=steps,
    )


def clock_view(clock: Clock) -> ClockView:
    return ClockView(
        clock=clock.clock,
        state=clock.state,
        due_at=maybe_moment(clock.due_at),
        used_s=clock.used // SECOND,
        policy=clock.policy,
        version=clock.version,
    )


def _in_order(row: TimelineRow) -> tuple[bool, int, int, str]:
    """The opening first, then by time; of one instant as ``shared.facts.complaints`` orders them, then what
    was told of clocks."""
    kind = _KINDS.index(row.type) if row.type in _KINDS else len(_KINDS)
    return kind != 0, row.at, kind, row.place


def _shown(row: ComplaintRow) -> dict[str, Any]:
    fields = {name: getattr(row, name) for name in ComplaintView.model_fields}
    return fields | {name: maybe_moment(at) for name, at in fields.items() if name in _TIMES}


_TIMES = {name for name in ComplaintView.model_fields if name.endswith("_at")} | {"next_due"}


def _last(steps: Sequence[StepView], event_type: str) -> dict[str, Any]:
    return next((step.data for step in reversed(steps) if step.type == event_type), {})
