"""What comes to a survivor, or home: it is the customer's from now on, and takes effect as if it had been
told of them all along, but that what was told once is not told again."""

from collections.abc import Iterable

from services.interactions.domain.activity.health import health_joined
from services.interactions.domain.complaints import waiting
from services.interactions.domain.conversations import rest
from services.interactions.domain.conversations.folds import changed
from services.interactions.domain.conversations.known import Conversations
from services.interactions.domain.merging.found import with_found
from services.interactions.domain.merging.handing import Handed
from services.interactions.domain.merging.joining import joined
from services.interactions.domain.merging.parts import divided, with_part
from services.interactions.domain.owners import part_of
from services.interactions.domain.people import customer_row, merged_row
from services.interactions.domain.rows import CUSTOMERS
from services.interactions.domain.search import gone_rows, profile_rows, was_row
from services.interactions.domain.state import (
    MAX_MATCHED,
    Customer,
    Held,
    altered,
    initial,
)
from services.interactions.domain.telling import Told
from shared.domain import Append, Effects, Put


def absorbed(before: Customer, handed: Handed, told: Told) -> Effects[Customer]:
    """The customer with what was handed over; clocks and teams are looked at by whoever calls."""
    now = told.now
    whole = before
    talk = before.conversations
    rows: list[Append | Put] = []
    for piece in handed.pieces:
        whole, new = _with_piece(whole, piece)
        if new is not None:
            talk = conversations_joined(talk, new.conversations)
            whole = altered(whole, held=_held_joined(whole.held, new.held))
            if piece.customer_id != whole.customer_id and piece.seen_at is not None:
                rows += _found_as(whole, new)
    if talk is not before.conversations:
        change, _ = changed(whole, talk, "", now)
        whole = change.customer
        rows += change.rows
    effective = with_found(whole, told)
    whole = effective.customer
    rows += effective.rows
    if whole.seen_at is not None and (before.seen_at is None or whole.profile is not before.profile):
        rows.append(Put(CUSTOMERS, customer_row(whole, whole.seen_at).document()))
        rows += profile_rows(before, whole)
    timers = (*waiting.timers(before, whole), *rest.timers(before, whole))
    return Effects(
        whole, timers=timers, rows=tuple(rows), retracts=effective.retracts, unseen=effective.unseen
    )


def _with_piece(whole: Customer, piece: Customer) -> tuple[Customer, Customer | None]:
    """The whole, and its part, with a piece; and what of it is the whole's by that: what comes before the
    first piece of an id waits for that, as it may be half of something."""
    if piece.customer_id == whole.customer_id:
        part = part_of(whole, piece.customer_id)
        if part is not None:
            whole = with_part(whole, _part_joined(part, piece))
        return _home(joined(whole, piece), piece), piece
    whole = divided(whole)
    known = part_of(whole, piece.customer_id) or initial(piece.customer_id)
    part = _part_joined(known, piece)
    whole = with_part(whole, part)
    if part.seen_at is None:
        return whole, None
    new = part if known.seen_at is None else piece
    return joined(whole, new), new


def _part_joined(part: Customer, piece: Customer) -> Customer:
    more = _home(joined(part, piece), piece)
    return altered(
        more,
        conversations=conversations_joined(part.conversations, piece.conversations),
        held=_held_joined(part.held, piece.held),
    )


def _home(customer: Customer, piece: Customer) -> Customer:
    """With what is an id's own: what loyalty and metrics tell of it, and its tiers and segments by time."""
    marks = {(mark.at, mark.field): mark for mark in (*piece.matched, *customer.matched)}
    loyalty, came = customer.loyalty, piece.loyalty
    if loyalty is not None and came is not None:
        enrolled_at = came.enrolled_at if loyalty.enrolled_at is None else loyalty.enrolled_at
        loyalty = altered(loyalty, enrolled_at=enrolled_at, tier=loyalty.tier or came.tier)
    return altered(
        customer,
        loyalty=loyalty or came,
        health=health_joined(customer.health, piece.health),
        matched=tuple(sorted(marks.values(), key=lambda mark: mark.at))[-MAX_MATCHED:],
    )


def conversations_joined(one: Conversations, other: Conversations) -> Conversations:
    """Each message and step once."""
    messages, steps = {m.key for m in one.messages}, {(s.key, s.kind) for s in one.steps}
    more = [m for m in other.messages if m.key not in messages]
    further = [s for s in other.steps if (s.key, s.kind) not in steps]
    if not more and not further and other.awake_at <= one.awake_at:
        return one
    return altered(
        one,
        messages=(*one.messages, *more),
        steps=(*one.steps, *further),
        awake_at=max(one.awake_at, other.awake_at),
    )


def _held_joined(one: tuple[Held, ...], other: Iterable[Held]) -> tuple[Held, ...]:
    known = {(held.source, held.id, held.subject) for held in one}
    return (*one, *(held for held in other if (held.source, held.id, held.subject) not in known))


def _found_as(whole: Customer, part: Customer) -> list[Put]:
    """A search for the old id, or by what it was known, finds the survivor alone."""
    assert part.seen_at is not None
    row = merged_row(part.customer_id, part.seen_at, whole.customer_id)
    return [Put(CUSTOMERS, row.document()), *gone_rows(part), was_row(whole, part.customer_id)]
