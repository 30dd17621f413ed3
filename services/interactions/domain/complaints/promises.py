"""What was promised about complaints: their clocks are looked at whenever their log changes and when the next
of it falls due; what fell due is told, once; nothing is counted meanwhile."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from services.interactions.domain.complaints.log import facts_of, turns_about, waits
from services.interactions.domain.complaints.steps import complaint_key, silenced, with_complaint
from services.interactions.domain.owners import all_marks, owner_of_complaint
from services.interactions.domain.rows import COMPLAINTS, TIMELINE, complaint_row
from services.interactions.domain.sla.clocks import clocks
from services.interactions.domain.sla.course import Course, Notice, NoticeKind
from services.interactions.domain.sla.policy import Sla
from services.interactions.domain.state import Complaint, Customer, altered, found
from services.interactions.domain.telling import Told
from services.interactions.domain.timeline import timeline_row
from shared.domain import Append, CancelTimer, Effects, Emit, Put, Retract, SetTimer, Unseen
from shared.schemas.complaints import (
    ComplaintClockData,
    ComplaintEscalated,
    ComplaintSlaBreached,
    ComplaintSlaMet,
    ComplaintSlaNotice,
    ComplaintSlaWarned,
)
from shared.schemas.event import Event
from shared.schemas.timer import TimerFired
from shared.schemas.times import Micros, moment, timer_instant

TIMER = "sla:"
"""A timer's name begins so; the complaint's id follows."""
SOURCE = "/rapport/interactions"

_NOTICES: Mapping[NoticeKind, type[ComplaintSlaNotice]] = {
    "warned": ComplaintSlaWarned,
    "met": ComplaintSlaMet,
    "breached": ComplaintSlaBreached,
}


def course_of(sla: Sla, customer: Customer, complaint: Complaint, now: Micros) -> Course:
    """A complaint's clocks as they stand at ``now``."""
    return clocks(facts_of(customer, complaint), sla, now)


def watched(sla: Sla, before: Customer, effects: Effects[Customer], told: Told) -> Effects[Customer]:
    """With what an event means for the clocks of the customer's complaints."""
    touched = _touched(before, effects.state)
    # A fact that takes itself back may come again and do all of it anew: what it says waits for another.
    taken_back: tuple[Retract | Unseen, ...] = (*effects.retracts, *effects.unseen)
    if not touched or any(one.event is told.event for one in taken_back):
        return effects
    return _looked_at(sla, before, effects, touched, told)


def fired(sla: Sla, customer: Customer, told: Told, name: str) -> Effects[Customer]:
    """A complaint's timer: something of its clocks falls due."""
    complaint_id = name.removeprefix(TIMER)
    complaint = found(customer.complaints, complaint_id, complaint_key)
    if complaint is None:
        return Effects(customer)
    # The timer is gone by now.
    unset = with_complaint(customer, altered(complaint, next_at=None))
    return _looked_at(sla, customer, Effects(unset), [complaint_id], told)


def _touched(before: Customer, after: Customer) -> list[str]:
    """The complaints whose log may be another one now."""
    parts = ("complaints", "matched", "conversations", "parts")
    if all(getattr(after, part) is getattr(before, part) for part in parts):
        return []
    known = {id(complaint) for complaint in before.complaints}
    talked = after.conversations is not before.conversations
    marks = all_marks(before)
    earliest = min((m.at for m in all_marks(after) if m not in marks), default=None)

    def is_touched(complaint: Complaint) -> bool:
        if id(complaint) not in known:
            return True
        if talked and turns_about(before, complaint) != turns_about(after, complaint):
            return True
        # What is over by the time of all that was told anew is as it was.
        return earliest is not None and (complaint.life.is_open or earliest <= complaint.steps[-1].at)

    return [complaint.complaint_id for complaint in after.complaints if is_touched(complaint)]


