"""Complaints over HTTP: what is asked for, and what is answered."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import Field

from services.interactions.domain.rows import ComplaintRow, TimelineRow
from services.interactions.models.compensation import ApprovalView, approval_view
from shared.facts.complaints import KINDS, Status
from shared.schemas.base import Frozen, Id, Strict
from shared.schemas.commands.complaints import ComplaintCommand
from shared.schemas.complaints import ComplaintOpened, ComplaintResolved
from shared.schemas.fields import Label, Severity
from shared.schemas.times import maybe_moment, moment

C = TypeVar("C", bound=ComplaintCommand)

_KINDS = [kind.event_type for kind in KINDS]

Text = Annotated[str, Field(min_length=1, max_length=20_000)]


class NewComplaint(Strict):
    """The body of ``POST /complaints``."""

    customer_id: Id
    channel: Id
    category: Label
    severity: Severity
    description: Text
    order_id: Id | None = None


class Acknowledgement(Strict):
    message: Annotated[str, Field(max_length=20_000)] = ""
    assignee: Id | None = None


class Update(Strict):
    message: Text
    assignee: Id | None = None


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
    """A complaint in brief; ``summary`` is how its description begins."""

    complaint_id: str
    customer_id: str
    status: Status
    severity: str
    category: str
    channel: str
    order_id: str | None
    summary: str
    assignee: str | None
    overdue: bool
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


class ComplaintDetail(ComplaintView):
    """A complaint with its texts and its steps, the first first. ``resolution`` and ``root_cause`` are of the
    solution that stands."""

    description: str | None
    resolution: str | None
    root_cause: str | None
    approvals: list[ApprovalView]
    """Compensation that waits for an approval, the first asked for first."""
    history: list[StepView]


def command_of(kind: type[C], complaint_id: str, body: Strict, **caller: object) -> C:
    """What a body asks for, as a command: both have the same fields, the complaint's id is in the path, and
    ``caller`` says who asks."""
    return kind.model_validate(body.model_dump(exclude_none=True) | caller | {"complaint_id": complaint_id})


def complaint_view(row: ComplaintRow) -> ComplaintView:
    return ComplaintView.model_validate(_shown(row))


def complaint_detail(row: ComplaintRow, history: Sequence[TimelineRow]) -> ComplaintDetail:
    """``history`` is the complaint's timeline rows; what was said comes from there."""
    steps = [
        StepView(type=step.type, time=moment(step.at), summary=step.summary, data=json.loads(step.data))
        for step in sorted(history, key=_in_order)
    ]
    opened = _last(steps, ComplaintOpened.event_type)
    resolved = _last(steps, ComplaintResolved.event_type) if row.resolved_at is not None else {}
    return ComplaintDetail(
        **_shown(row),
        description=opened.get("description"),
        resolution=resolved.get("resolution"),
        root_cause=resolved.get("root_cause"),
        approvals=[approval_view(one) for one in row.approvals],
        history=steps,
    )


def _in_order(row: TimelineRow) -> tuple[bool, int, int, str]:
    """The opening first, then by time; of one instant as ``shared.facts.complaints`` orders them."""
    kind = _KINDS.index(row.type) if row.type in _KINDS else len(_KINDS)
    return kind != 0, row.at, kind, row.place


def _shown(row: ComplaintRow) -> dict[str, Any]:
    fields = {name: getattr(row, name) for name in ComplaintView.model_fields}
    return fields | {name: maybe_moment(at) for name, at in fields.items() if name.endswith("_at")}


def _last(steps: Sequence[StepView], event_type: str) -> dict[str, Any]:
    return next((step.data for step in reversed(steps) if step.type == event_type), {})
