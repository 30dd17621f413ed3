"""What followup plans next, as its own events tell it: a message is planned until it tells an end of it.

Where ids are merged the end may be heard here first, as the plan is on its way with what it was told of: what
has ended is planned no more, whenever that comes."""

from collections.abc import Iterable

from services.interactions.domain.activity.kept import Planned
from services.interactions.domain.state import MAX_ENDED, MAX_PLANNED, Customer, altered
from services.interactions.domain.telling import Change, Told
from shared.facts.names import NAME_BYTES, Name, joined, key, place_of, with_name
from shared.schemas.outreach import OutreachData, OutreachScheduled
from shared.schemas.times import Micros, micros

ENDED_DAYS = 30
"""An end whose plan was not heard is known for so long, at least."""
_DAY = slice(12, 14)


def outreach_planned(customer: Customer, told: OutreachScheduled, at: Micros) -> Customer:
    """Of too many those due first are kept."""
    new = Planned(
        outreach_id=told.outreach_id, rule=told.rule, channel=told.channel, due_at=micros(told.due_at)
    )
    if not _awaited((new,), customer.ended):
        return customer
    others = (p for p in customer.planned if p.outreach_id != told.outreach_id)
    return altered(customer, planned=_first((*others, new)))


def outreach_ended(customer: Customer, told: Told) -> Change:
    """Sent, failed for good, not allowed or no longer wanted: it is planned no more."""
    data = told.event.data
    assert isinstance(data, OutreachData)
    left = tuple(p for p in customer.planned if p.outreach_id != data.outreach_id)
    if len(left) < len(customer.planned):
        return Change(altered(customer, planned=left))
    name = Name("outreach", key("outreach", data.outreach_id), bytes(4))
    if place_of(customer.ended, name.key, NAME_BYTES) is not None:
        return Change(customer)
    since = (told.day - ENDED_DAYS).to_bytes(2) if told.day > ENDED_DAYS else bytes(2)
    return Change(altered(customer, ended=_latest(with_name(customer.ended, name, told.day), since)))


def planned_joined(whole: Customer, piece: Customer) -> tuple[Planned, ...]:
    """What both have planned, but what the end of is known to either."""
    known = {one.outreach_id for one in whole.planned}
    more = (one for one in piece.planned if one.outreach_id not in known)
    return _first(_awaited((*whole.planned, *more), ended_joined(whole, piece)))


def ended_joined(whole: Customer, piece: Customer) -> bytes:
    """The ends of which either knows and had no plan."""
    return _latest(joined((whole.ended, piece.ended), NAME_BYTES), bytes(2))


def _awaited(planned: Iterable[Planned], ended: bytes) -> tuple[Planned, ...]:
    if not ended:
        return tuple(planned)
    names = ((one, key("outreach", one.outreach_id)) for one in planned)
    return tuple(one for one, name in names if place_of(ended, name, NAME_BYTES) is None)


def _first(planned: Iterable[Planned]) -> tuple[Planned, ...]:
    return tuple(sorted(planned, key=lambda one: (one.due_at, one.outreach_id))[:MAX_PLANNED])


def _latest(ended: bytes, since: bytes) -> bytes:
    """Those of the day ``since`` and later."""
    start = max(0, len(ended) - MAX_ENDED * NAME_BYTES)
    while start < len(ended) and ended[start : start + NAME_BYTES][_DAY] < since:
        start += NAME_BYTES
    return ended[start:]
