"""What a complaint is by now, of all that is known to have happened to it. Pure, and the same whatever was
heard first."""

from collections.abc import Sequence
from typing import NamedTuple

from services.interactions.domain.state import Complaint
from shared.facts.complaints import (
    ACKNOWLEDGED,
    CLOSED,
    OPEN_STATUSES,
    REOPENED,
    RESOLVED,
    Status,
    Step,
)
from shared.schemas.times import Micros


class Standing(NamedTuple):
    """As of the latest fact known."""

    status: Status
    assignee: str | None
    severity: str
    category: str
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
    steps = [s for s in reversed(complaint.steps) if (s.at, s.kind) in holds]
    return Standing(
        status=life.status,
        assignee=next((s.assignee for s in steps if s.assignee), None),
        severity=next((s.severity for s in steps if s.severity), complaint.severity),
        category=next((s.category for s in steps if s.category), complaint.category),
        updated_at=max(complaint.told_at, *(step.at for step in taken)),
        acknowledged_at=next((step.at for step in taken if step.kind == ACKNOWLEDGED), None),
        resolved_at=_time(since, RESOLVED),
        closed_at=_time(since, CLOSED),
    )


def _last(steps: Sequence[Step], kind: int) -> int:
    return max((index for index, step in enumerate(steps) if step.kind == kind), default=-1)


def _time(steps: Sequence[Step], kind: int) -> Micros | None:
    index = _last(steps, kind)
    return None if index < 0 else steps[index].at
