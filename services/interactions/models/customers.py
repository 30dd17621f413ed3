"""The 360 and the search, as the API answers them: times in RFC 3339."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from services.interactions.domain.activity.channels import preferred_channel
from services.interactions.domain.activity.unusable import Unusable
from services.interactions.domain.complaints.standing import standing
from services.interactions.domain.conversations.course import course
from services.interactions.domain.people import CustomerRow
from services.interactions.domain.profile.consents import WITHDRAWN, words_of
from services.interactions.domain.rows import complaint_row, conversation_row
from services.interactions.domain.state import Consent, Customer, Product, Subscription
from services.interactions.models.aliases import AliasView, alias_views
from services.interactions.models.complaints import ComplaintView, complaint_view
from services.interactions.models.conversations import ConversationView, conversation_view
from services.interactions.models.health import HealthView, health_view
from services.interactions.models.messages import PlannedView, UnusableView, planned_views, unusable_views
from shared.facts.consents import without_effect
from shared.schemas.base import Frozen, Money
from shared.schemas.complaints import ClockName
from shared.schemas.times import maybe_moment, moment

MOST_CONVERSATIONS = 50
"""Open conversations that are shown, those that changed last."""


class WithoutEffect(Frozen):
    """A grant that an import told without evidence, and that does not hold."""

    at: datetime
    source: str | None
    detail: str
    """Why it does not hold."""


class ConsentView(Frozen):
    purpose: str
    channel: str
    topic: str | None
    """What the messages are about; null: all of the purpose. A word about a topic beats that."""
    granted: bool
    at: datetime
    source: str | None
    """Who told it; null of what was heard before that was kept."""
    evidence: str | None
    """How it was given, as far as was told."""
    without_effect: WithoutEffect | None
    """An import's grant that does not hold, and why; null where there is none."""


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


class ProductView(Frozen):
    """A piece that the customer owns."""

    product_id: str
    sku: str
    purchased_at: datetime
    registered_at: datetime
    maintenance_every_days: int | None


class LoyaltyView(Frozen):
    enrolled_at: datetime | None
    balance: int
    tier: str | None


class NextDueView(Frozen):
    """The clock of an open complaint that falls due before all others of the customer."""

    complaint_id: str
    clock: ClockName
    due_at: datetime


class CustomerView(Frozen):
    """The 360. ``merged_from``: ids that are this customer, too; ``aliases``: what else they are called by;
    ``preferred_channel``: what they say, else what they wrote by last; ``open_conversations``: the one that
    changed last first; ``products``: the one bought last first; ``planned``: what followup sends next, the
    first due first; ``unusable``: addresses that messages no longer reach, until they change; ``health`` is
    null until metrics tells it."""

    customer_id: str
    merged_from: list[str]
    profile: dict[str, Any]
    aliases: list[AliasView]
    consents: list[ConsentView]
    channels: list[ChannelView]
    open_complaints: list[ComplaintView]
    next_due: NextDueView | None
    open_conversations: list[ConversationView]
    loyalty: LoyaltyView | None
    subscriptions: list[SubscriptionView]
    purchases: PurchasesView
    products: list[ProductView]
    planned: list[PlannedView]
    unusable: list[UnusableView]
    counts: dict[str, int]
    preferred_channel: str | None
    health: HealthView | None


class CustomerHit(Frozen):
    """A customer whom a search found."""

    customer_id: str
    name: str | None = None
    email: str | None = None
    segment: str | None = None


def customer_view(state: Customer, now: datetime, unusable: Sequence[Unusable] = ()) -> CustomerView:
    return CustomerView(
        customer_id=state.customer_id,
        merged_from=[] if state.merging is None else [*state.merging.ids],
        profile=profile_view(state),
        aliases=alias_views(state),
        consents=[consent_view(c) for c in state.consents],
        channels=[
            ChannelView(channel=c.channel, count=c.count, last_at=moment(c.last_at)) for c in state.channels
        ],
        open_complaints=[
            complaint_view(complaint_row(state.customer_id, c)) for c in state.complaints if standing(c).open
        ],
        next_due=_next_due(state),
        open_conversations=_conversations(state),
        loyalty=loyalty_view(state, now),
        subscriptions=[_subscription(s, now) for s in state.subscriptions],
        purchases=_purchases(state),
        products=[_product(p) for p in state.products],
        planned=planned_views(state.planned),
        unusable=unusable_views(unusable),
        counts=state.counts,
        preferred_channel=preferred_channel(state),
        health=None if state.health is None else health_view(state.health),
    )


def customer_hit(row: CustomerRow) -> CustomerHit:
    return CustomerHit(customer_id=row.customer_id, name=row.name, email=row.email, segment=row.segment)


def profile_view(state: Customer) -> dict[str, Any]:
    return {name: known.value for name, known in state.profile.items()}


def consent_view(told: Consent) -> ConsentView:
    vain = without_effect(words_of(told))
    return ConsentView(
        purpose=told.purpose,
        channel=told.channel,
        topic=told.topic,
        granted=told.granted,
        at=moment(told.at),
        source=told.source,
        evidence=told.evidence,
        without_effect=None
        if vain is None
        else WithoutEffect(at=moment(vain.at), source=vain.source, detail=WITHDRAWN),
    )


def loyalty_view(state: Customer, now: datetime) -> LoyaltyView | None:
    """As the program has it at ``now``; None of one who is no member."""
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


def _next_due(state: Customer) -> NextDueView | None:
    due = [
        (c.next_due, c.complaint_id, c.next_clock)
        for c in state.complaints
        if c.next_due is not None and c.next_clock is not None and standing(c).open
    ]
    if not due:
        return None
    due_at, complaint_id, clock = min(due)
    return NextDueView(complaint_id=complaint_id, clock=clock, due_at=moment(due_at))


def _conversations(state: Customer) -> list[ConversationView]:
    found = [one for one in course(state.conversations).open.values() if one.status != "closed"]
    latest = sorted(found, key=lambda one: (one.updated_at, one.conversation_id), reverse=True)
    routed = state.routing.by_id
    rows = (
        conversation_row(state.customer_id, one, routed.get(one.conversation_id))
        for one in latest[:MOST_CONVERSATIONS]
    )
    return [conversation_view(row) for row in rows]


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


def _product(told: Product) -> ProductView:
    return ProductView(
        product_id=told.product_id,
        sku=told.sku,
        purchased_at=moment(told.purchased_at),
        registered_at=moment(told.at),
        maintenance_every_days=told.maintenance_every_days,
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
