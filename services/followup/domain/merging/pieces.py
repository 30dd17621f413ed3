"""What was told of an id, in pieces that fit into events: each names the id, and together they say all."""

from collections.abc import Iterable, Iterator

from services.followup.domain.history.state import History, Purchases
from services.followup.domain.told import Told
from shared.facts.names import NAME_BYTES
from shared.facts.order_book import SIZE

MOST_ENTRIES = 10_000
"""Names, or orders, in a piece: of these half a megabyte as text at most."""


def pieces_of(shares: Iterable[Told]) -> tuple[Told, ...]:
    """Each of ``shares``, whole or in pieces."""
    return tuple(piece for told in shares for piece in _pieces(told))


def _pieces(told: Told) -> Iterator[Told]:
    names = [*_cut(told.names, MOST_ENTRIES * NAME_BYTES)]
    bought = None if told.history is None else told.history.purchases
    books = [] if bought is None else [*_cut(bought.book, MOST_ENTRIES * SIZE)]
    if len(names) < 2 and len(books) < 2:
        yield told
        return
    for part in names[1:]:
        yield Told(customer_id=told.customer_id, names=part)
    for part in books[1:]:
        past = History(purchases=Purchases(book=part))
        yield Told(customer_id=told.customer_id, history=past)
    update: dict[str, object] = {"names": names[0] if names else b""}
    if told.history is not None and bought is not None and books:
        first = bought.model_copy(update={"book": books[0]})
        update["history"] = told.history.model_copy(update={"purchases": first})
    yield told.model_copy(update=update)


def _cut(entries: bytes, most: int) -> Iterator[bytes]:
    yield from (entries[at : at + most] for at in range(0, len(entries), most))
