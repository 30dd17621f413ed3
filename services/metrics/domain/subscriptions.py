"""Subscriptions as one customer's record keeps them; what they make of each other says ``terms``."""

from services.metrics.domain.cells import Delta
from services.metrics.domain.state import Ids
from services.metrics.domain.terms import known_as, step_of, with_step
from services.metrics.domain.tracked import Tracked
from shared.schemas.event import Event
from shared.schemas.purchases import SubscriptionCancelled, SubscriptionTerm
from shared.schemas.times import Micros


def told(tracked: Tracked, event: Event, at: Micros, now: Micros, delta: Delta, id: int) -> Ids:
    """A term or a cancellation; a copy changes nothing. The id of a term that is told otherwise than before
    is not to be known: it is interactions' dead letter, and may be put right."""
    data = event.data
    assert isinstance(data, SubscriptionTerm | SubscriptionCancelled)
    new, steps = step_of(event, at), tracked.data.subscriptions.get(data.subscription_id, [])
    known = known_as(steps, new)
    if known is not None:
        return (id,) if known.told == new.told else ()
    tracked.data.subscriptions[data.subscription_id] = with_step(steps, new)
    return (id,)
