"""Facts of a complaint that is not known yet: they wait for its opening."""

from services.interactions.domain.held import data_of, held_about, holding, retracted, row_of, without
from services.interactions.domain.state import Customer, Held
from services.interactions.domain.telling import COPY, WAITS_FOR_COMPLAINT, Change, Told, refused
from services.interactions.errors import UNKNOWN_COMPLAINT
from shared.domain import CancelTimer, Effects, SetTimer
from shared.facts.complaints import KINDS, MOST_WAITING, WAIT
from shared.schemas.complaints import ComplaintsData
from shared.schemas.times import Micros, moment, timer_instant
from shared.schemas.topics import TYPES

TIMER = "waiting"


def wait(customer: Customer, told: Told, data: ComplaintsData) -> Change:
    """Raises ``unknown_complaint`` where as many wait as may, ``too_many_waiting``."""
    waiting = waiting_for(customer, data.complaint_id)
    if _is_step(data) and any(h.type == data.event_type and h.at == told.at for h in waiting):
        return Change(customer, 0, COPY)
    # Steps are counted for themselves, as all services keep these.
    if sum(_is_step(data_of(h)) == _is_step(data) for h in waiting) >= MOST_WAITING:
        raise UNKNOWN_COMPLAINT(complaint=data.complaint_id)
    return Change(holding(customer, told, data.complaint_id, told.now + WAIT), 0, WAITS_FOR_COMPLAINT)


def waiting_for(customer: Customer, complaint_id: str) -> list[Held]:
    """The facts that wait for this complaint, the first heard first."""
    return [h for h in held_about(customer, complaint_id, ComplaintsData.topic) if h.until is not None]


def expired(customer: Customer, at: Micros) -> Effects[Customer]:
    """Those that have waited too long become dead letters."""
    due = [h for h in customer.held if _waits(h) and h.until is not None and h.until <= at]
    left = without(customer, due)
    rows, retracts = [], []
    for held in due:
        refusal = UNKNOWN_COMPLAINT(complaint=held.about)
        rows.append(row_of(customer, held, refused(refusal.detail)))
        retracts.append(retracted(customer, held, refusal))
    following = _deadline(left)
    timers = () if following is None else (_timer(following),)
    return Effects(left, timers=timers, rows=tuple(rows), retracts=tuple(retracts))


def timers(before: Customer, after: Customer) -> tuple[SetTimer | CancelTimer, ...]:
    """The timer of the one that has waited longest, where that is another one now."""
    if before.held is after.held:
        return ()
    old, new = _deadline(before), _deadline(after)
    if old == new:
        return ()
    return (CancelTimer(TIMER) if new is None else _timer(new),)


def _timer(until: Micros) -> SetTimer:
    return SetTimer(TIMER, moment(timer_instant(until)))


def _deadline(customer: Customer) -> Micros | None:
    return min((h.until for h in customer.held if _waits(h) and h.until is not None), default=None)


def _waits(held: Held) -> bool:
    return TYPES[held.type].topic == ComplaintsData.topic


def _is_step(data: object) -> bool:
    return type(data) in KINDS
