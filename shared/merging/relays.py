"""Events that are told of a customer who is another by now: wrapped for the survivor, and opened there."""

import json

from msgspec import structs

from shared.domain import Emit
from shared.schemas.base import Data
from shared.schemas.codec import decode, encode
from shared.schemas.commands.merging import MERGING, HandOver, Relay
from shared.schemas.customers import CustomerErased
from shared.schemas.envelope import structured
from shared.schemas.event import Event
from shared.schemas.merges import Merge


def relay_class(service: str) -> type[Data] | None:
    """What the service's relays are; a service of tests has none."""
    commands = MERGING.get(service)
    return None if commands is None else commands.relay


def relayed(kind: type[Relay], event: Event, customer: str, path: tuple[Merge, ...]) -> Emit:
    """The event, for another customer, to whom it comes by ``path``."""
    as_told, _ = encode(structs.replace(event, subject=event.told_of))
    about = {"tells": event.data.others()} if event.data.tells_of else {}
    data = kind(customer=customer, path=path, been=_been(event), event=json.loads(as_told), **about)
    return Emit(data, event.time, customer)


def opened(relay: Event) -> Event:
    """The event within a relay, as the domain of the survivor sees it. Raises ``BadRecordError``."""
    data = relay.data
    assert isinstance(data, Relay)
    envelope = structured(json.dumps(data.event, ensure_ascii=False).encode())
    # How far its time is ahead was judged when it was told.
    event = decode(envelope, wall_now=envelope.time)
    return structs.replace(
        event, subject=relay.subject, came=data.path, been=data.been, traceparent=relay.traceparent
    )


def uid_at(event: Event, customer: str) -> str:
    """What the event's uid is with that customer, to whom it is relayed next."""
    return structs.replace(event, subject=customer, been=_been(event)).uid


def erased_with(service: str, event: Event) -> tuple[Emit, ...]:
    """What is told where things come to somebody who was erased meanwhile: whose they were has been the same
    person, and is erased too."""
    data = event.data
    if not isinstance(data, HandOver):
        return ()
    fact = structs.replace(event, data=CustomerErased(), came=(), been=())
    whose = dict.fromkeys((data.customer, *(merge.customer for merge in data.absorbed)))
    return tuple(relayed(MERGING[service].relay, fact, id, ()) for id in whose if id != event.subject)


def _been(event: Event) -> tuple[str, ...]:
    return (*event.been, event.subject)
