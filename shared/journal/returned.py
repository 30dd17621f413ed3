"""Customers who came back with an older store: they are erased again by the service's own rules, so that its
sums hold and whoever was told of them hears that they are gone. Pure."""

from collections.abc import Sequence
from datetime import datetime

from shared.journal.erasing import Chore
from shared.schemas.customers import CustomerErased
from shared.schemas.event import Event
from shared.schemas.times import EPOCH, micros
from shared.worker.processing import TIMER_TOPIC, Batch, Message, Origin

AT_ONCE = 100
"""So many are erased in one batch, and others' events go between."""
REFUSED = ""
"""For the uid in the chore of one whom the service could not erase: the dead letter says why."""


def erased_again(
    service: str, partition: int, partitions: int, chores: Sequence[Chore], now: datetime | None
) -> Batch:
    """A batch as if it were told that these are erased. ``now`` is the wall clock or the watermark, None
    where there is none yet. It comes before whatever is due: none of their timers may fire."""
    at = now or EPOCH
    messages = (Message(partition, EPOCH, _event(service, chore, at), _origin(chore)) for chore in chores)
    return Batch(partition, partitions, tuple(messages), at, at)


def _origin(chore: Chore) -> Origin:
    """It is in no topic: as of a timer's firing, what it emits is in the outbox until it is published. Each
    has one of its own, by which a bad one is known again."""
    return Origin(TIMER_TOPIC, -1, int(chore.hash[:12], 16))


def _event(service: str, chore: Chore, at: datetime) -> Event:
    # Whoever comes back a second time is erased by another event.
    id = f"{chore.hash}.{micros(chore.at)}"
    return Event(id, f"/rapport/{service}/erasing", chore.customer, at, CustomerErased())
