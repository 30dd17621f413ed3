"""The clocks of a conversation that is no complaint, as of now: nothing tells of them, they are shown."""

from collections.abc import Iterator

from services.interactions.domain.conversations.course import Conversation
from services.interactions.domain.sla.clocks import clocks
from services.interactions.domain.sla.course import Course as Clocks
from services.interactions.domain.sla.log import Fact, Kind, MatchField
from services.interactions.domain.sla.policy import Sla
from services.interactions.domain.state import Customer
from shared.schemas.times import Micros


def clocks_of(customer: Customer, found: Conversation, sla: Sla, now: Micros) -> Clocks:
    """By the policies that are for conversations."""
    return clocks(log_of(customer, found), sla, now, subject="conversations")


def log_of(customer: Customer, found: Conversation) -> Iterator[Fact]:
    """It opens with the customer's first message, and again with the first after it was closed: until then
    nobody waits for an answer."""
    begun = is_open = False
    for at, kind in _happened(found):
        if kind == Kind.INBOUND and not begun:
            begun = is_open = True
            yield from _opened(customer, found, at)
        elif kind == Kind.INBOUND and not is_open:
            is_open = True
            yield Fact(at, Kind.REOPENED)
        elif begun and is_open:
            is_open = kind != Kind.CLOSED
            yield Fact(at, kind)


def _opened(customer: Customer, found: Conversation, at: Micros) -> Iterator[Fact]:
    """With the customer's tier and segment as they were then, and became."""
    known: dict[MatchField, str | None] = {
        "channel": next(m.channel for m in found.messages if m.by == "customer")
    }
    for one in customer.matched:  # by time
        if one.at <= at:
            known[one.field] = one.value
        else:
            yield Fact(one.at, Kind.CHANGED, ((one.field, one.value),))
    yield Fact(at, Kind.OPENED, tuple(known.items()))


def _happened(found: Conversation) -> list[tuple[Micros, Kind]]:
    kinds = {"inbound": Kind.INBOUND, "answered": Kind.ANSWERED}
    said = [(turn.at, kinds[turn.kind]) for turn in found.turns()]
    return sorted([*said, *((at, Kind.CLOSED) for at, over in found.ends if over)])
