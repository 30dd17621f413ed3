"""Time passing: lots become available and expire, tiers end, each at its own instant."""

from services.loyalty.domain import tiers
from services.loyalty.domain.book import Book
from shared.schemas.loyalty import Cause


def settle(book: Book, until: int) -> None:
    """Do all that fell due up to and including ``until``, which may lie before what is done already.

    Points and tiers do not depend on one another here, so each goes by its own order of time.
    """
    book.at = max(book.at, until)
    while (due := points_due(book)) is not None and due <= book.at:
        if book.pending and book.pending[0].available_at == due:
            _make_available(book)
        else:
            book.expire(book.lots[0])
    while (due := tiers.due(book)) is not None and due <= book.at:
        tiers.judge(book)


def points_due(book: Book) -> int | None:
    """When the next lot becomes available or expires."""
    expiry = book.lots[0].expires_at if book.lots else None
    if not book.pending:
        return expiry
    available = book.pending[0].available_at
    return available if expiry is None else min(available, expiry)


def _make_available(book: Book) -> None:
    pending = book.pending.pop(0)
    present = book.cause
    book.cause = Cause(source=pending.cause[0], id=pending.cause[1])
    book.activate(pending.lot, pending.available_at, "purchase")
    book.cause = present
