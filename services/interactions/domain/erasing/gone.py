"""A customer who is erased: whoever was told of them is told that there is nothing any more. Pure."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from msgspec import structs

from services.interactions.domain.aliases.asking import given_up
from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.merging.course import SOURCE
from services.interactions.domain.routing.watch import watched
from services.interactions.domain.state import Customer, altered, initial
from services.interactions.domain.telling import Told
from services.interactions.errors import UNKNOWN_ERASURE
from shared.domain import Context, Effects, Emit, Outcome
from shared.schemas.commands.customers import CustomerEraseRequested
from shared.schemas.commands.erasures import ErasureLiftRequested, ErasureNoteRequested
from shared.schemas.customers import CustomerErased, ErasureCompleted, ErasureData
from shared.schemas.event import Event

HashOf: TypeAlias = Callable[[str], str]
"""What stands for the id of somebody who is erased."""
ERASING = (CustomerEraseRequested, ErasureLiftRequested, ErasureData)
"""What is told of erasures, but for the fact itself, which merged ids pass on to each other."""
ERASURE_COMMANDS = (CustomerEraseRequested, ErasureLiftRequested, ErasureNoteRequested)
BEGUN = Outcome(202, {"status": "begun"})
"""What whoever asks for an erasure is answered."""


def gone(desk: Desk, hash_of: HashOf, customer: Customer, told: Told) -> Effects[Customer]:
    """All of the customer goes. The certificate begins; teams and agents do not have their conversations any
    more, their aliases are free for the next, and they are sought nowhere."""
    now = told.context.now
    begun = Emit(ErasureNoteRequested(what="begun", at=now), now, hash_of(customer.customer_id))
    return Effects(customer, (begun, *given_away(desk, customer, told)), erase=True)


def given_away(desk: Desk, customer: Customer, told: Told) -> tuple[Emit, ...]:
    """What others are told, now that nothing is left of all that the customer has."""
    empty = altered(initial(customer.customer_id), merging=customer.merging, routing=customer.routing)
    left = watched(desk, customer, Effects(empty), told)
    return (*left.emits, *given_up(customer.called, told.event))


def told(
    hash_of: HashOf,
    customer: Customer,
    event: Event,
    context: Context,
    erase: Callable[[Event], Effects[Customer]],
) -> Effects[Customer]:
    """What is told of an erasure to somebody who is there. The wish becomes the fact, which takes effect at
    once (``erase``), is emitted first, and answered. A service may be done before it begins here. Raises
    ``unknown_erasure``."""
    match event.data:
        case CustomerEraseRequested():
            fact = structs.replace(
                event, id=context.emitted(0), source=SOURCE, data=CustomerErased(), came=(), been=()
            )
            effects = erase(fact)
            return replace(effects, emits=(Emit(fact.data, fact.time), *effects.emits), outcome=BEGUN)
        case ErasureCompleted():
            return Effects(customer, (completed(hash_of(event.subject), event.data, event.time),))
        case ErasureLiftRequested():
            raise UNKNOWN_ERASURE()
    return Effects(customer)


def completed(hash: str, data: ErasureCompleted, at: datetime) -> Emit:
    """For the certificate: a service is done."""
    note = ErasureNoteRequested(what="completed", at=at, service=data.service, removed=data.removed)
    return Emit(note, at, hash)
