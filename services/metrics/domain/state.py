"""A customer's record as it is stored: all that is needed to say what the customer counts as.

What happened is kept as times in order, not as a status, so that facts which arrive in another order, or
late, end in the same counts.
"""

import msgspec

from shared.schemas.times import Micros, day_of

BEGINNING = -(2**31)
"""A day before all others."""
RESOLVED, CLOSED, REOPENED = 0, 1, 2


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


class Complaint(msgspec.Struct, array_like=True):
    """What is known of a complaint; its opening may come last."""

    opened: Micros | None = None
    channel: str = ""
    responded: Micros | None = None
    """The first acknowledgement, update or resolution."""
    marks: list[tuple[Micros, int]] = []
    """(time, RESOLVED, CLOSED or REOPENED), sorted."""

    @property
    def latest(self) -> Micros:
        """The latest time it knows."""
        last_mark = self.marks[-1][0] if self.marks else 0
        return max(self.opened or 0, self.responded or 0, last_mark)

    @property
    def is_open(self) -> bool:
        """Whether it is open after all its facts."""
        return self.opened is not None and (not self.marks or self.marks[-1][1] == REOPENED)


class Customer(msgspec.Struct, array_like=True):
    """The record as it is stored (MessagePack)."""

    segment: str = ""
    segment_set: tuple[Micros, int] | None = None
    """(time, event hash) of the profile it is from: the latest wins."""
    orders: dict[str, Order] = {}
    complaints: dict[str, Complaint] = {}
    counts: dict[int, dict[str, int]] = {}
    """What its events count as by themselves: day to fields."""
    latest: int = BEGINNING
    """Day of the latest fact."""
    floor: int = BEGINNING
    """Orders before this day are no longer kept: they stay counted as they were."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Customer)


def encode(customer: Customer) -> bytes:
    return _encoder.encode(customer)


def decode(data: bytes) -> Customer:
    return _decoder.decode(data)
