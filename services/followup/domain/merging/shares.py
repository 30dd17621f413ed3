"""What was told of each id of a customer into whom others were merged, so that it can go home again. Pure.

Each id's share is what the customer's state would have learnt if it had heard of that id alone: each event is
applied to the share as well, without its effects.
"""

from collections.abc import Callable
from dataclasses import replace

from msgspec import structs

from services.followup.domain.state import Customer, Told
from shared.domain import Context, Effects, RefusedError
from shared.schemas.base import Data
from shared.schemas.commands.followup import DeliveryReported, OutreachRequested, UnsubscribeRequested
from shared.schemas.commands.preferences import PreferencesRequested
from shared.schemas.commands.receipts import ReceiptReported
from shared.schemas.commands.rules import RulesReviewRequested
from shared.schemas.event import Event
from shared.schemas.timer import TimerFired

Act = Callable[[Customer, Event, Context], Effects[Customer]]
TELLS_NOTHING: tuple[type[Data], ...] = (
    TimerFired,
    DeliveryReported,
    ReceiptReported,
    OutreachRequested,
    RulesReviewRequested,
)
"""What says nothing of the customer that is kept by id: what comes of messages stays with these."""


def told_of(state: Customer) -> Told:
    """What was told, apart from what is made of it."""
    return Told.model_construct(**{name: getattr(state, name) for name in Told.model_fields})


def alone(told: Told) -> Customer:
    """The customer as if there was but this id, and nothing was made of it yet."""
    return Customer.model_construct(**dict(told))


def shares_of(state: Customer) -> tuple[Told, ...]:
    """What was told of each id, the customer's own first."""
    return state.shares or (told_of(state),)


def noted(
    before: Customer, event: Event, context: Context, act: Act, effects: Effects[Customer]
) -> Effects[Customer]:
    """The effects of an event, and what it says noted with the id that it was told of."""
    if effects.erase or isinstance(event.data, TELLS_NOTHING):
        return effects
    shares = {one.customer_id: one for one in shares_of(before)}
    shares.setdefault(event.told_of, Told(customer_id=event.told_of))
    for id, share in shares.items():
        heard = _for(id, event)
        if heard is not None:
            shares[id] = _learnt(share, heard, context, act)
    return replace(effects, state=effects.state.model_copy(update={"shares": tuple(shares.values())}))


def _for(id: str, event: Event) -> Event | None:
    """What an event says of this id. What a person wants no more, by a page of ours, is said of all of
    theirs."""
    as_told = structs.replace(event, subject=id, came=())
    if id == event.told_of:
        return as_told
    match event.data:
        case UnsubscribeRequested():
            return as_told
        case PreferencesRequested(words=words, pause=pause):
            refused = tuple(word for word in words if not word.granted)
            return structs.replace(as_told, data=PreferencesRequested(words=refused, pause=pause or None))
    return None


def _learnt(share: Told, event: Event, context: Context, act: Act) -> Told:
    try:
        return told_of(act(alone(share), event, context).state)
    except RefusedError:  # of a command that was not refused for all together
        return share
