"""Events to tell Metrics, and hypothesis strategies for whole histories."""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st

from services.metrics.domain.apply import apply
from services.metrics.domain.cells import LEVELS, Delta, add
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.kpis.kpi import Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import Window, window
from services.metrics.domain.places import ALL, Selection
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
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
from shared.schemas.feedback import About, SurveyAnswered
from shared.schemas.loyalty import (
    Cause,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsRedeemed,
    PointsRestored,
    PointsReversed,
)
from shared.schemas.purchases import (
    PurchaseItem,
    PurchaseMade,
    PurchaseReturned,
    SubscriptionCancelled,
    SubscriptionStarted,
    SubscriptionTerm,
)
from shared.schemas.times import DAY, micros

START = datetime(2026, 1, 1, tzinfo=UTC)
FAR = micros(START) + 3_000 * DAY
"""Now, where it does not matter."""
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


def returned(order: str, amount: int, currency: str = "EUR", name: str = "") -> PurchaseReturned:
    refund = Money(amount=amount, currency=currency)
    return PurchaseReturned(order_id=order, return_id=name or f"r-{order}", refund=refund)


def answered(survey: Any, score: int, about: str | None = None) -> SurveyAnswered:
    return SurveyAnswered(
        survey=survey, score=score, about=About(kind="order", id=about) if about is not None else None
    )


def opened(complaint: str = "k1", channel: str = "email") -> ComplaintOpened:
    return ComplaintOpened(
        complaint_id=complaint, channel=channel, category="late", severity="normal", description="Late."
    )


def started(subscription: str, ends: float) -> SubscriptionStarted:
    """A term that ends so many days after START."""
    return SubscriptionStarted(
        subscription_id=subscription, plan="p", price=euro(5), expires_at=START + timedelta(days=ends)
    )


def cancelled(
    subscription: str, ends: float | None = None, reason: str | None = None
) -> SubscriptionCancelled:
    at = None if ends is None else START + timedelta(days=ends)
    return SubscriptionCancelled(subscription_id=subscription, ends_at=at, reason=reason)


def profile(segment: str | None, *, update: bool = False) -> CustomerRegistered | CustomerUpdated:
    return (CustomerUpdated if update else CustomerRegistered)(name="Ann", segment=segment)


def told_again(history: Sequence[Event], order: random.Random) -> list[Event]:
    """The same events in another order of arrival, as far as that must not matter: of what has one name the
    first account in the log holds, of two words of one time the later in the log."""

    def group(e: Event) -> tuple[str, ...]:
        match e.data:
            case PurchaseMade() | PurchaseReturned():
                return e.subject, e.data.order_id
            case ComplaintOpened():
                return e.subject, e.data.complaint_id
            case SubscriptionTerm() | SubscriptionCancelled():
                return e.subject, e.data.subscription_id
            case CustomerRegistered() | CustomerUpdated() | SurveyAnswered():
                return e.subject, e.data.topic
        return (e.id,)

    left: dict[tuple[str, ...], list[Event]] = {}
    for e in history:
        left.setdefault(group(e), []).append(e)
    places = [group(e) for e in history]
    order.shuffle(places)
    return [left[place].pop(0) for place in places]


def entry(kind: type[Any], points: int) -> Any:
    return kind(entry_id="x", points=points, balance=0, reason="", cause=Cause(source="/s", id="i"))


def run(events: Iterable[Event]) -> tuple[dict[str, Tracked], Delta]:
    """Let events, none of them twice, take effect."""
    customers: dict[str, Tracked] = {}
    delta = Delta()
    for e in events:
        tracked = customers.setdefault(e.subject, Tracked(Customer()))
        apply(tracked, e, FAR, delta)
    return customers, delta


def counted(customers: Iterable[Tracked]) -> Delta:
    """What the customers count as, from their records alone."""
    total = Delta()
    for tracked in customers:
        for cell, n in tracked.counted():
            add(total, cell, n)
    return total


def result(
    delta: Delta,
    name: str,
    selected: Selection = ALL,
    first: int = -(10**6),
    policy: ChurnPolicy | None = None,
) -> Result:
    """A KPI of all time, or from a day on."""
    return KPIS[name].of(seen(delta, selected, first, policy))


def seen(
    delta: Delta, selected: Selection = ALL, first: int = -(10**6), policy: ChurnPolicy | None = None
) -> Window:
    """What KPIs are computed of."""
    days: dict[int, dict[str, int]] = {}
    chosen = selected.chooses()
    for (day, place, field), n in delta.items():
        if chosen(place):
            days.setdefault(day, {})[field] = days.get(day, {}).get(field, 0) + n
    levels = {level: sum(fields.get(level, 0) for fields in days.values()) for level in LEVELS}
    return window(
        days,
        levels,
        first=first,
        last=None,
        one_channel=selected.channel is not None,
        policy=policy or ChurnPolicy(),
    )


def value(delta: Delta, name: str, **selected: str) -> Any:
    """Its value alone, of a ``Selection``."""
    return result(delta, name, Selection(**selected)).value


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
    st.builds(
        returned, _orders, st.integers(0, 200), st.sampled_from(["EUR", "USD"]), st.sampled_from(["r1", "r2"])
    ),
    st.builds(opened, _complaint_ids, _channels),
    st.builds(ComplaintAcknowledged, complaint_id=_complaint_ids, message=st.just("Hello.")),
    st.builds(ComplaintUpdated, complaint_id=_complaint_ids, message=st.just("Soon.")),
    st.builds(ComplaintResolved, complaint_id=_complaint_ids, resolution=st.just("Sent.")),
    st.builds(ComplaintReopened, complaint_id=_complaint_ids, reason=st.just("No.")),
    st.builds(ComplaintClosed, complaint_id=_complaint_ids),
    st.builds(started, st.sampled_from(["s1", "s2"]), st.integers(0, 80)),
    st.builds(
        cancelled,
        st.sampled_from(["s1", "s2"]),
        st.sampled_from([None, 20.0, 40.5]),
        st.sampled_from([None, "new.$|%", "card expired"]),
    ),
    st.builds(profile, _segments, update=st.booleans()),
    st.builds(lambda s, about: answered(*s, about), _scores, st.sampled_from([None, "o1", "o2"])),
    st.builds(entry, st.just(PointsEarned), st.integers(0, 500)),
    st.builds(entry, st.just(PointsReversed), st.integers(-500, 0)),
    st.builds(entry, st.just(PointsRedeemed), st.integers(-500, 0)),
    st.builds(entry, st.just(PointsRestored), st.integers(0, 500)),
    st.builds(entry, st.just(PointsExpired), st.integers(-500, 0)),
    st.builds(entry, st.just(PointsAdjusted), st.integers(-500, 500)),
)


def _with_cause(data: Data, half: int) -> Data:
    """A resolution names a root cause; of two of one instant the same, as the first that is heard holds."""
    if not isinstance(data, ComplaintResolved):
        return data
    return data.model_copy(update={"root_cause": (None, "new.$|%", "carrier", "x" * 80)[half % 4]})


def histories(max_size: int = 40) -> st.SearchStrategy[Sequence[Event]]:
    """Histories of three customers over 60 days, ids all different, times often equal."""
    parts = st.tuples(_data, st.integers(0, 120), st.sampled_from(["c1", "c2", "c3"]))
    return st.lists(parts, max_size=max_size).map(
        lambda rows: [
            event(_with_cause(data, half), days=half / 2, subject=subject, id=f"h{i}")
            for i, (data, half, subject) in enumerate(rows)
        ]
    )
