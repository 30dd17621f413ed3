"""What the customer subscribes to: the latest event about a subscription holds."""

from typing import Any

from services.interactions.domain.state import MAX_SUBSCRIPTIONS, Customer, Subscription, found, placed
from shared.schemas.event import Event
from shared.schemas.purchases import SubscriptionCancelled, SubscriptionTerm
from shared.schemas.times import micros


def subscription_term(state: Customer, event: Event) -> dict[str, Any]:
    """Started or renewed: the latest event's terms hold, and end an earlier cancellation."""
    data = event.data
    assert isinstance(data, SubscriptionTerm)
    at = micros(event.time)
    old = found(state.subscriptions, data.subscription_id, _subscription)
    started = at if old is None or old.started_at is None else min(at, old.started_at)
    terms = {
        "plan": data.plan,
        "amount": data.price.amount,
        "currency": data.price.currency,
        "expires_at": micros(data.expires_at),
        "started_at": started,
    }
    if old is None or at >= old.at:
        new = Subscription.model_validate({"subscription_id": data.subscription_id, "at": at} | terms)
    elif old.plan is None:
        new = old.model_copy(update=terms)  # a cancellation overtook it: terms unknown until now
    else:
        new = old.model_copy(update={"started_at": started})
    return {"subscriptions": _bounded(placed(state.subscriptions, new, _subscription))}


def subscription_cancelled(state: Customer, event: Event) -> dict[str, Any]:
    data = event.data
    assert isinstance(data, SubscriptionCancelled)
    at = micros(event.time)
    old = found(state.subscriptions, data.subscription_id, _subscription)
    if old is not None and old.at > at:
        return {}  # renewed since
    old = old or Subscription(subscription_id=data.subscription_id, at=at)
    ends_at = None if data.ends_at is None else micros(data.ends_at)
    new = old.model_copy(update={"at": at, "cancelled_at": at, "ends_at": ends_at})
    return {"subscriptions": _bounded(placed(state.subscriptions, new, _subscription))}


def _bounded(subscriptions: tuple[Subscription, ...]) -> tuple[Subscription, ...]:
    """Without the one that changed longest ago, if there are too many."""
    if len(subscriptions) <= MAX_SUBSCRIPTIONS:
        return subscriptions
    oldest = min(subscriptions, key=lambda s: s.at)
    return tuple(s for s in subscriptions if s is not oldest)


def _subscription(subscription: Subscription) -> str:
    return subscription.subscription_id
