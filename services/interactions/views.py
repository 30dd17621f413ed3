"""What the API answers: stored documents in the caller's terms, times in RFC 3339."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from services.interactions.domain.profile import profile_values
from services.interactions.domain.state import Customer, Status, Subscription
from shared.schemas.base import Frozen, Money
from shared.schemas.complaints import ComplaintOpened, ComplaintResolved
from shared.schemas.times import maybe_moment, moment


class ConsentView(Frozen):
    purpose: str
    channel: str
    granted: bool
    at: datetime


class ChannelView(Frozen):
    channel: str
    count: int
    last_at: datetime


class ComplaintView(Frozen):
    complaint_id: str
    customer_id: str
    status: Status
    severity: str
    category: str
    channel: str
    order_id: str | None
    summary: str
    assignee: str | None
    overdue: bool
    opened_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None


class StepView(Frozen):
    type: str
    time: datetime
    summary: str
    data: dict[str, Any]


class ComplaintDetail(ComplaintView):
    description: str | None
    resolution: str | None
    root_cause: str | None
    history: list[StepView]


class SubscriptionView(Frozen):
    subscription_id: str
    status: Literal["active", "expired", "ending", "cancelled"]
    plan: str | None
    price: Money | None
    started_at: datetime | None
    expires_at: datetime | None
    ends_at: datetime | None


class SpendView(Frozen):
    currency: str
    purchased: int
    refunded: int
    net: int


class PurchasesView(Frozen):
    """Amounts are in minor units."""

    count: int
    returns: int
    first_at: datetime | None
    last_at: datetime | None
    totals: list[SpendView]


class LoyaltyView(Frozen):
    enrolled_at: datetime | None
    balance: int
    tier: str | None


class CustomerView(Frozen):
    """The 360. ``health`` is null until metrics tells it."""

    customer_id: str
    profile: dict[str, Any]
    consents: list[ConsentView]
    channels: list[ChannelView]
    open_complaints: list[ComplaintView]
    loyalty: LoyaltyView | None
    subscriptions: list[SubscriptionView]
    purchases: PurchasesView
    counts: dict[str, int]
    health: dict[str, Any] | None = None


class CustomerHit(Frozen):
    customer_id: str
    name: str | None = None
    email: str | None = None
    segment: str | None = None


class TimelineItem(Frozen):
    id: str
    source: str
    type: str
    time: datetime
    channel: str | None = None
    summary: str
    data: dict[str, Any]


def customer_view(state: Customer, now: datetime) -> CustomerView:
    return CustomerView(
        customer_id=state.customer_id,
        profile=profile_values(state),
        consents=[
            ConsentView(purpose=c.purpose, channel=c.channel, granted=c.granted, at=moment(c.at))
            for c in state.consents
        ],
        channels=[
            ChannelView(channel=c.channel, count=c.count, last_at=moment(c.last_at)) for c in state.channels
        ],
        open_complaints=[
            complaint_view(c.model_dump() | {"customer": state.customer_id, "overdue": c.overdue})
            for c in state.complaints
            if c.open
        ],
        loyalty=_loyalty(state),
        subscriptions=[_subscription(s, now) for s in state.subscriptions],
        purchases=_purchases(state),
        counts=state.counts,
    )


def complaint_view(row: Mapping[str, Any]) -> ComplaintView:
    return ComplaintView.model_validate(_complaint_fields(row))


def complaint_detail(row: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> ComplaintDetail:
    """``history`` is the complaint's timeline rows in order; what was said comes from there."""
    steps = [
        StepView(
            type=step["type"],
            time=moment(step["at"]),
            summary=step["summary"],
            data=json.loads(step["data"]),
        )
        for step in history
    ]
    opened = _last(steps, ComplaintOpened.event_type)
    resolved = _last(steps, ComplaintResolved.event_type) if row["resolved_at"] is not None else {}
    return ComplaintDetail(
        **_complaint_fields(row),
        description=opened.get("description"),
        resolution=resolved.get("resolution"),
        root_cause=resolved.get("root_cause"),
        history=steps,
    )


def timeline_item(row: Mapping[str, Any]) -> TimelineItem:
    fields = {name: row.get(name) for name in ("id", "source", "type", "channel", "summary")}
    return TimelineItem.model_validate(fields | {"time": moment(row["at"]), "data": json.loads(row["data"])})


def customer_hit(row: Mapping[str, Any]) -> CustomerHit:
    fields = {name: row.get(name) for name in ("name", "email", "segment")}
    return CustomerHit.model_validate(fields | {"customer_id": row["_id"]})


def _complaint_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: row[name] for name in ComplaintView.model_fields if name in row}
    times = {name: maybe_moment(value) for name, value in fields.items() if name.endswith("_at")}
    return fields | times | {"customer_id": row["customer"]}


def _last(steps: Sequence[StepView], event_type: str) -> dict[str, Any]:
    return next((step.data for step in reversed(steps) if step.type == event_type), {})


def _loyalty(state: Customer) -> LoyaltyView | None:
    told = state.loyalty
    if told is None:
        return None
    return LoyaltyView(enrolled_at=maybe_moment(told.enrolled_at), balance=told.balance, tier=told.tier)


def _purchases(state: Customer) -> PurchasesView:
    made = state.purchases
    return PurchasesView(
        count=made.count,
        returns=made.returns,
        first_at=maybe_moment(made.first_at),
        last_at=maybe_moment(made.last_at),
        totals=[SpendView(**s.model_dump(), net=s.purchased - s.refunded) for s in made.spend],
    )


def _subscription(told: Subscription, now: datetime) -> SubscriptionView:
    price = None
    if told.amount is not None and told.currency is not None:
        price = Money(amount=told.amount, currency=told.currency)
    return SubscriptionView(
        subscription_id=told.subscription_id,
        status=_subscription_status(told, now),
        plan=told.plan,
        price=price,
        started_at=maybe_moment(told.started_at),
        expires_at=maybe_moment(told.expires_at),
        ends_at=maybe_moment(told.ends_at),
    )


def _subscription_status(
    told: Subscription, now: datetime
) -> Literal["active", "expired", "ending", "cancelled"]:
    if told.cancelled_at is not None:
        running = told.ends_at is not None and moment(told.ends_at) > now
        return "ending" if running else "cancelled"
    expired = told.expires_at is not None and moment(told.expires_at) <= now
    return "expired" if expired else "active"
