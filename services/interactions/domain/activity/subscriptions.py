"""What the customer subscribes to. Of two terms the later told holds, by event time, and a cancellation ends
the term that held at its time: one from before a new start ends nothing, whichever is heard first. Of a term
and a cancellation of one instant the later in the log holds."""

from typing import Any

from services.interactions.domain.state import (
    MAX_SUBSCRIPTIONS,
    Customer,
    Subscription,
    altered,
    found,
    placed,
)
from shared.schemas.purchases import SubscriptionCancelled, SubscriptionTerm
from shared.schemas.times import Micros, micros


def subscription_term(customer: Customer, told: SubscriptionTerm, at: Micros) -> Customer:
    """Started or renewed."""
    old = _known(customer, told.subscription_id, at)
    update: dict[str, Any] = {
        "at": max(at, old.at),
        "started_at": at if old.started_at is None else min(at, old.started_at),
    }
    if old.term_at is None or at >= old.term_at:
        update |= {
            "term_at": at,
            "plan": told.plan,
            "amount": told.price.amount,
            "currency": told.price.currency,
            "expires_at": micros(told.expires_at),
        }
        if old.cancelled_at is not None and old.cancelled_at <= at:
            update |= {"cancelled_at": None, "ends_at": None}
    return _with(customer, altered(old, **update))


def subscription_cancelled(customer: Customer, told: SubscriptionCancelled, at: Micros) -> Customer:
    """It ends when the event says, or at once."""
    old = _known(customer, told.subscription_id, at)
    update: dict[str, Any] = {"at": max(at, old.at)}
    if all(at >= known for known in (old.term_at, old.cancelled_at) if known is not None):
        ends_at = None if told.ends_at is None else micros(told.ends_at)
        update |= {"cancelled_at": at, "ends_at": ends_at}
    return _with(customer, altered(old, **update))


def _known(customer: Customer, subscription_id: str, at: Micros) -> Subscription:
    known = found(customer.subscriptions, subscription_id, _key)
    return known or Subscription(subscription_id=subscription_id, at=at)


def _with(customer: Customer, new: Subscription) -> Customer:
    """Without the one that changed longest ago, if there are too many."""
    subscriptions = placed(customer.subscriptions, new, _key)
    if len(subscriptions) > MAX_SUBSCRIPTIONS:
        oldest = min(subscriptions, key=lambda s: s.at)
        subscriptions = tuple(s for s in subscriptions if s is not oldest)
    return altered(customer, subscriptions=subscriptions)


def _key(subscription: Subscription) -> str:
    return subscription.subscription_id
