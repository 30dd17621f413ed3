"""The record of several ids that are one customer, in memory: their parts beside it."""

from collections.abc import Callable, Iterable, Mapping

from services.metrics.domain.cells import Cell, Delta, add, add_minutes
from services.metrics.domain.merging.joining import joined, part_of
from services.metrics.domain.parts import Merging
from services.metrics.domain.state import Customer, Ids, decode, encode
from services.metrics.domain.texts import Raised, taken
from services.metrics.domain.themes import Matcher
from services.metrics.domain.tracked import Tracked
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintsData
from shared.schemas.event import Event
from shared.schemas.interactions import InteractionsData
from shared.schemas.purchases import PurchaseReturned, SubscriptionCancelled, SubscriptionTerm
from shared.schemas.times import Micros


class Joined(Tracked):
    """``data`` is what the parts come to as of the last ``settle``."""

    __slots__ = ("_before", "late", "own", "parts")

    def __init__(self, own: str, data: Customer, parts: Mapping[str, Tracked] | None = None) -> None:
        """``own``: the id under which they go on; ``parts``: as the record has them."""
        super().__init__(data)
        self.own = own
        stored = data.merging.parts if data.merging is not None else {}
        self.parts = (
            {name: Tracked(decode(part)) for name, part in stored.items()} if parts is None else {**parts}
        )
        self._before: list[tuple[Cell, int]] | None = None
        """What they counted as, where something was told since ``settle``,"""
        self.late = False
        """and not only what moves no day that was told."""

    def take(
        self, event: Event, told_of: str, now: Micros, id: int, themes: Matcher, delta: Delta
    ) -> tuple[Ids, list[Raised]]:
        """Let an event take effect on the part that it belongs to; what the parts count as follows with
        ``settle``, of the delta here the minutes alone. ``told_of``: the id that it was told of."""
        if self._before is None:
            self._before = [*self.counted()]  # parts and record have things in common
        part = self.parts.setdefault(_home(self.parts, event, told_of), unheard_of())
        aside = Delta()
        aside.since = delta.since
        ids, raised = taken(part, event, now, aside, id, themes)
        delta.since = max(delta.since, aside.since)
        add_minutes(delta.minutes, aside.minutes)
        return ids, raised

    def settle(self, delta: Delta) -> None:
        """Count what was told since."""
        if self._before is not None:
            count(delta, self._before, -1)
            self.renew()
            count(delta, self.counted(), 1)
        self._before, self.late = None, False

    def renew(self) -> None:
        """Become what the parts come to now; nothing is counted."""
        parts = {name: part.data for name, part in self.parts.items()}
        super().__init__(joined(parts, self.own, self.data))

    def trim(self) -> None:
        """Of each part what is too old, or too much. What it counted as stays counted; then it is as it is
        stored."""
        for part in self.parts.values():
            part.trim()
        self.renew()
        assert self.data.merging is not None
        self.data.merging.parts = {name: encode(part.data) for name, part in self.parts.items()}


def count(delta: Delta, cells: Iterable[tuple[Cell, int]], sign: int) -> None:
    """Count what a record counts as, or take it back."""
    for cell, n in cells:
        add(delta, cell, sign * n)


def unheard_of() -> Tracked:
    """A record of whom nothing is known."""
    return Tracked(Customer(by_days=True, months={}))


def tracked_of(name: str, record: Customer) -> Tracked:
    """A record in memory."""
    if record.merging is not None and record.merging.parts:
        return Joined(name, record)
    return Tracked(record)


def parted(name: str, tracked: Tracked) -> Joined:
    """A record with parts; one that has none yet is its own."""
    if isinstance(tracked, Joined):
        return tracked
    own = Tracked(part_of(tracked.data))
    tracked.data.merging = tracked.data.merging or Merging()
    return Joined(name, tracked.data, {name: own})


def _home(parts: Mapping[str, Tracked], event: Event, told_of: str) -> str:
    """The part that an event belongs to: the one that knows what it goes on about (an order that is returned,
    a complaint, a conversation, a subscription), where that is another than the id that it was told of."""
    knows = _knows(event.data)
    if knows is None or (told_of in parts and knows(parts[told_of].data)):
        return told_of
    return next((name for name in sorted(parts) if knows(parts[name].data)), told_of)


def _knows(data: Data) -> Callable[[Customer], bool] | None:
    """Whether a record has what the event is about; None where it begins something, or is about nothing."""
    match data:
        case PurchaseReturned(order_id=order):
            return lambda record: order in record.orders and record.orders[order].made is not None
        case ComplaintsData(complaint_id=complaint):
            return lambda record: complaint in record.complaints and bool(record.complaints[complaint].steps)
        case SubscriptionTerm(subscription_id=name) | SubscriptionCancelled(subscription_id=name):
            return lambda record: name in record.subscriptions
        case InteractionsData():
            conversation: str | None = getattr(data, "conversation_id", None)
            return lambda record: conversation in record.talks
    return None
