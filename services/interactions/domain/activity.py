"""What the customer did and has: channels, purchases, subscriptions, loyalty."""

from typing import Any

from services.interactions.domain.state import (
    MAX_CHANNELS,
    MAX_SUBSCRIPTIONS,
    OTHER_CHANNEL,
    ChannelUse,
    Customer,
    Loyalty,
    Purchases,
    Spend,
    Subscription,
    found,
    placed,
)
from shared.domain import Refused
from shared.schemas.base import Money
from shared.schemas.event import Event
from shared.schemas.loyalty import LedgerEntry, MemberEnrolled, TierChanged
from shared.schemas.purchases import PurchaseMade, PurchaseReturned, SubscriptionCancelled, SubscriptionTerm
from shared.schemas.times import micros

MAX_TOTAL = 2**62
"""Minor units; a BSON integer holds twice that."""


def channel_used(state: Customer, event: Event, channel: str) -> tuple[ChannelUse, ...]:
    """The channels with one more use."""
    at = micros(event.time)
    old = found(state.channels, channel, _channel)
    if old is None and len(state.channels) >= MAX_CHANNELS:
        channel = OTHER_CHANNEL
        old = found(state.channels, channel, _channel)
    new = (
        ChannelUse(channel=channel, count=1, last_at=at)
        if old is None
        else ChannelUse(channel=channel, count=old.count + 1, last_at=max(at, old.last_at))
    )
    return placed(state.channels, new, _channel)


def purchase_made(state: Customer, event: Event) -> dict[str, Any]:
    data = event.data
    assert isinstance(data, PurchaseMade)
    at, old = micros(event.time), state.purchases
    new = Purchases(
        count=old.count + 1,
        returns=old.returns,
        first_at=at if old.first_at is None else min(at, old.first_at),
        last_at=at if old.last_at is None else max(at, old.last_at),
        spend=_spent(old.spend, data.total, refund=False),
    )
    return {"purchases": new}


def purchase_returned(state: Customer, event: Event) -> dict[str, Any]:
    data = event.data
    assert isinstance(data, PurchaseReturned)
    old = state.purchases
    spend = _spent(old.spend, data.refund, refund=True)
    return {"purchases": old.model_copy(update={"returns": old.returns + 1, "spend": spend})}


def _spent(spend: tuple[Spend, ...], money: Money, *, refund: bool) -> tuple[Spend, ...]:
    old = found(spend, money.currency, _currency) or Spend(currency=money.currency)
    new = Spend(
        currency=old.currency,
        purchased=old.purchased + (0 if refund else money.amount),
        refunded=old.refunded + (money.amount if refund else 0),
    )
    if max(new.purchased, new.refunded) > MAX_TOTAL:
        raise Refused("total_too_large", f"the total in {money.currency} would be beyond all bounds")
    return placed(spend, new, _currency)


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


def member_enrolled(state: Customer, event: Event) -> dict[str, Any]:
    assert isinstance(event.data, MemberEnrolled)
    old = state.loyalty or Loyalty()
    at = micros(event.time)
    enrolled_at = at if old.enrolled_at is None else min(at, old.enrolled_at)
    return {"loyalty": old.model_copy(update={"enrolled_at": enrolled_at})}


def points_moved(state: Customer, event: Event) -> dict[str, Any]:
    data = event.data
    assert isinstance(data, LedgerEntry)
    return {"loyalty": (state.loyalty or Loyalty()).model_copy(update={"balance": data.balance})}


def tier_changed(state: Customer, event: Event) -> dict[str, Any]:
    data = event.data
    assert isinstance(data, TierChanged)
    return {"loyalty": (state.loyalty or Loyalty()).model_copy(update={"tier": data.to})}


def _channel(use: ChannelUse) -> str:
    return use.channel


def _currency(spend: Spend) -> str:
    return spend.currency


def _subscription(subscription: Subscription) -> str:
    return subscription.subscription_id
