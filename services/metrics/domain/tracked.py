"""A customer's record in memory, and how a change of it becomes a change of cells.

The aggregates are the sum, over customers, of what each counts as. So the record is made such that
the order of its events does not matter, and a customer who changes segment takes all along.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from services.metrics.domain import gaps
from services.metrics.domain.cells import Change, Delta, add
from services.metrics.domain.kpis.counting import complaint_counts
from services.metrics.domain.state import Complaint, Customer, Order
from shared.facts.names import Name, key, with_name
from shared.facts.orders import RETURNABLE_DAYS
from shared.schemas.times import day_of

KEEP_DAYS = RETURNABLE_DAYS
"""How long facts stay open to correction, counted back from the customer's latest."""
KEEP_ORDERS = 2_000
KEEP_COMPLAINTS = 1_000
"""The most kept of one customer: a till's "guest" must not grow a document past all bounds."""
NEIGHBOURS = 2
"""An order counts by so many after it."""
_ALL = "*"
"""The name of the chain of all channels; no channel has it, an asterisk is not allowed in one."""


class Tracked:
    """A record, with the days of its orders in order: of all, and by channel.

    An order counts by the two that come after it (``gaps``). So when one goes, the two before it count anew,
    and so they do when one is added: these must be known, though they are kept no longer.
    """

    __slots__ = ("_days", "data")

    def __init__(self, data: Customer) -> None:
        self.data = data
        self._days: dict[str, list[int]] = {name: [*days] for name, days in data.past.items()}
        for order in data.orders.values():
            day = order.day
            if day is not None:
                for channel, _ in _chains(order.channel):
                    self._days.setdefault(channel, []).append(day)
        for days in self._days.values():
            days.sort()

    def place(self, before: tuple[int | None, str], order: Order, delta: Delta) -> None:
        """An order changed: move it from where it counted, (day, channel), to where it counts now."""
        after = (order.day, order.channel)
        if before == after:
            return
        for (day, channel), change in ((before, gaps.remove), (after, gaps.insert)):
            if day is None:
                continue
            for name, chain in _chains(channel):
                changes = change(self._days.setdefault(name, []), day, chain)
                self.count(delta, "" if chain == gaps.ANY else channel, changes)

    def count(self, delta: Delta, channel: str, changes: Iterable[Change]) -> None:
        """Add changes to the cells of the customer's segment and a channel."""
        for day, field, n in changes:
            add(delta, (day, self.data.segment, channel, field), n)

    def count_event(self, delta: Delta, day: int, counts: Mapping[str, int]) -> None:
        """Add what one event counts as by itself: fields of its day, under no channel."""
        fields = self.data.counts.setdefault(day, {})
        for field, n in counts.items():
            fields[field] = fields.get(field, 0) + n
            add(delta, (day, self.data.segment, "", field), n)

    def move(self, segment: str, delta: Delta) -> None:
        """Take all that the customer counts as to another segment."""
        for day, channel, field, n in self.counted():
            add(delta, (day, self.data.segment, channel, field), -n)
            add(delta, (day, segment, channel, field), n)
        self.data.segment = segment

    def place_in(self, segment: str, delta: Delta) -> None:
        """What health makes of the customer: it holds where the profile names no segment."""
        data = self.data
        if data.segment and not data.placed:
            return
        data.placed = True
        self.move(segment, delta)

    def counted(self) -> Iterator[tuple[int, str, str, int]]:
        """All that the customer counts as: day, channel, field, count."""
        for name, days in self._days.items():
            chain = gaps.ANY if name == _ALL else gaps.BY_CHANNEL
            for day, field, n in gaps.counted(days, chain):
                yield day, "" if name == _ALL else name, field, n
        for complaint in self.data.complaints.values():
            for day, field, n in complaint_counts(complaint):
                yield day, complaint.channel, field, n
        for day, fields in self.data.counts.items():
            for field, n in fields.items():
                yield day, "", field, n

    def trim(self) -> None:
        """Forget what is too old, or too much, to be corrected. What it counted as stays counted."""
        data = self.data
        oldest = data.latest - KEEP_DAYS
        if data.counts and min(data.counts) < oldest:
            data.counts = {day: fields for day, fields in data.counts.items() if day >= oldest}
            data.answers = {name: one for name, one in data.answers.items() if day_of(one.at) >= oldest}
        if len(data.complaints) > KEEP_COMPLAINTS or any(
            day_of(c.latest) < oldest for c in data.complaints.values()
        ):
            data.complaints = _newest_complaints(data.complaints, oldest)
        if len(data.orders) > KEEP_ORDERS or any(day_of(o.touched) < oldest for o in data.orders.values()):
            self._trim_orders(oldest)

    def _trim_orders(self, oldest: int) -> None:
        data = self.data
        kept = {name: o for name, o in data.orders.items() if day_of(o.touched) >= oldest}
        data.floor = max(data.floor, oldest)
        if len(kept) > KEEP_ORDERS:
            ranked = sorted(kept.items(), key=lambda item: (item[1].touched, item[0]))
            kept = dict(ranked[-KEEP_ORDERS:])
            data.floor = max(data.floor, min(day_of(o.touched) for o in kept.values()))
            for order_id, _ in ranked[:-KEEP_ORDERS]:
                data.names = with_name(data.names, Name("order", order_key(order_id), bytes(4)), data.latest)
        live: dict[str, list[int]] = {}
        for order in kept.values():
            if order.day is not None:
                for channel, _ in _chains(order.channel):
                    live.setdefault(channel, []).append(order.day)
        gone = {name: _without(days, live.get(name, ())) for name, days in self._days.items()}
        past = {name: _beside(days, live.get(name, ())) for name, days in gone.items()}
        data.past = {name: days for name, days in past.items() if days}
        data.orders = kept
        data.waiting = {id: name for id, name in data.waiting.items() if name in kept}
        self._days = Tracked(data)._days


def order_key(order_id: str) -> bytes:
    """The name of an order that is no longer kept."""
    return key("order", order_id)


def _chains(channel: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (_ALL, gaps.ANY), (channel, gaps.BY_CHANNEL)


def _newest_complaints(kept: dict[str, Complaint], oldest: int) -> dict[str, Complaint]:
    """Without those long over; of too many the newest. An open one stays as long as there is room."""
    wanted = {name: c for name, c in kept.items() if day_of(c.latest) >= oldest or c.life.is_open}
    ranked = sorted(wanted.items(), key=lambda item: (item[1].life.is_open, item[1].latest, item[0]))
    return dict(ranked[-KEEP_COMPLAINTS:])


def _without(days: Sequence[int], others: Sequence[int]) -> list[int]:
    """The days, in order, less one for each of the others."""
    return sorted((Counter(days) - Counter(others)).elements())


def _beside(gone: Sequence[int], live: Sequence[int]) -> list[int]:
    """Of days that are gone, in order: the last two, after which a new one comes, and the two before and the
    two after each that may still go. What lies between never counts anew."""
    wanted = {*range(max(0, len(gone) - NEIGHBOURS), len(gone))}
    for day in live:
        at = bisect_right(gone, day)
        wanted |= {*range(max(0, at - NEIGHBOURS), min(len(gone), at + NEIGHBOURS))}
    return [gone[i] for i in sorted(wanted)]
