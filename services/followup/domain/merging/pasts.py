"""The pasts of several ids as one: an order that was told of two of them is one order. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import reduce

from services.followup.domain.history.baskets import MOST_BACK, MOST_BASKETS
from services.followup.domain.history.contacts import MOST_CONTACTS, MOST_REVIEWS, MOST_TIMES
from services.followup.domain.history.owned import both
from services.followup.domain.history.state import (
    Baskets,
    Contacts,
    History,
    Loyalty,
    Product,
    Review,
    Score,
    Subscription,
)
from services.followup.domain.history.terms import MOST_PRODUCTS, MOST_SUBSCRIPTIONS
from services.followup.domain.merging.orders import purchases_of
from services.followup.domain.told import Told
from shared.schemas.times import Micros


def past_of(shares: Sequence[Told], own: str) -> History | None:
    """Of ``shares``, those of the customer ``own`` first. What the program and the metrics tell is of one id:
    the survivor's holds, as far as there is one."""
    pasts = [one.history for one in shares if one.history is not None]
    if len(pasts) < 2:
        return pasts[0] if pasts else None
    baskets = [one.baskets for one in pasts if one.baskets is not None]
    return History(
        purchases=purchases_of(shares),
        loyalty=_loyalty([one.loyalty for one in pasts if one.loyalty is not None]),
        subscriptions=_subscriptions(one for past in pasts for one in past.subscriptions),
        products=_products(one for past in pasts for one in past.products),
        contacts=_contacts(one for past in pasts for one in past.contacts),
        scores=_scores(one for past in pasts for one in past.scores),
        reviews=_reviews(one for past in pasts for one in past.reviews),
        segment=next((one.segment for one in pasts if one.segment is not None), None),
        health=next((one.health for one in pasts if one.health is not None), None),
        baskets=reduce(_baskets, baskets) if baskets else None,
    )


def _loyalty(told: Sequence[Loyalty]) -> Loyalty | None:
    if not told:
        return None
    enrolled = [one.enrolled_at for one in told if one.enrolled_at is not None]
    return Loyalty(
        tier=next((one.tier for one in told if one.tier is not None), None),
        balance=next((one.balance for one in told if one.balance is not None), None),
        enrolled_at=min(enrolled, default=None),
    )


def _subscriptions(told: Iterable[Subscription]) -> tuple[Subscription, ...]:
    found: dict[str, Subscription] = {}
    for one in told:
        known = found.get(one.subscription_id)
        found[one.subscription_id] = one if known is None else _subscription(known, one)
    every = sorted(found.values(), key=lambda one: (one.heard_of, one.subscription_id), reverse=True)
    return tuple(every[:MOST_SUBSCRIPTIONS])


def _subscription(one: Subscription, other: Subscription) -> Subscription:
    """The later term holds, and of the cancellations the later that is not before it."""
    term = other if (other.term_at or 0) > (one.term_at or 0) else one
    ended = other if (other.cancelled_at or 0) > (one.cancelled_at or 0) else one
    ends = ended.cancelled_at is not None and ended.cancelled_at >= (term.term_at or 0)
    begun = [at for at in (one.started_at, other.started_at) if at is not None]
    return term.model_copy(
        update={
            "heard_of": max(one.heard_of, other.heard_of),
            "started_at": min(begun, default=None),
            "cancelled_at": ended.cancelled_at if ends else None,
            "ends_at": ended.ends_at if ends else None,
        }
    )


def _products(told: Iterable[Product]) -> tuple[Product, ...]:
    found: dict[str, Product] = {}
    for one in told:
        found.setdefault(one.product_id, one)
    every = sorted(found.values(), key=lambda one: (one.purchased_at, one.product_id), reverse=True)
    return tuple(every[:MOST_PRODUCTS])


def _contacts(told: Iterable[Contacts]) -> tuple[Contacts, ...]:
    found: dict[tuple[str, str, str | None], set[Micros]] = {}
    for one in told:
        found.setdefault((one.kind, one.direction, one.sku), set()).update(one.times)
    every = [
        Contacts(kind=kind, direction=way, sku=sku, times=tuple(sorted(times, reverse=True)[:MOST_TIMES]))
        for (kind, way, sku), times in found.items()
    ]
    every.sort(key=lambda one: (one.times[0], one.kind, one.direction, one.sku or ""), reverse=True)
    return tuple(every[:MOST_CONTACTS])


def _scores(told: Iterable[Score]) -> tuple[Score, ...]:
    found: dict[str, Score] = {}
    for one in told:
        if one.survey not in found or one.at > found[one.survey].at:
            found[one.survey] = one
    return tuple(sorted(found.values()))


def _reviews(told: Iterable[Review]) -> tuple[Review, ...]:
    found: dict[str, Review] = {}
    for one in told:
        if one.sku not in found or one.at > found[one.sku].at:
            found[one.sku] = one
    return tuple(sorted(found.values(), key=lambda one: (one.at, one.sku))[-MOST_REVIEWS:])


def _baskets(one: Baskets, other: Baskets) -> Baskets:
    found = {basket.order: basket for basket in (*other.latest, *one.latest)}
    latest = sorted(found.values(), key=lambda basket: (basket.at, basket.order))[-MOST_BASKETS:]
    # What came back of an order that both were told of came back once.
    back = (Counter(one.back) | Counter(other.back)).elements()
    return Baskets(latest=tuple(latest), back=tuple(back)[-MOST_BACK:], owned=both(one.owned, other.owned))