def _looked_at(
    sla: Sla, before: Customer, effects: Effects[Customer], names: Iterable[str], told: Told
) -> Effects[Customer]:
    customer, now = effects.state, _now(told)
    emits, timers, rows = list(effects.emits), list(effects.timers), list(effects.rows)
    for name in names:
        old = found(before.complaints, name, complaint_key)
        known = found(customer.complaints, name, complaint_key)
        assert known is not None
        if (forgotten := _forgotten(before, customer, known)) is not None:
            known = silenced(known, forgotten)
        complaint, notices = _looked_up(sla, customer, known, now)
        customer = with_complaint(customer, complaint)
        timers += _timers(name, known.next_at, complaint.next_at)
        for notice in notices:
            data = _data(name, notice)
            row = _row(told, customer, data, notice.at, complaint, len(emits))
            rows.append(Append(TIMELINE, row))
            emits.append(Emit(data, moment(notice.at)))
        owner = owner_of_complaint(customer, name)
        shown = complaint_row(customer.customer_id, complaint, owner)
        if old is None or shown != complaint_row(customer.customer_id, old, owner):
            rows.append(Put(COMPLAINTS, shown.document()))
    return replace(effects, state=customer, emits=tuple(emits), timers=tuple(timers), rows=tuple(rows))


def _forgotten(before: Customer, after: Customer, complaint: Complaint) -> Micros | None:
    """Where messages of a long conversation have made room: the time of the response that followed them."""
    if complaint.conversation_id is None or after.conversations is before.conversations:
        return None
    left = {message.key for message in after.conversations.messages}
    gone = max((m.at for m in before.conversations.messages if m.key not in left), default=None)
    if gone is None:
        return None
    answers = (turn.at for turn in turns_about(after, complaint) if turn.kind == "answered")
    return min((at for at in answers if at > gone), default=gone)


def _now(told: Told) -> Micros:
    """A timer is never early, whatever clock says so."""
    return max(told.now, told.at) if isinstance(told.event.data, TimerFired) else told.now


def _looked_up(
    sla: Sla, customer: Customer, known: Complaint, now: Micros
) -> tuple[Complaint, tuple[Notice, ...]]:
    """The complaint as of ``now``, and what is to be told."""
    log = facts_of(customer, known)
    course = clocks(log, sla, now)
    notices = course.untold(known.notices)
    if known.silent_until is not None:
        notices = tuple(notice for notice in notices if notice.at > known.silent_until)
    # What is told of a time to come happens only then.
    coming = [fact.at for fact in log if fact.at > now]
    if course.next_at is not None:
        coming.append(course.next_at)
    late, due = course.late, course.next_due
    complaint = altered(
        known,
        notices=(*known.notices, *(notice.key for notice in notices)),
        next_at=min(coming, default=None),
        overdue=late is not None,
        late_since=None if late is None else late.due_at,
        late_clock=None if late is None else late.clock,
        waiting=waits(known, log),
        next_due=None if due is None else due.due_at,
        next_clock=None if due is None else due.clock,
    )
    return complaint, notices


def _timers(name: str, old: Micros | None, new: Micros | None) -> list[SetTimer | CancelTimer]:
    if old == new:
        return []
    return [CancelTimer(TIMER + name) if new is None else SetTimer(TIMER + name, moment(timer_instant(new)))]


def _data(complaint_id: str, notice: Notice) -> ComplaintClockData:
    said: dict[str, Any] = {"complaint_id": complaint_id, "clock": notice.key.clock}
    if notice.key.kind == "escalated":
        return ComplaintEscalated(**said, level=notice.key.level, to=notice.to)
    due_at = moment(notice.due_at)
    return _NOTICES[notice.key.kind](**said, due_at=due_at, policy=notice.policy, version=notice.version)


def _row(
    told: Told, customer: Customer, data: ComplaintClockData, at: Micros, complaint: Complaint, number: int
) -> Any:
    """The notice's row of the timeline; its id begins as the event's own does."""
    event = Event(told.context.new_id(f"#{number}"), SOURCE, customer.customer_id, moment(at), data)
    return timeline_row(event, at, None, complaint).document()
