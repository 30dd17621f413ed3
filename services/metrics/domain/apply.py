"""What each event does to a customer's record and to the aggregates.

Deterministic, and independent of order and of how events are cut into batches: the sum of the deltas
is what the record counts as. Duplicates are removed before (``journal/seen.py``).

Some events change what the record keeps whole (segment, orders, complaints); what others count as, the
KPIs say (``kpis/counting.py``).
"""

from bisect import insort
from collections.abc import Callable
from typing import Any

from services.metrics.domain.cells import Change, Delta
from services.metrics.domain.kpis.counting import EVENT_COUNTS, CountEvent, complaint_counts
from services.metrics.domain.state import CLOSED, REOPENED, RESOLVED, Complaint, Order
from services.metrics.domain.tracked import Tracked
from shared.schemas.base import Data
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintsData,
    ComplaintUpdated,
)
from shared.schemas.customers import CustomerRegistered, CustomerUpdated, Profile
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import Micros, day_of, micros

REFUND_LIMIT = 2**60

Apply = Callable[[Tracked, Any, Micros, int, Delta], None]

_MARKS: dict[type[ComplaintsData], int] = {
    ComplaintResolved: RESOLVED,
    ComplaintClosed: CLOSED,
    ComplaintReopened: REOPENED,
}
_RESPONSES = (ComplaintAcknowledged, ComplaintUpdated, ComplaintResolved)


def apply(tracked: Tracked, event: Event, event_hash: int, delta: Delta) -> None:
    """Let one event take effect on the record and the delta, both in place.

    ``event_hash`` settles which of two profiles of the same instant counts.
    """
    take = _BY_TYPE.get(type(event.data))
    if take is None:
        return
    at = micros(event.time)
    tracked.data.latest = max(tracked.data.latest, day_of(at))
    take(tracked, event.data, at, event_hash, delta)


def _profile(tracked: Tracked, data: Profile, at: Micros, event_hash: int, delta: Delta) -> None:
    version = (at, event_hash)
    if tracked.data.segment_set is not None and version <= tracked.data.segment_set:
        return
    tracked.data.segment_set = version
    segment = data.segment or ""
    if segment != tracked.data.segment:
        tracked.move(segment, delta)


def _purchase(tracked: Tracked, data: PurchaseMade, at: Micros, _: int, delta: Delta) -> None:
    if day_of(at) < tracked.data.floor:
        return
    order = _order(tracked, data.order_id, at)
    before = (order.day, order.channel)
    claim = (at, data.channel, data.total.amount, data.total.currency)
    # An order sent twice under two event ids is one order: the earliest account of it holds.
    if order.made is None or claim < (order.made, order.channel, order.amount, order.currency):
        order.made, order.channel, order.amount, order.currency = claim
    tracked.place(before, order, delta)


def _return(tracked: Tracked, data: PurchaseReturned, at: Micros, _: int, delta: Delta) -> None:
    order = _order(tracked, data.order_id, at)
    before = (order.day, order.channel)
    refunded = order.refunded.get(data.refund.currency, 0) + data.refund.amount
    order.refunded[data.refund.currency] = min(refunded, REFUND_LIMIT)
    tracked.place(before, order, delta)


def _order(tracked: Tracked, order_id: str, at: Micros) -> Order:
    order = tracked.data.orders.setdefault(order_id, Order(touched=at))
    order.touched = max(order.touched, at)
    return order


def _complaint(tracked: Tracked, data: ComplaintsData, at: Micros, _: int, delta: Delta) -> None:
    complaint = tracked.data.complaints.setdefault(data.complaint_id, Complaint())
    tracked.count(delta, complaint.channel, _negative(complaint))
    _note(complaint, data, at)
    tracked.count(delta, complaint.channel, complaint_counts(complaint))


def _negative(complaint: Complaint) -> list[Change]:
    return [(day, field, -n) for day, field, n in complaint_counts(complaint)]


def _note(complaint: Complaint, data: ComplaintsData, at: Micros) -> None:
    """Take in one fact, in place. Facts that do not matter to a KPI change nothing."""
    if isinstance(data, ComplaintOpened):
        if complaint.opened is None or (at, data.channel) < (complaint.opened, complaint.channel):
            complaint.opened, complaint.channel = at, data.channel
        return
    if isinstance(data, _RESPONSES):
        complaint.responded = at if complaint.responded is None else min(at, complaint.responded)
    mark = _MARKS.get(type(data))
    if mark is not None:
        insort(complaint.marks, (at, mark))


def _counting(count: CountEvent) -> Apply:
    def counted(tracked: Tracked, data: Data, at: Micros, _: int, delta: Delta) -> None:
        tracked.count_event(delta, day_of(at), count(data))

    return counted


def _both(one: Apply, other: Apply) -> Apply:
    def taken(tracked: Tracked, data: Data, at: Micros, event_hash: int, delta: Delta) -> None:
        one(tracked, data, at, event_hash, delta)
        other(tracked, data, at, event_hash, delta)

    return taken


def _table() -> dict[type[Data], Apply]:
    table = dict(_KEPT)
    for kind, count in EVENT_COUNTS.items():
        counting = _counting(count)
        table[kind] = _both(table[kind], counting) if kind in table else counting
    return table


_KEPT: dict[type[Data], Apply] = {
    CustomerRegistered: _profile,
    CustomerUpdated: _profile,
    PurchaseMade: _purchase,
    PurchaseReturned: _return,
    ComplaintOpened: _complaint,
    ComplaintAcknowledged: _complaint,
    ComplaintUpdated: _complaint,
    ComplaintResolved: _complaint,
    ComplaintReopened: _complaint,
    ComplaintClosed: _complaint,
}
_BY_TYPE = _table()

CONSUMES: tuple[type[Data], ...] = tuple(_BY_TYPE)
"""The event types that Metrics counts."""
