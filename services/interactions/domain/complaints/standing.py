"""What a complaint is by now, of all that is known to have happened to it. Pure, and the same whatever was
heard first."""

from collections.abc import Sequence
from typing import NamedTuple

from services.interactions.domain.state import Breach, Complaint
from shared.facts.complaints import (
    ACKNOWLEDGED,
    CLOSED,
    OPEN_STATUSES,
    REOPENED,
    RESOLVED,
    UPDATED,
    Status,
    Step,
    life_of,
)
from shared.schemas.times import Micros

_MEETS = {
    "first_response": {ACKNOWLEDGED, RESOLVED},
    "update": {ACKNOWLEDGED, UPDATED, RESOLVED},
    "resolution": {RESOLVED},
}
"""SLA clock -> the steps after which it is due no more."""


class Standing(NamedTuple):
    """As of the latest fact known."""

    status: Status
    assignee: str | None
    overdue: bool
    """An SLA clock ran out, and its step has not been taken since."""
    updated_at: Micros
    acknowledged_at: Micros | None
    """First response; kept when the complaint is reopened."""
    resolved_at: Micros | None
    closed_at: Micros | None

    @property
    def open(self) -> bool:
        """Whether somebody still has to act."""
        return self.status in OPEN_STATUSES


def standing(complaint: Complaint) -> Standing:
    """Of the steps that hold, in their order."""
    life = complaint.life
    assert life.status is not None, "its opening is a step"
    taken, holds = life.taken, set(life.taken)
    since = taken[_last(taken, REOPENED) + 1 :]
    named = (s.assignee for s in reversed(complaint.steps) if s.assignee and (s.at, s.kind) in holds)
    return Standing(
        status=life.status,
        assignee=next(named, None),
        overdue=life.is_open and any(_missed(life.taken, breach) for breach in complaint.breached),
        updated_at=max(complaint.told_at, *(step.at for step in taken)),
        acknowledged_at=next((step.at for step in taken if step.kind == ACKNOWLEDGED), None),
        resolved_at=_time(since, RESOLVED),
        closed_at=_time(since, CLOSED),
    )


def _missed(taken: Sequence[Step], breach: Breach) -> bool:
    """Whether the clock's step was due when it ran out, and has not been taken."""
    at = breach.at
    if breach.clock == "first_response" and any(step.kind == ACKNOWLEDGED for step in taken):
        return False
    if any(step.at >= at and step.kind in _MEETS[breach.clock] for step in taken):
        return False
    return life_of([step for step in taken if step.at < at or step is taken[0]]).is_open


def _last(steps: Sequence[Step], kind: int) -> int:
    return max((index for index, step in enumerate(steps) if step.kind == kind), default=-1)


def _time(steps: Sequence[Step], kind: int) -> Micros | None:
    index = _last(steps, kind)
    return None if index < 0 else steps[index].at
