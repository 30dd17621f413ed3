"""What waits in one id for what another of the same customer has: it takes effect, on the whole and on the
part that has what it is about, as what is told of that from then on does."""

from collections.abc import Iterator
from typing import NamedTuple

from services.interactions.domain.activity.purchases import waiting_returns
from services.interactions.domain.complaints.opening import with_waiting
from services.interactions.domain.complaints.steps import complaint_key
from services.interactions.domain.conversations.settled import with_settled
from services.interactions.domain.held import retracted, row_of, without
from services.interactions.domain.merging.parts import with_part
from services.interactions.domain.owners import part_of, part_with_complaint, part_with_order
from services.interactions.domain.state import MAX_HELD, Customer, Held, altered, found
from services.interactions.domain.telling import Change, Told, refused
from services.interactions.errors import TOO_MANY_WAITING
from shared.domain import Append, Put, Retract, Unseen
from shared.facts import order_book
from shared.facts.names import key
from shared.schemas.purchases import PurchaseReturned
from shared.schemas.topics import TYPES


class Found(NamedTuple):
    """What became of what waited."""

    customer: Customer
    rows: tuple[Append | Put, ...]
    retracts: tuple[Retract, ...]
    unseen: tuple[Unseen, ...]


def with_found(customer: Customer, told: Told) -> Found:
    """The customer, parts too, with what waited and need not any more."""
    change = _with_effects(customer, told)
    customer, rows, retracts = change.customer, list(change.rows), list(change.retracts)
    for held in sorted(customer.held, key=lambda one: one.until is not None)[:-MAX_HELD]:
        customer = without(customer, [held])
        if held.until is not None:
            refusal = TOO_MANY_WAITING(most=MAX_HELD)
            rows.append(row_of(customer, held, refused(refusal.detail)))
            retracts.append(retracted(customer, held, refusal))
    return Found(parts_with_found(customer, told), tuple(rows), tuple(retracts), change.unseen)


def parts_with_found(customer: Customer, told: Told) -> Customer:
    """The customer, whose parts have what waited in others for what they have."""
    came: dict[str, list[Held]] = {}
    for part in customer.parts:
        goes: list[Held] = []
        for held in part.held:
            owner = None if held.until is None else _owner(customer, held)
            if owner is not None:
                goes.append(held)
                came.setdefault(owner, []).append(altered(held, subject=held.subject or part.customer_id))
        if goes:
            customer = with_part(customer, without(part, goes))
    for owner, waited in came.items():
        home = part_of(customer, owner)
        assert home is not None
        home = altered(home, held=(*home.held, *waited))
        customer = with_part(customer, _with_effects(home, told).customer)
    return customer


def _owner(customer: Customer, held: Held) -> str | None:
    """Who has what it is about."""
    find = part_with_order if _topic(held) == PurchaseReturned.topic else part_with_complaint
    return find(customer, held.about)


def _topic(held: Held) -> str:
    return TYPES[held.type].topic


def _with_effects(customer: Customer, told: Told) -> Change:
    """The customer, or one part, with the effects of what waited for what is known there."""
    rows, retracts, unseen, counts = list[Append | Put](), list[Retract](), list[Unseen](), dict[str, int]()
    for topic, about in _waiting(customer):
        before = customer
        if topic == PurchaseReturned.topic:
            if order_book.left_of(customer.purchases.book, key("order", about)) is None:
                continue
            change = waiting_returns(customer, told, about)
        else:
            opened = found(customer.complaints, about, complaint_key)
            if opened is None:
                continue
            change = with_waiting(customer, opened)
        change = with_settled(before, change, told.now)
        customer = change.customer
        counts[topic] = counts.get(topic, 0) + change.counted
        rows += change.rows
        retracts += change.retracts
        unseen += change.unseen
    counted = {topic: customer.counts.get(topic, 0) + more for topic, more in counts.items() if more}
    if counted:
        customer = altered(customer, counts={**customer.counts, **counted})
    return Change(customer, rows=tuple(rows), retracts=tuple(retracts), unseen=tuple(unseen))


def _waiting(customer: Customer) -> Iterator[tuple[str, str]]:
    """Of which topics, and about which things, facts wait, each once, the first heard first."""
    return iter(dict.fromkeys((_topic(held), held.about) for held in customer.held if held.until is not None))
