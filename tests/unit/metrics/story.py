"""Events to tell Metrics, and hypothesis strategies for whole histories."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st

from services.metrics.domain.apply import apply
from services.metrics.domain.cells import Delta, add
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from services.metrics.journal.seen import event_hash
from shared.schemas.base import Data, Money
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintUpdated,
)
from shared.schemas.customers import CustomerRegistered, CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.loyalty import Cause, PointsEarned, PointsRedeemed, PointsRestored, PointsReversed
from shared.schemas.purchases import PurchaseItem, PurchaseMade, PurchaseReturned

START = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = count()


def euro(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


def event(data: Data, *, days: float = 0.0, subject: str = "c1", id: str | None = None) -> Event:
    """An event ``days`` after START."""
    name = id if id is not None else f"e{next(_numbers)}"
    return Event(id=name, source="/test", subject=subject, time=START + timedelta(days=days), data=data)


def purchase(order: str, amount: int = 100, channel: str = "web") -> PurchaseMade:
    item = PurchaseItem(sku="s", quantity=1, unit_price=euro(amount))
    return PurchaseMade(order_id=order, channel=channel, total=euro(amount), items=(item,))


def returned(order: str, amount: int, currency: str = "EUR") -> PurchaseReturned:
    refund = Money(amount=amount, currency=currency)
    return PurchaseReturned(order_id=order, return_id=f"r-{order}", refund=refund)


def opened(complaint: str = "k1", channel: str = "email") -> ComplaintOpened:
    return ComplaintOpened(
        complaint_id=complaint, channel=channel, category="late", severity="normal", description="Late."
    )


def profile(segment: str | None, *, update: bool = False) -> CustomerRegistered | CustomerUpdated:
    return (CustomerUpdated if update else CustomerRegistered)(name="Ann", segment=segment)


def entry(kind: type[Any], points: int) -> Any:
    return kind(entry_id="x", points=points, balance=0, reason="", cause=Cause(source="/s", id="i"))


def run(events: Iterable[Event]) -> tuple[dict[str, Tracked], Delta]:
    """Let events, none of them twice, take effect."""
    customers: dict[str, Tracked] = {}
    delta: Delta = {}
    for e in events:
        tracked = customers.setdefault(e.subject, Tracked(Customer()))
        apply(tracked, e, event_hash(e.uid), delta)
    return customers, delta


def counted(customers: Iterable[Tracked]) -> Delta:
    """What the customers count as, from their records alone."""
    total: Delta = {}
    for tracked in customers:
        for day, channel, field, n in tracked.counted():
            add(total, (day, tracked.data.segment, channel, field), n)
    return total


_orders = st.sampled_from(["o1", "o2", "o3", "o4"])
_complaint_ids = st.sampled_from(["k1", "k2"])
_channels = st.sampled_from(["web", "store"])
_segments = st.sampled_from([None, "gold", "new.$|%"])
_scores = st.one_of(
    st.tuples(st.just("nps"), st.integers(0, 10)),
    st.tuples(st.just("csat"), st.integers(1, 5)),
    st.tuples(st.just("ces"), st.integers(1, 7)),
)
_data: st.SearchStrategy[Data] = st.one_of(
    st.builds(purchase, _orders, st.integers(0, 200), _channels),
    st.builds(returned, _orders, st.integers(0, 200), st.sampled_from(["EUR", "USD"])),
    st.builds(opened, _complaint_ids, _channels),
    st.builds(ComplaintAcknowledged, complaint_id=_complaint_ids, message=st.just("Hello.")),
    st.builds(ComplaintUpdated, complaint_id=_complaint_ids, message=st.just("Soon.")),
    st.builds(ComplaintResolved, complaint_id=_complaint_ids, resolution=st.just("Sent.")),
    st.builds(ComplaintReopened, complaint_id=_complaint_ids, reason=st.just("No.")),
    st.builds(ComplaintClosed, complaint_id=_complaint_ids),
    st.builds(profile, _segments, update=st.booleans()),
    _scores.map(lambda s: SurveyAnswered(survey=s[0], score=s[1])),
    st.builds(entry, st.just(PointsEarned), st.integers(0, 500)),
    st.builds(entry, st.just(PointsReversed), st.integers(-500, 0)),
    st.builds(entry, st.just(PointsRedeemed), st.integers(-500, 0)),
    st.builds(entry, st.just(PointsRestored), st.integers(0, 500)),
)


def histories(max_size: int = 40) -> st.SearchStrategy[Sequence[Event]]:
    """Histories of three customers over 60 days, ids all different, times often equal."""
    parts = st.tuples(_data, st.integers(0, 120), st.sampled_from(["c1", "c2", "c3"]))
    return st.lists(parts, max_size=max_size).map(
        lambda rows: [
            event(data, days=half / 2, subject=subject, id=f"h{i}")
            for i, (data, half, subject) in enumerate(rows)
        ]
    )
