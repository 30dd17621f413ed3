"""Facts that wait for what they are about, or were refused for want of another: kept as they were told."""

from collections.abc import Iterator

from services.interactions.domain.owners import owner_of_held
from services.interactions.domain.rows import TIMELINE
from services.interactions.domain.state import MAX_HELD, Complaint, Customer, Held, altered
from services.interactions.domain.telling import Note, Told
from services.interactions.domain.timeline import timeline_row
from services.interactions.errors import TOO_MANY_WAITING
from shared.domain import Put, RefusedError, Retract, Unseen
from shared.schemas.base import Data
from shared.schemas.codec import encode_data
from shared.schemas.event import Event, extensions_of
from shared.schemas.times import Micros, moment
from shared.schemas.topics import TYPES


def holding(customer: Customer, told: Told, about: str, until: Micros | None) -> Customer:
    """The customer with one more held fact; ``until`` None is of one that was refused, of which the oldest
    makes room. Raises ``too_many_waiting``."""
    event, held = told.event, customer.held
    if len(held) >= MAX_HELD:
        oldest = next((h for h in held if h.until is None), None)
        if oldest is None:
            raise TOO_MANY_WAITING(most=MAX_HELD)
        held = tuple(h for h in held if h is not oldest)
    new = Held(
        source=event.source,
        id=event.id,
        type=event.type,
        about=about,
        at=told.at,
        told=encode_data(event.data).decode(),
        extensions=event.extensions_text,
        origin=told.context.origin,
        subject=event.subject if event.been else None,
        until=until,
    )
    return altered(customer, held=(*held, new))


def without(customer: Customer, gone: list[Held]) -> Customer:
    """Those are held no more."""
    if not gone:
        return customer
    left = tuple(h for h in customer.held if not any(h is one for one in gone))
    return altered(customer, held=left)


def held_about(customer: Customer, about: str, topic: str) -> Iterator[Held]:
    """The facts of a topic that are held and about this order or complaint, the first heard first."""
    return (h for h in customer.held if h.about == about and TYPES[h.type].topic == topic)


def data_of(held: Held) -> Data:
    """What the fact says, as it was told."""
    return TYPES[held.type].model_validate_json(held.told)


def event_of(customer: Customer, held: Held) -> Event:
    """The event, as it came."""
    return Event(
        held.id,
        held.source,
        held.subject or customer.customer_id,
        moment(held.at),
        data_of(held),
        extensions=extensions_of(held.extensions),
    )


def row_of(customer: Customer, held: Held, note: Note | None, complaint: Complaint | None = None) -> Put:
    """The fact's row of the timeline, in the place of the one that says that it waits or was refused."""
    owner = owner_of_held(customer, held)
    row = timeline_row(event_of(customer, held), held.at, note, complaint, customer_id=owner)
    return Put(TIMELINE, row.document())


def retracted(customer: Customer, held: Held, refusal: RefusedError) -> Retract:
    """The fact as a dead letter."""
    return Retract(event_of(customer, held), held.origin, refusal.code, refusal.reason)


def unseen(customer: Customer, held: Held) -> Unseen:
    """The fact as one that has no effect after all, and is another service's dead letter."""
    return Unseen(event_of(customer, held), held.origin)
