"""A fact after a complaint's first: judged by the status at its own time, one rule for commands and for facts
from outside. One that does not follow is refused, and remembered: it holds once what it lacks is known."""

import re
from collections.abc import Callable
from hashlib import blake2b

from msgspec import structs

from services.interactions.domain.complaints.waiting import wait
from services.interactions.domain.held import held_about, holding, row_of, without
from services.interactions.domain.state import (
    MAX_STEPS,
    Complaint,
    ComplaintStep,
    Customer,
    altered,
    found,
    placed,
)
from services.interactions.domain.telling import COPY, Change, Told, refused
from services.interactions.errors import INVALID_TRANSITION, TOO_MANY_STEPS, UNKNOWN_COMPLAINT
from shared.domain import Append, Put, RefusedError, Retract
from shared.facts.complaints import (
    ACKNOWLEDGED,
    KINDS,
    RESOLVED,
    TRANSITIONS,
    UPDATED,
    Status,
    Step,
    allowed,
    status_at,
    step_of,
    with_step,
)
from shared.schemas.base import ID_PATTERN
from shared.schemas.complaints import (
    ComplaintChanged,
    ComplaintClockData,
    ComplaintResumed,
    ComplaintsData,
    ComplaintUpdated,
    ComplaintWaiting,
)
from shared.schemas.event import Event
from shared.schemas.times import Micros, micros


def complaint_stepped(customer: Customer, told: Told) -> Change:
    """Any fact after the first. Raises ``unknown_complaint``, ``invalid_transition``, ``too_many_steps``."""
    data = told.event.data
    assert isinstance(data, ComplaintsData)
    step, old = step_of(data, told.at), found(customer.complaints, data.complaint_id, complaint_key)
    known = None if old is None else next((s for s in old.steps if (s.at, s.kind) == step), None)
    if old is not None and known is not None:
        return _again(customer, old, known, told)
    return corrected(customer, told, lambda before: _stepped(before, told, data, step))


def _stepped(customer: Customer, told: Told, data: ComplaintsData, step: Step | None) -> Change:
    """A fact that is not known yet."""
    old = found(customer.complaints, data.complaint_id, complaint_key)
    if old is None:
        if told.asked:
            raise UNKNOWN_COMPLAINT(complaint=data.complaint_id)
        return wait(customer, told, data)
    if told.asked and _has_mark(old, data):
        raise refused_step(old, old.life.status, type(data))
    new = with_fact(old, told.event, told.at)
    refusal = refusal_of(new, told.event, told.at)
    if refusal is None:
        return changed(customer, old, new)
    if step is None or told.asked:
        raise refusal
    return _remembered(customer, new, told, refusal)


def corrected(customer: Customer, told: Told, then: Callable[[Customer], Change]) -> Change:
    """What a fact of a complaint changes, by ``then``: where it has the id of a step that was refused, it is
    that one put right, and takes its place."""
    event, wrong = told.event, None if told.asked else _wrong(customer, told.event)
    if wrong is None:
        return then(customer)
    old, step = wrong
    new = altered(old, steps=tuple(known for known in old.steps if known is not step))
    gone = [h for h in customer.held if h.until is None and (h.source, h.id) == (event.source, event.id)]
    back = changed(without(customer, gone), old, new, more=-1)
    try:
        change = then(back.customer)
    except RefusedError as refusal:  # it is wrong, too; but the one before it is not what happened
        retract = Retract(event, told.context.origin, refusal.code, refusal.reason)
        change = Change(back.customer, 0, refused(refusal.detail), retracts=(retract,))
    return change._replace(counted=back.counted + change.counted, rows=(*back.rows, *change.rows))


def _wrong(customer: Customer, event: Event) -> tuple[Complaint, ComplaintStep] | None:
    """The step that the event was when it was refused, and its complaint."""
    refused = [(c, step) for c in customer.complaints for step in c.steps if step.refused]
    if not refused or type(event.data) not in KINDS:
        return None
    by = names_of_event(event)
    return next((told for told in refused if told[1].by in by), None)


def step_of_event(event: Event, at: Micros) -> Step | None:
    """The step that a complaint's fact is; None for one that is none."""
    assert isinstance(event.data, ComplaintsData)
    return step_of(event.data, at)


def refusal_of(complaint: Complaint, event: Event, at: Micros) -> RefusedError | None:
    """Why a fact does not hold that the complaint knows of by now, by the status at the fact's own time."""
    assert isinstance(event.data, ComplaintsData)
    rule, step, status = TRANSITIONS[type(event.data)], step_of(event.data, at), status_at(complaint.path, at)
    if status in rule.follows if step is None else step in complaint.life.taken:
        return None
    return refused_step(complaint, status, type(event.data))


def _has_mark(complaint: Complaint, asked: ComplaintsData) -> bool:
    """Whether it waits already, or does not wait: who asks for it is wrong about what it is."""
    return isinstance(asked, ComplaintWaiting if complaint.waiting else ComplaintResumed)


def refused_step(complaint: Complaint, status: Status | None, kind: type[ComplaintsData]) -> RefusedError:
    """``invalid_transition``: a fact of this kind does not follow from the status."""
    mark = TRANSITIONS[ComplaintWaiting if complaint.waiting else ComplaintResumed]
    may = [rule.name for rule in allowed(status) if rule is not mark]
    return INVALID_TRANSITION(
        complaint=complaint.complaint_id,
        status=f"{status} and waiting" if complaint.waiting else status,
        step=TRANSITIONS[kind].name,
        allowed=", ".join(may),
    )


