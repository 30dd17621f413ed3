"""What the customer subscribes to and owns, and the loyalty program, each by what is told of it."""

from services.followup.domain.history.state import Loyalty, Product, Subscription
from shared.schemas.loyalty import LedgerEntry, LoyaltyData, MemberEnrolled, TierChanged
from shared.schemas.purchases import ProductRegistered, SubscriptionCancelled, SubscriptionTerm
from shared.schemas.times import Micros, micros

MOST_SUBSCRIPTIONS = 50
"""How many are kept: those that were heard of last, by event time."""
MOST_PRODUCTS = 50
"""How many are kept: those bought last."""
LOYALTY = "/rapport/loyalty"
"""The source of what the program itself decided."""

Subscriptions = tuple[Subscription, ...]


def term(known: Subscriptions, data: SubscriptionTerm, at: Micros) -> Subscriptions:
    """With a term, started or renewed: of two the later by event time holds, and it ends a cancellation from
    before it."""
    old = _subscription(known, data.subscription_id, at)
    update: dict[str, object] = {"started_at": at if old.started_at is None else min(at, old.started_at)}
    if old.term_at is None or at >= old.term_at:
        update |= {"term_at": at, "plan": data.plan, "expires_at": micros(data.expires_at)}
        if old.cancelled_at is not None and old.cancelled_at <= at:
            update |= {"cancelled_at": None, "ends_at": None}
    return _with_subscription(known, old.model_copy(update=update), at)


def cancelled(known: Subscriptions, data: SubscriptionCancelled, at: Micros) -> Subscriptions:
    """With a cancellation of the term that held at its time; one from before a new term ends nothing."""
    old = _subscription(known, data.subscription_id, at)
    update: dict[str, object] = {}
    if all(at >= then for then in (old.term_at, old.cancelled_at) if then is not None):
        update = {"cancelled_at": at, "ends_at": None if data.ends_at is None else micros(data.ends_at)}
    return _with_subscription(known, old.model_copy(update=update), at)


def _subscription(known: Subscriptions, subscription_id: str, at: Micros) -> Subscription:
    found = (one for one in known if one.subscription_id == subscription_id)
    return next(found, None) or Subscription(subscription_id=subscription_id, heard_of=at)


def _with_subscription(known: Subscriptions, new: Subscription, at: Micros) -> Subscriptions:
    new = new.model_copy(update={"heard_of": max(at, new.heard_of)})
    others = (one for one in known if one.subscription_id != new.subscription_id)
    every = sorted((*others, new), key=lambda one: (one.heard_of, one.subscription_id), reverse=True)
    return tuple(every[:MOST_SUBSCRIPTIONS])


def registered(known: tuple[Product, ...], data: ProductRegistered) -> tuple[Product, ...]:
    """With a piece that is new."""
    new = Product(
        product_id=data.product_id,
        sku=data.sku,
        purchased_at=micros(data.purchased_at),
        maintenance_every_days=data.maintenance_every_days,
    )
    if any(one.product_id == new.product_id for one in known):
        return known
    every = sorted((*known, new), key=lambda one: (one.purchased_at, one.product_id), reverse=True)
    return tuple(every[:MOST_PRODUCTS])


def membership(known: Loyalty | None, data: LoyaltyData, source: str, at: Micros) -> Loyalty | None:
    """Loyalty tells tier and balance in the order of its log: what was told last holds. A customer joins
    once: what the program says of it holds, and until then what others say."""
    old = known or Loyalty()
    match data:
        case LedgerEntry():
            return old.model_copy(update={"balance": data.balance})
        case TierChanged():
            return old.model_copy(update={"tier": data.to})
        case MemberEnrolled() if source == LOYALTY:
            tier = data.tier if data.tier is not None else old.tier
            return old.model_copy(update={"enrolled_at": at, "tier": tier})
        case MemberEnrolled() if old.enrolled_at is None:
            return old.model_copy(update={"enrolled_at": at})
    return known
