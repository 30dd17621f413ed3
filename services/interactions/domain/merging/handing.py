"""What goes to the survivor, or comes home: each id's part as it stands, in pieces that stand alone."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from services.interactions.domain.activity.kept import Purchases
from services.interactions.domain.conversations.known import Conversations
from services.interactions.domain.merging.packed import with_what_is_left
from services.interactions.domain.owners import owner_of_complaint, owners_of_conversations
from services.interactions.domain.routing.told import Routing
from services.interactions.domain.state import Customer, altered, initial
from shared.facts import order_book
from shared.facts.names import NAME_BYTES
from shared.schemas.base import Open

LARGE = 250_000
"""Characters of a piece's JSON, or little more: what is larger is divided."""


class Handed(Open):
    """What is handed over."""

    pieces: tuple[Customer, ...] = ()
    """Each of one of the ids: its first piece is all but what was too long for it. The conversations come
    before the complaints that are answered in them."""


def parts_now(customer: Customer) -> tuple[Customer, ...]:
    """The customer's own part and those of whom they took in, as they stand."""
    owner = owners_of_conversations(customer)
    return tuple(_as_now(customer, part, owner) for part in customer.parts or (customer,))


def _as_now(whole: Customer, part: Customer, owner: Any) -> Customer:
    """What an id is by itself, with what has become of its things since they are the whole's."""
    id, told_as = part.customer_id, whole.customer_id
    planned = {one.outreach_id for one in whole.planned}
    answers = {one.key: one for one in whole.answers}
    known = {one.complaint_id for one in part.complaints}
    routed = (
        altered(one, told_as=one.told_as or told_as)
        for one in whole.routing.routed
        if owner(one.conversation_id) == id
    )
    held = (altered(one, subject=one.subject or id) for one in part.held)
    return altered(
        part,
        merging=None,
        parts=(),
        complaints=tuple(
            altered(one, next_at=None)
            for one in whole.complaints
            if one.complaint_id in known and owner_of_complaint(whole, one.complaint_id) == id
        ),
        planned=tuple(one for one in part.planned if one.outreach_id in planned),
        ended=whole.ended,  # whosever they are: a name is one message's for ever
        purchases=with_what_is_left(part.purchases, whole.purchases),
        conversations=altered(part.conversations, awake_at=whole.conversations.awake_at),
        routing=Routing(revision=whole.routing.revision, routed=tuple(routed)),
        held=tuple(held),
        called=whole.called.of(id),
        answers=tuple(answers.get(one.key, one) for one in part.answers),
    )


def pieces_of(part: Customer) -> Iterator[Customer]:
    """The part, whole where it is not large."""
    if _size(part) <= LARGE:
        yield part
        return
    empty, talk = initial(part.customer_id), part.conversations
    large = {name: told for name, told in part.profile.items() if len(told.encoded) > LARGE // 4}
    yield altered(
        part,
        profile={name: told for name, told in part.profile.items() if name not in large},
        conversations=Conversations(awake_at=talk.awake_at),
        purchases=altered(part.purchases, book=b""),
        **dict.fromkeys(("names", "noted"), b""),
        **dict.fromkeys(_DIVIDED, ()),
    )
    for name, told in large.items():
        yield altered(empty, profile={name: told})
    for names in _slices(part.names, NAME_BYTES):
        yield altered(empty, names=names)
    for names in _slices(part.noted, NAME_BYTES):
        yield altered(empty, noted=names)
    for book in _slices(part.purchases.book, order_book.SIZE):
        yield altered(empty, purchases=Purchases(book=book))
    for messages in _chunks(talk.messages):
        yield altered(empty, conversations=Conversations(messages=messages))
    for steps in _chunks(talk.steps):
        yield altered(empty, conversations=Conversations(steps=steps))
    for field in _DIVIDED:
        for chunk in _chunks(getattr(part, field)):
            yield altered(empty, **{field: chunk})


_DIVIDED = ("held", "scores", "answers", "products", "subscriptions", "complaints")


def _slices(packed: bytes, size: int) -> Iterator[bytes]:
    step = LARGE // 2 // size * size
    for start in range(0, len(packed), step):
        yield packed[start : start + step]


def _chunks(items: Sequence[Open]) -> Iterator[tuple[Open, ...]]:
    chunk: list[Open] = []
    size = 0
    for item in items:
        more = _size(item)
        if chunk and size + more > LARGE:
            yield tuple(chunk)
            chunk, size = [], 0
        chunk.append(item)
        size += more
    if chunk:
        yield tuple(chunk)


def _size(model: Open) -> int:
    return len(model.model_dump_json())


def all_pieces(parts: Iterable[Customer]) -> Handed:
    """Of all these."""
    return Handed(pieces=tuple(piece for part in parts for piece in pieces_of(part)))
