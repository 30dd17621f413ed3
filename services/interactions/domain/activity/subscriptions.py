"""What the customer subscribes to: the latest event about a subscription holds."""

from services.interactions.domain.state import MAX_SUBSCRIPTIONS, Customer, Subscription, found, placed
from shared.schemas.purchases import SubscriptionCancelled, SubscriptionTerm
from shared.schemas.times import Micros, micros


def subscription_term(customer: Customer, told: SubscriptionTerm, at: Micros) -> Customer:
    """Started or renewed: the latest event's terms hold, and end an earlier cancellation."""
    old = found(customer.subscriptions, told.subscription_id, _key)
    started_at = at if old is None or old.started_at is None else min(at, old.started_at)
    if old is not None and at < old.at and old.plan is not None:
        return _with(customer, old.model_copy(update={"started_at": started_at}))
    # A cancellation that overtook its term stands, and has the terms from now on.
    cancelled = old if old is not None and at < old.at else None
    return _with(
        customer,
        Subscription(
            **((old.__pydantic_extra__ if old else None) or {}),
            subscription_id=told.subscription_id,
            at=at if cancelled is None else cancelled.at,
            plan=told.plan,
            amount=told.price.amount,
            currency=told.price.currency,
            started_at=started_at,
            expires_at=micros(told.expires_at),
            cancelled_at=None if cancelled is None else cancelled.cancelled_at,
            ends_at=None if cancelled is None else cancelled.ends_at,
        ),
    )


def subscription_cancelled(customer: Customer, told: SubscriptionCancelled, at: Micros) -> Customer:
    """It ends when the event says, or at once; a renewal since then stands."""
    old = found(customer.subscriptions, told.subscription_id, _key)
    if old is not None and old.at > at:
        return customer
    old = old or Subscription(subscription_id=told.subscription_id, at=at)
    ends_at = None if told.ends_at is None else micros(told.ends_at)
    return _with(customer, old.model_copy(update={"at": at, "cancelled_at": at, "ends_at": ends_at}))


def _with(customer: Customer, new: Subscription) -> Customer:
    """Without the one that changed longest ago, if there are too many."""
    subscriptions = placed(customer.subscriptions, new, _key)
    if len(subscriptions) > MAX_SUBSCRIPTIONS:
        oldest = min(subscriptions, key=lambda s: s.at)
        subscriptions = tuple(s for s in subscriptions if s is not oldest)
    return customer.model_copy(update={"subscriptions": subscriptions})


def _key(subscription: Subscription) -> str:
    return subscription.subscription_id
