"""A customer's record: all that is needed to say what the customer counts as.

The aggregates are the sum, over customers, of what each counts as. So the record is made such that
the order of its events does not matter, and a customer who changes segment takes all along.
"""

from collections.abc import Iterable, Iterator

import msgspec

from services.metrics.domain import complaints
from services.metrics.domain import gaps as purchases
from services.metrics.domain.cells import Delta, add
from services.metrics.domain.complaints import Complaint
from shared.schemas.times import Micros, day_of

KEEP_DAYS = 800
"""How long facts stay open to correction, counted back from the customer's latest."""
KEEP_ORDERS = 2_000
KEEP_COMPLAINTS = 1_000
"""The most kept of one customer: a till's "guest" must not grow a document past all bounds."""
BEGINNING = -(2**31)


class Order(msgspec.Struct, array_like=True):
    """A purchase, or what is known of it: a return may come first. Amounts in minor units."""

    touched: Micros
    """Time of its latest event."""
    made: Micros | None = None
    channel: str = ""
    amount: int = 0
    currency: str = ""
    refunded: dict[str, int] = {}
    """By currency."""

    @property
    def day(self) -> int | None:
        """The day it counts on; None if it does not: not made yet, or paid back in full."""
        if self.made is None or 0 < self.amount <= self.refunded.get(self.currency, 0):
            return None
        return day_of(self.made)


class Customer(msgspec.Struct, array_like=True):
    """The record as it is stored (MessagePack)."""

    segment: str = ""
    segment_set: tuple[Micros, int] | None = None
    """(time, event hash) of the profile it is from: the latest wins."""
    orders: dict[str, Order] = {}
    complaints: dict[str, Complaint] = {}
    counts: dict[int, dict[str, int]] = {}
    """Answers and points: day to fields."""
    latest: int = BEGINNING
    """Day of the latest fact."""
    floor: int = BEGINNING
    """Orders before this day are no longer kept: they stay counted as they were."""


class Tracked:
    """A record in memory, with the days of its orders in order: of all, and by channel."""

    __slots__ = ("_days", "data")

    def __init__(self, data: Customer) -> None:
        self.data = data
        self._days: dict[str, list[int]] = {}
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
        for (day, channel), change in ((before, purchases.remove), (after, purchases.insert)):
            if day is None:
                continue
            for name, chain in _chains(channel):
                changes = change(self._days.setdefault(name, []), day, chain)
                self.count(delta, "" if chain == purchases.ANY else channel, changes)

    def count(self, delta: Delta, channel: str, changes: Iterable[tuple[int, str, int]]) -> None:
        """Add changes (day, field, count) to the cells of the customer's segment and a channel."""
        for day, field, n in changes:
            add(delta, (day, self.data.segment, channel, field), n)

    def move(self, segment: str, delta: Delta) -> None:
        """Take all that the customer counts as to another segment."""
        for day, channel, field, n in self.counted():
            add(delta, (day, self.data.segment, channel, field), -n)
            add(delta, (day, segment, channel, field), n)
        self.data.segment = segment

    def counted(self) -> Iterator[tuple[int, str, str, int]]:
        """All that the customer counts as: day, channel, field, count."""
        for name, days in self._days.items():
            chain = purchases.ANY if name == _ALL else purchases.BY_CHANNEL
            for day, field, n in purchases.counted(days, chain):
                yield day, "" if name == _ALL else name, field, n
        for complaint in self.data.complaints.values():
            for day, field, n in complaints.counted(complaint):
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
            kept = dict(sorted(kept.items(), key=lambda item: (item[1].touched, item[0]))[-KEEP_ORDERS:])
            data.floor = max(data.floor, min(day_of(o.touched) for o in kept.values()))
        data.orders = kept
        self._days = Tracked(data)._days


_ALL = "*"
"""The name of the chain of all channels; no channel has it, an asterisk is not allowed in one."""


def _chains(channel: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (_ALL, purchases.ANY), (channel, purchases.BY_CHANNEL)


def _newest_complaints(kept: dict[str, Complaint], oldest: int) -> dict[str, Complaint]:
    """Without those long over; of too many the newest. An open one stays as long as there is room."""
    wanted = {k: c for k, c in kept.items() if day_of(c.latest) >= oldest or complaints.is_open(c)}
    ranked = sorted(wanted.items(), key=lambda item: (complaints.is_open(item[1]), item[1].latest, item[0]))
    return dict(ranked[-KEEP_COMPLAINTS:])


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Customer)


def encode(customer: Customer) -> bytes:
    return _encoder.encode(customer)


def decode(data: bytes) -> Customer:
    return _decoder.decode(data)
