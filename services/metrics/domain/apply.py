"""What each event does to a customer's record and to the aggregates.

Deterministic, and independent of order and of how events are cut into batches: the sum of the deltas
is what the record counts as. Duplicates are removed before (``seen.py``).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from services.metrics.domain import complaints
from services.metrics.domain.cells import Delta, add
from services.metrics.domain.complaints import Complaint
from services.metrics.domain.kpis import surveys as scores
from services.metrics.domain.state import Order, Tracked
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
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.loyalty import LedgerEntry, PointsEarned, PointsRedeemed, PointsRestored, PointsReversed
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import day_of, micros

EARNED, REDEEMED = "earned", "redeemed"
POINTS_LIMIT = 10**12
"""Points of one entry that are counted: a sum of cells must fit in 64 bits, whatever comes in."""
REFUND_LIMIT = 2**60

Apply = Callable[[Tracked, Any, datetime, int, Delta], None]


def accumulate(tracked: Tracked, event: Event, event_hash: int, delta: Delta) -> None:
    """Let one event take effect on the record and the delta, both in place.

    ``event_hash`` settles which of two profiles of the same instant counts.
    """
    apply = _BY_TYPE.get(type(event.data))
    if apply is None:
        return
    tracked.data.latest = max(tracked.data.latest, day_of(micros(event.time)))
    apply(tracked, event.data, event.time, event_hash, delta)


def _profile(tracked: Tracked, data: Profile, time: datetime, event_hash: int, delta: Delta) -> None:
    version = (micros(time), event_hash)
    if tracked.data.segment_set is not None and version <= tracked.data.segment_set:
        return
    tracked.data.segment_set = version
    segment = data.segment or ""
    if segment != tracked.data.segment:
        tracked.move(segment, delta)


def _purchase(tracked: Tracked, data: PurchaseMade, time: datetime, _: int, delta: Delta) -> None:
    at = micros(time)
    if day_of(at) < tracked.data.floor:
        return
    order = _order(tracked, data.order_id, at)
    before = (order.day, order.channel)
    claim = (at, data.channel, data.total.amount, data.total.currency)
    # An order sent twice under two event ids is one order: the earliest account of it holds.
    if order.made is None or claim < (order.made, order.channel, order.amount, order.currency):
        order.made, order.channel, order.amount, order.currency = claim
    tracked.place(before, order, delta)


def _return(tracked: Tracked, data: PurchaseReturned, time: datetime, _: int, delta: Delta) -> None:
    at = micros(time)
    order = _order(tracked, data.order_id, at)
    before = (order.day, order.channel)
    refunded = order.refunded.get(data.refund.currency, 0) + data.refund.amount
    order.refunded[data.refund.currency] = min(refunded, REFUND_LIMIT)
    tracked.place(before, order, delta)


def _order(tracked: Tracked, order_id: str, at: int) -> Order:
    order = tracked.data.orders.setdefault(order_id, Order(touched=at))
    order.touched = max(order.touched, at)
    return order


def _complaint(tracked: Tracked, data: ComplaintsData, time: datetime, _: int, delta: Delta) -> None:
    complaint = tracked.data.complaints.setdefault(data.complaint_id, Complaint())
    tracked.count(delta, complaint.channel, _negative(complaint))
    complaints.note(complaint, data, time)
    tracked.count(delta, complaint.channel, complaints.counted(complaint))


def _negative(complaint: Complaint) -> list[tuple[int, str, int]]:
    return [(day, field, -n) for day, field, n in complaints.counted(complaint)]


def _answer(tracked: Tracked, data: SurveyAnswered, time: datetime, _: int, delta: Delta) -> None:
    _count(tracked, time, scores.answer_counts(data.survey, data.score), delta)


def _earned(tracked: Tracked, data: LedgerEntry, time: datetime, _: int, delta: Delta) -> None:
    """Points earned, or taken back after a return (negative)."""
    _count(tracked, time, {EARNED: _bounded(data.points)}, delta)


def _redeemed(tracked: Tracked, data: LedgerEntry, time: datetime, _: int, delta: Delta) -> None:
    """Points spent (negative in the ledger), or given back."""
    _count(tracked, time, {REDEEMED: -_bounded(data.points)}, delta)


def _bounded(points: int) -> int:
    return max(-POINTS_LIMIT, min(points, POINTS_LIMIT))


def _count(tracked: Tracked, time: datetime, counts: Mapping[str, int], delta: Delta) -> None:
    day = day_of(micros(time))
    fields = tracked.data.counts.setdefault(day, {})
    for field, n in counts.items():
        fields[field] = fields.get(field, 0) + n
        add(delta, (day, tracked.data.segment, "", field), n)


_BY_TYPE: dict[type[Data], Apply] = {
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
    SurveyAnswered: _answer,
    PointsEarned: _earned,
    PointsReversed: _earned,
    PointsRedeemed: _redeemed,
    PointsRestored: _redeemed,
}

CONSUMES: tuple[type[Data], ...] = tuple(_BY_TYPE)
"""The event types that Metrics counts."""
