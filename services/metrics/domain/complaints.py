"""Complaints as one customer's record keeps them: steps by event time, whatever was heard first."""

from services.metrics.domain import answers
from services.metrics.domain.causes import named
from services.metrics.domain.cells import Delta
from services.metrics.domain.kpis.clocks import CLOCKS
from services.metrics.domain.state import Complaint, Ids
from services.metrics.domain.tracked import Tracked
from services.metrics.domain.turns import where_of_talk
from shared.facts.complaints import (
    MOST_WAITING,
    OPENED,
    RESOLVED,
    WAIT,
    Step,
    ToldStep,
    told_step,
    with_told,
    without_told,
)
from shared.facts.names import name_of
from shared.schemas.complaints import (
    ComplaintOpened,
    ComplaintResolved,
    ComplaintsData,
    ComplaintSlaBreached,
    ComplaintSlaMet,
)
from shared.schemas.event import Event
from shared.schemas.times import Micros, micros

MOST_JUDGED = 300
"""Promises of one complaint of which is kept what became of them: those heard first."""


def told(tracked: Tracked, event: Event, at: Micros, now: Micros, delta: Delta, id: int) -> Ids:
    """One fact of a complaint; of an opening told twice the first holds. Ids of steps are not to be known: by
    their places in the complaint they are told from each other, as they may be dead letters of interactions.
    """
    data = event.data
    assert isinstance(data, ComplaintsData)
    step = told_step(event, at)
    if step is None:
        return (id,)
    complaint = tracked.data.complaints.get(data.complaint_id)
    wrong = _told_by(tracked, step.by, now)
    if wrong is not None:
        owner, before = wrong
        if before is None or not before.passed or (owner is complaint and before.step == step.step):
            return ()  # it holds, or waits, or is heard again
        tracked.count_complaint(delta, owner, -1)
        owner.steps = [*without_told(owner.steps, before)]
        if before.kind == RESOLVED:
            owner.causes = [cause for cause in owner.causes if cause[0] != before.at]
        tracked.count_complaint(delta, owner)
    if complaint is None:
        complaint = tracked.data.complaints[data.complaint_id] = Complaint()
    tracked.count_complaint(delta, complaint, -1)
    complaint.waiting = [one for one in complaint.waiting if now - one[2] < WAIT]
    before_it = len(complaint.steps) + len(complaint.waiting)
    known = _open(complaint, event, step, now) if step.kind == OPENED else _add(complaint, step, now)
    if isinstance(data, ComplaintResolved) and len(complaint.steps) + len(complaint.waiting) > before_it:
        cause = named(data.root_cause)
        complaint.causes += [] if cause is None else [(step.at, cause)]
    if step.kind == OPENED and complaint.conversation:
        complaint.team = where_of_talk(tracked.data, complaint.conversation).team
    tracked.count_complaint(delta, complaint)
    if step.kind == OPENED:
        answers.moved(tracked, "complaint", data.complaint_id, delta)
    return (id,) if known else ()


def judged(tracked: Tracked, event: Event, at: Micros, _: Micros, delta: Delta, id: int) -> Ids:
    """A promise about a complaint was kept, or not."""
    data = event.data
    assert isinstance(data, ComplaintSlaMet | ComplaintSlaBreached)
    complaint = tracked.data.complaints.setdefault(data.complaint_id, Complaint())
    kept = isinstance(data, ComplaintSlaMet)
    clock, due = CLOCKS.index(data.clock), micros(data.due_at)
    told = {(*one[:2], one[3]) for one in complaint.judged}
    if (clock, due, kept) not in told and len(told) < MOST_JUDGED:
        tracked.count_complaint(delta, complaint, -1)
        complaint.judged.append((clock, due, at, kept))
        tracked.count_complaint(delta, complaint)
    return (id,)


def _told_by(tracked: Tracked, by: int, now: Micros) -> tuple[Complaint, ToldStep | None] | None:
    """What this event told before: the step, or None where it waits for its complaint."""
    for complaint in tracked.data.complaints.values():
        for step in complaint.steps:
            if step.by == by:
                return complaint, step
        if any(one[3] == by and now - one[2] < WAIT for one in complaint.waiting):
            return complaint, None
    return None


def _open(complaint: Complaint, event: Event, opened: ToldStep, now: Micros) -> bool:
    """With the steps that have not waited too long for it."""
    name = name_of(event)
    assert isinstance(event.data, ComplaintOpened)
    assert name is not None
    account = int.from_bytes(name.told)
    if complaint.steps:
        return complaint.told == account
    waited = [ToldStep(at, kind, by) for at, kind, heard, by in complaint.waiting if now - heard < WAIT]
    complaint.steps = [*with_told((), (opened, *waited))]
    complaint.channel, complaint.told, complaint.waiting = event.data.channel, account, []
    complaint.conversation = event.data.conversation_id or ""
    return True


def _add(complaint: Complaint, new: ToldStep, now: Micros) -> bool:
    """One more step, or one that waits for the opening; True of a copy."""
    known = [*(told.step for told in complaint.steps), *(Step(*one[:2]) for one in complaint.waiting)]
    if new.step in known:
        return True
    if complaint.steps:
        complaint.steps = [*with_told(complaint.steps, [new])]
    elif len(complaint.waiting) < MOST_WAITING:
        complaint.waiting.append((new.at, new.kind, now, new.by))
    return False
