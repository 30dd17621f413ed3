"""A complaint is opened once, if there is room for it; what waited for it takes effect then."""

from services.interactions.domain.complaints.standing import standing
from services.interactions.domain.complaints.steps import (
    assignee_of,
    changed,
    complaint_key,
    corrected,
    name_of_event,
    refusal_of,
    step_of_event,
    with_complaint,
    with_fact,
    with_refused,
)
from services.interactions.domain.complaints.waiting import waiting_for
from services.interactions.domain.conversations.folds import complained_in
from services.interactions.domain.held import event_of, retracted, row_of, without
from services.interactions.domain.search import thing_row
from services.interactions.domain.state import (
    MAX_COMPLAINTS,
    Complaint,
    ComplaintStep,
    Customer,
    altered,
    found,
)
from services.interactions.domain.telling import COPY, Change, Told, refused
from services.interactions.errors import COMPLAINT_EXISTS, DUPLICATE_COMPLAINT, TOO_MANY_COMPLAINTS
from shared.domain import Append, Put, Retract
from shared.facts.complaints import OPENED
from shared.facts.names import Heard, heard, name_of, with_name
from shared.schemas.complaints import ComplaintOpened

SUMMARY_LENGTH = 200


def complaint_opened(customer: Customer, told: Told) -> Change:
    """Raises ``duplicate_complaint`` (of a command ``complaint_exists``), ``too_many_complaints``."""
    return corrected(customer, told, lambda before: _once(before, told))


def _once(customer: Customer, told: Told) -> Change:
    data, name = told.event.data, name_of(told.event)
    assert isinstance(data, ComplaintOpened)
    assert name is not None
    known = heard(customer.names, name)
    if known is Heard.NEW and found(customer.complaints, data.complaint_id, complaint_key) is not None:
        known = Heard.SAME  # an open one is known for longer than its name
    if known is not Heard.NEW and told.asked:
        raise COMPLAINT_EXISTS(complaint=data.complaint_id)
    if known is Heard.OTHER:
        raise DUPLICATE_COMPLAINT(complaint=data.complaint_id)
    if known is Heard.SAME:
        return Change(customer, 0, COPY)
    new = _opened(told, data)
    update = {
        "complaints": (*_with_room(customer.complaints), new),
        "names": with_name(customer.names, name, told.day),
    }
    customer = altered(customer, **update)
    rows: tuple[Append | Put, ...] = (thing_row(customer, told, data.complaint_id),)
    if data.conversation_id is not None:
        talk = complained_in(customer, told, data, data.conversation_id)
        customer, rows = talk.customer, (*rows, *talk.rows)
    if not customer.held:
        return Change(customer, complaint=new, rows=rows)
    change = with_waiting(customer, new)
    return change._replace(counted=1 + change.counted, rows=(*rows, *change.rows))


def _opened(told: Told, data: ComplaintOpened) -> Complaint:
    first = ComplaintStep(at=told.at, kind=OPENED, by=name_of_event(told.event), assignee=assignee_of(data))
    return Complaint(
        complaint_id=data.complaint_id,
        opened_at=told.at,
        channel=data.channel,
        category=data.category,
        severity=data.severity,
        summary=data.description[:SUMMARY_LENGTH],
        order_id=data.order_id,
        conversation_id=data.conversation_id,
        steps=(first,),
        told_at=told.at,
    )


def with_waiting(customer: Customer, opened: Complaint) -> Change:
    """What waited for a complaint that is known now, or known of another id of the same customer. All steps
    that waited are known at once; then each fact is judged by what they make of it."""
    waited = [(h, event_of(customer, h)) for h in waiting_for(customer, opened.complaint_id)]
    new, more = opened, 0
    copies = [held for held, event in waited if step_of_event(event, held.at) in opened.path]
    # What is no step follows from the steps, and so comes after them.
    for held, event in sorted(waited, key=lambda told: step_of_event(told[1], told[0].at) is None):
        if held in copies:
            continue
        later = with_fact(new, event, held.at)
        if later.steps is not new.steps:
            new, more = later, more + 1
        elif refusal_of(later, event, held.at) is None:
            new = later
    customer = without(customer, [held for held, _ in waited])
    rows, retracts, counted = list[Append | Put](), list[Retract](), 0
    for held, event in waited:
        if held in copies:
            rows.append(row_of(customer, held, COPY))
            continue
        is_step, refusal = step_of_event(event, held.at) is not None, refusal_of(new, event, held.at)
        if refusal is None:
            rows.append(row_of(customer, held, None, new))
            counted += not is_step
            continue
        rows.append(row_of(customer, held, refused(refusal.detail)))
        retracts.append(retracted(customer, held, refusal))
        if is_step:
            kept = altered(held, until=None)
            customer = altered(customer, held=(*customer.held, kept))
            new = with_refused(new, event)
    if more == 0:
        return Change(
            with_complaint(customer, new), counted, complaint=new, rows=tuple(rows), retracts=tuple(retracts)
        )
    change = changed(customer, opened, new, more=more)
    return change._replace(
        counted=counted + change.counted, rows=(*rows, *change.rows), retracts=tuple(retracts)
    )


def _with_room(complaints: tuple[Complaint, ...]) -> tuple[Complaint, ...]:
    """Without the closed one that changed longest ago, if there are as many as may be."""
    if len(complaints) < MAX_COMPLAINTS:
        return complaints
    closed = [c for c in complaints if c.life.status == "closed"]
    if not closed:
        raise TOO_MANY_COMPLAINTS(most=MAX_COMPLAINTS)
    oldest = min(closed, key=lambda c: standing(c).updated_at)
    return tuple(c for c in complaints if c is not oldest)
