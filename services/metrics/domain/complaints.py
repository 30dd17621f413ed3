"""Complaints as one customer's record keeps them: steps by event time, whatever was heard first."""

from collections.abc import Iterable

from services.metrics.domain.cells import Change, Delta
from services.metrics.domain.kpis.counting import complaint_counts
from services.metrics.domain.kpis.root_causes import named
from services.metrics.domain.state import Complaint
from services.metrics.domain.tracked import Tracked
from shared.facts.complaints import MOST_WAITING, OPENED, WAIT, Step, step_of, with_step
from shared.schemas.complaints import ComplaintOpened, ComplaintResolved, ComplaintsData
from shared.schemas.times import Micros


def told(tracked: Tracked, data: ComplaintsData, at: Micros, now: Micros, delta: Delta) -> None:
    """One fact of a complaint; of an opening told twice the first holds."""
    step = step_of(data, at)
    if step is None:
        return
    complaint = tracked.data.complaints.setdefault(data.complaint_id, Complaint())
    tracked.count(delta, complaint.channel, _negative(complaint_counts(complaint)))
    known = len(complaint.steps) + len(complaint.waiting)
    if isinstance(data, ComplaintOpened):
        _open(complaint, data, step, now)
    elif complaint.steps:
        complaint.steps = [*with_step([Step(*one) for one in complaint.steps], step)]
    elif len(complaint.waiting) < MOST_WAITING and step not in [Step(*w[:2]) for w in complaint.waiting]:
        complaint.waiting.append((*step, now))
    if isinstance(data, ComplaintResolved) and len(complaint.steps) + len(complaint.waiting) > known:
        cause = named(data.root_cause)
        complaint.causes += [] if cause is None else [(step.at, cause)]
    tracked.count(delta, complaint.channel, complaint_counts(complaint))


def _open(complaint: Complaint, data: ComplaintOpened, opened: Step, now: Micros) -> None:
    """With the steps that have not waited too long for it."""
    if complaint.steps:
        return
    steps = with_step((), Step(opened.at, OPENED))
    for at, kind, heard in complaint.waiting:
        if now - heard < WAIT:
            steps = with_step(steps, Step(at, kind))
    complaint.channel, complaint.steps, complaint.waiting = data.channel, [*steps], []


def _negative(changes: Iterable[Change]) -> list[Change]:
    return [(day, field, -n) for day, field, n in changes]
