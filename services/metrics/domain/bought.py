"""A purchase as nearly all are, by a shorter way than ``apply``: same record, same cells, same minutes.

It is of an order that is new, of a customer of whom nothing hangs on orders but what they count as. What such
orders come to is added up by minute and place first, and counted in all cells of that place once a write.
"""

from sys import intern
from typing import TypeAlias

from services.metrics.domain.cells import KEPT_MINUTES, MINUTE, Delta
from services.metrics.domain.kpis.counting import order_counts
from services.metrics.domain.orders import NO_RETURNS, NONE_WAITING
from services.metrics.domain.places import Where, places, shop
from services.metrics.domain.state import Order
from services.metrics.domain.ties import any_in as any_tied
from services.metrics.domain.tracked import Tracked
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import DAY, Micros, micros

Spot: TypeAlias = tuple[Micros, str, str, Where]
"""The minute (since 1970-01-01, UTC), segment and tier, and where it was bought."""

CELLS_A_SPOT = 8
"""What counts there is so many cells, about."""


class Amounts(dict[Spot, dict[str, int]]):
    """What orders count as, by spot and field, before it is counted in any cell."""

    __slots__ = ()

    def into(self, delta: Delta) -> None:
        """Count all of it there; nothing is left."""
        for (minute, segment, tier, where), fields in self.items():
            day = minute * MINUTE // DAY
            delta.count_day(day, places(segment, tier, where), fields)
            if minute >= delta.since:
                delta.count_minute(minute, fields)
        self.clear()


def bought(tracked: Tracked, event: Event, now: Micros, delta: Delta, amounts: Amounts) -> bool:
    """Let a purchase take effect as ``apply`` does, but for what is left in ``amounts``; its id is to be
    known. False, and nothing changes, where this is no such purchase."""
    record, data = tracked.data, event.data
    assert isinstance(data, PurchaseMade)
    if (
        data.order_id in record.orders
        or record.waiting
        or record.answers
        or record.trials
        or record.names
        or record.months is None
        or not record.by_days
        or any_tied(record)
    ):
        return False
    at = micros(event.time)
    day = at // DAY
    if day < record.floor:
        return False
    since = now // MINUTE - KEPT_MINUTES
    if since > delta.since:
        delta.since = since
    touched = min(at, now)  # a clock that runs ahead makes nothing older, and keeps no order longer
    then = touched // DAY
    if then > record.latest:
        record.latest = then
    if then < record.since:
        record.since = then
    channel, store, total = intern(data.channel), intern(data.store_id or ""), data.total
    order = record.orders[data.order_id] = Order(
        touched=touched,
        made=at,
        channel=channel,
        amount=total.amount,
        currency=intern(total.currency),
        left=total.amount,
        lines=len(data.items),
        returns=NO_RETURNS,
        waiting=NONE_WAITING,
        store=store,
    )
    where = shop(channel, store)
    tracked.put(day, where, delta)
    spot = at // MINUTE, record.segment, record.tier, where
    fields = amounts.get(spot)
    if fields is None:
        fields = amounts[spot] = {}
    for _, field, n in order_counts(order):  # all when it was made
        fields[field] = fields.get(field, 0) + n
    return True
