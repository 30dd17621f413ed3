"""Events with rows in the timeline whose ids count as not seen: the event put right, under the same id, takes
the row's place."""

from collections.abc import Iterable

from services.interactions.domain.rows import TIMELINE, TimelineRow
from services.interactions.domain.state import MAX_NOTED, Customer, altered
from services.interactions.domain.telling import Told
from shared.domain import Append, Put, Retract, Unseen
from shared.facts.names import NAME_BYTES, Heard, Name, heard, key, with_name
from shared.schemas.event import Event


def timeline_write(customer: Customer, told: Told, row: TimelineRow, *, again: bool) -> Append | Put:
    """The write of an event's row: the first of its id is the cheaper one. ``again``: it may be there."""
    if not again and customer.noted:
        # Where as many are noted as may be, there were more.
        full = len(customer.noted) >= MAX_NOTED * NAME_BYTES
        again = full or heard(customer.noted, _name(told.event)) is not Heard.NEW
    return Put(TIMELINE, row.document()) if again else Append(TIMELINE, row.document())


def noted(customer: Customer, bad: Iterable[Retract | Unseen], day: int) -> Customer:
    """The customer with these noted, heard of on ``day``."""
    names = customer.noted
    for one in bad:
        name = _name(one.event)
        if heard(names, name) is Heard.NEW:
            names = with_name(names, name, day)[-MAX_NOTED * NAME_BYTES :]
    return customer if names is customer.noted else altered(customer, noted=names)


def _name(event: Event) -> Name:
    return Name("event", key("event", event.uid), bytes(4))
