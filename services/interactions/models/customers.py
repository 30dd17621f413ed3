"""The 360 and the search, as the API answers them: times in RFC 3339."""

from datetime import datetime
from typing import Any, Literal

from services.interactions.domain.complaints.standing import standing
from services.interactions.domain.rows import CustomerRow, complaint_row
from services.interactions.domain.state import Customer, Subscription
from services.interactions.models.complaints import ComplaintView, complaint_view
from shared.schemas.base import Frozen, Money
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


class SubscriptionView(Frozen):
    """``ending``: cancelled, and runs until ``ends_at``."""

    subscription_id: str
    status: Literal["active", "expired", "ending", "cancelled"]
    plan: str | None
    price: Money | None
    started_at: datetime | None
    expires_at: datetime | None
    ends_at: datetime | None


class SpendView(Frozen):
    """Money in one currency, in minor units; ``net`` is what was kept."""

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
    """A customer whom a search found."""

    customer_id: str
    name: str | None = None
    email: str | None = None
    segment: str | None = None


def customer_view(state: Customer, now: datetime) -> CustomerView:
    return CustomerView(
        customer_id=state.customer_id,
        profile={name: known.value for name, known in state.profile.items()},
        consents=[
            ConsentView(purpose=c.purpose, channel=c.channel, granted=c.granted, at=moment(c.at))
            for c in state.consents
        ],
        channels=[
            ChannelView(channel=c.channel, count=c.count, last_at=moment(c.last_at)) for c in state.channels
        ],
        open_complaints=[
            complaint_view(complaint_row(state.customer_id, c)) for c in state.complaints if standing(c).open
        ],
        loyalty=_loyalty(state, now),
        subscriptions=[_subscription(s, now) for s in state.subscriptions],
        purchases=_purchases(state),
        counts=state.counts,
    )


def customer_hit(row: CustomerRow) -> CustomerHit:
    return CustomerHit(customer_id=row.customer_id, name=row.name, email=row.email, segment=row.segment)


def _loyalty(state: Customer, now: datetime) -> LoyaltyView | None:
    told = state.loyalty
    if told is None:
        return None
    enrolled_at = maybe_moment(told.enrolled_at)
    if told.tier is None and enrolled_at is not None and enrolled_at > now:
        # Only others have said so yet, by a clock that runs ahead: the program takes it when that time comes.
        if not told.balance:
            return None
        enrolled_at = None
    return LoyaltyView(enrolled_at=enrolled_at, balance=told.balance, tier=told.tier)


def _purchases(state: Customer) -> PurchasesView:
    made = state.purchases
    return PurchasesView(
        count=made.count,
        returns=made.returns,
        first_at=maybe_moment(made.first_at),
        last_at=maybe_moment(made.last_at),
        totals=[
            SpendView(
                currency=s.currency, purchased=s.purchased, refunded=s.refunded, net=s.purchased - s.refunded
            )
            for s in made.spend
        ],
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
        # It ends when that was said, if not when it was cancelled, which a clock that runs ahead may date.
        running = moment(max(told.cancelled_at, told.ends_at or told.cancelled_at)) > now
        return "ending" if running else "cancelled"
    expired = told.expires_at is not None and moment(told.expires_at) <= now
    return "expired" if expired else "active"
