"""What a customer's record forgets: what is too old, or too much, to be corrected."""

from collections.abc import Mapping, Sequence

from services.metrics.domain import gaps, terms, turns
from services.metrics.domain.newest import (
    KEEP_COMPLAINTS,
    days_of,
    latest_messages,
    newest_complaints,
    since,
)
from services.metrics.domain.places import chains
from services.metrics.domain.state import Customer
from shared.facts.names import Name, key, with_name
from shared.facts.orders import RETURNABLE_DAYS
from shared.schemas.times import DAY, day_of

KEEP_DAYS = RETURNABLE_DAYS
"""How long facts stay open to correction, counted back from the customer's latest."""
KEEP_ORDERS = 2_000
"""The most kept of one customer: a till's "guest" must not grow a document past all bounds."""


def trim(data: Customer, days: Mapping[str, Sequence[int]]) -> bool:
    """In place; whether orders are among what went. ``days``: of purchases, in order, by chain. What it
    counted as stays counted."""
    oldest = data.latest - KEEP_DAYS
    if any(by_day and min(by_day) < oldest for by_day in (data.counts, *data.elsewhere.values())):
        data.counts = since(data.counts, oldest)
        data.elsewhere = {
            where: by_day for where, of_it in data.elsewhere.items() if (by_day := since(of_it, oldest))
        }
        data.answers = {name: one for name, one in data.answers.items() if day_of(one.at) >= oldest}
        data.texts = {name: one for name, one in data.texts.items() if day_of(one.at) >= oldest}
    if len(data.complaints) > KEEP_COMPLAINTS or any(
        day_of(c.latest) < oldest for c in data.complaints.values()
    ):
        data.complaints = newest_complaints(data.complaints, oldest)
    if len(data.subscriptions) > terms.MOST_SUBSCRIPTIONS or any(
        steps[0].at < oldest * DAY for steps in data.subscriptions.values()
    ):
        data.subscriptions, gone = terms.trimmed(data.subscriptions, oldest * DAY)
        data.begun = data.begun or gone
    turns.trim(data)
    if data.messages:
        data.messages = latest_messages(data.messages)
    touched = [order.touched for order in data.orders.values()]
    if len(touched) <= KEEP_ORDERS and min(touched, default=oldest * DAY) >= oldest * DAY:
        return False
    _trim_orders(data, days, oldest)
    return True


def _trim_orders(data: Customer, days: Mapping[str, Sequence[int]], oldest: int) -> None:
    kept = {name: o for name, o in data.orders.items() if day_of(o.touched) >= oldest}
    data.floor = max(data.floor, oldest)
    if len(kept) > KEEP_ORDERS:
        ranked = sorted(kept.items(), key=lambda item: (item[1].touched, item[0]))
        kept = dict(ranked[-KEEP_ORDERS:])
        data.floor = max(data.floor, min(day_of(o.touched) for o in kept.values()))
        for order_id, _ in ranked[:-KEEP_ORDERS]:
            data.names = with_name(data.names, Name("order", order_key(order_id), bytes(4)), data.latest)
    live: dict[str, list[int]] = {}
    for order in kept.values():
        if order.day is not None:
            for chain in chains(order.where):
                live.setdefault(chain, []).append(order.day)
    gone = {name: gaps.without(of_chain, live.get(name, ())) for name, of_chain in days.items()}
    for name, over in gone.items():
        if over:
            data.firsts[name] = min(over[0], data.firsts.get(name, over[0]))
    past = {name: gaps.beside(over, live.get(name, ())) for name, over in gone.items()}
    data.past = {name: over for name, over in past.items() if over}
    data.days_before += len(days_of(data.orders.values()) - days_of(kept.values()))
    data.given_up = {day: one for day, one in data.given_up.items() if day >= data.floor}
    data.orders = kept
    data.waiting = {id: name for id, name in data.waiting.items() if name in kept}


def order_key(order_id: str) -> bytes:
    """The name of an order that is no longer kept."""
    return key("order", order_id)