def clock_told(customer: Customer, told: Told) -> Change:
    """What another Rapport told of a complaint's clocks: it is in its history, and changes nothing here."""
    data = told.event.data
    assert isinstance(data, ComplaintClockData)
    return Change(customer, complaint=found(customer.complaints, data.complaint_id, complaint_key))


def with_fact(old: Complaint, event: Event, at: Micros) -> Complaint:
    """The complaint with one more fact among those known. Raises ``too_many_steps``."""
    data, step = event.data, step_of_event(event, at)
    assert isinstance(data, ComplaintsData)
    if step is None:
        return altered(old, told_at=max(at, old.told_at))
    known = _with_room(old)
    place = with_step([Step(s.at, s.kind) for s in known.steps], step).index(step)
    new = ComplaintStep(at=at, kind=step.kind, by=name_of_event(event), assignee=assignee_of(data))
    match data:
        case ComplaintUpdated(promised_by=promised_by) if promised_by is not None:
            new = altered(new, promised_by=micros(promised_by))
        case ComplaintChanged(severity=severity, category=category):
            new = altered(new, severity=severity, category=category)
    return altered(known, steps=(*known.steps[:place], new, *known.steps[place:]))


def _with_room(complaint: Complaint) -> Complaint:
    """Without the oldest update, which no status depends on, where there are as many steps as may be. What
    fell due up to the next response then is past telling: it would look as if the update had not been."""
    steps = complaint.steps
    if len(steps) < MAX_STEPS:
        return complaint
    place = next((index for index, step in enumerate(steps) if step.kind == UPDATED), None)
    if place is None:
        raise TOO_MANY_STEPS(most=MAX_STEPS)
    gone, later = steps[place], steps[place + 1 :]
    answered = next((s.at for s in later if s.kind in (ACKNOWLEDGED, UPDATED, RESOLVED)), gone.at)
    left = altered(
        complaint,
        steps=(*steps[:place], *later),
        notices=tuple(one for one in complaint.notices if one.clock != "update" or one.run != gone.at),
    )
    return silenced(left, answered)


def silenced(complaint: Complaint, until: Micros) -> Complaint:
    """Nothing is told of it that fell due by then: not all is known any more that happened."""
    return altered(complaint, silent_until=max(until, complaint.silent_until or until))


def changed(customer: Customer, old: Complaint, new: Complaint, *, more: int = 1) -> Change:
    """The customer with the complaint as it is now, with so many ``more`` steps; facts refused before hold
    from here on if they follow."""
    before, after = old.life.taken, new.life.taken
    # A fact that is no step changes no life, and counts for itself; a step that made room has counted.
    forgotten = len(old.steps) + more - len(new.steps)
    counted = 1 if new.steps is old.steps else len(after) - len(before) + forgotten
    customer = with_complaint(customer, new)
    holds = set(after)
    freed = [
        h
        for h in held_about(customer, new.complaint_id, ComplaintsData.topic)
        if h.until is None and _step(h.type, h.at) in holds
    ]
    rows: tuple[Append | Put, ...] = tuple(row_of(customer, h, None, new) for h in freed)
    return Change(without(customer, freed), counted, complaint=new, rows=rows)


def _again(customer: Customer, complaint: Complaint, known: ComplaintStep, told: Told) -> Change:
    """A step that is known. The event that told it comes again where its dead letter was replayed."""
    if known.by not in names_of_event(told.event):
        return Change(customer, 0, COPY)
    if (refusal := refusal_of(complaint, told.event, known.at)) is not None:
        raise refusal
    # A dead letter that was replayed when its time had come; the event put right may yet take its place.
    free = (told.unseen,) if known.refused else ()
    return Change(customer, 0, complaint=complaint, unseen=free)


def _remembered(customer: Customer, new: Complaint, told: Told, refusal: RefusedError) -> Change:
    customer = with_complaint(customer, with_refused(new, told.event))
    customer = holding(customer, told, new.complaint_id, None)
    retract = Retract(told.event, told.context.origin, refusal.code, refusal.reason)
    return Change(customer, 0, refused(refusal.detail), retracts=(retract,))


def with_refused(complaint: Complaint, event: Event) -> Complaint:
    """With its step noted as a dead letter."""
    by = name_of_event(event)
    steps = tuple(altered(step, refused=True) if step.by == by else step for step in complaint.steps)
    return altered(complaint, steps=steps)


def _step(event_type: str, at: Micros) -> Step | None:
    return next((Step(at, n) for n, kind in enumerate(KINDS) if kind.event_type == event_type), None)


def with_complaint(customer: Customer, new: Complaint) -> Customer:
    return altered(customer, complaints=placed(customer.complaints, new, complaint_key))


def complaint_key(complaint: Complaint) -> str:
    return complaint.complaint_id


def name_of_event(event: Event) -> str:
    """Tells an event from others of the same customer."""
    return blake2b(event.uid.encode(), digest_size=4).hexdigest()


def names_of_event(event: Event) -> tuple[str, ...]:
    """Its names: one that came by a merge was heard before it, maybe."""
    if not event.been:
        return (name_of_event(event),)
    before = structs.replace(event, subject=event.told_of, came=(), been=())
    return name_of_event(event), name_of_event(before)


def assignee_of(told: ComplaintsData) -> str | None:
    """Who deals with it: ``assignee``, which any of a complaint's facts may carry beside its own fields."""
    name = vars(told).get("assignee", (told.model_extra or {}).get("assignee"))
    return name if isinstance(name, str) and re.fullmatch(ID_PATTERN, name) else None
