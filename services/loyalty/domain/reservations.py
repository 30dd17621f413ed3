"""A till holds a voucher while its customer pays: nobody else uses it meanwhile, until a time ends that."""

from services.loyalty import errors
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.vouchers import change, find_open
from services.loyalty.domain.state import Reservation, Voucher
from shared.domain import Outcome, RefusedError
from shared.facts.text import voucher_code
from shared.schemas.times import SECOND, Micros, moment


def reserve(book: Book, at: Micros, code: str, seconds: int, order_id: str | None) -> Outcome:
    """Hold an open voucher for so many seconds, no longer than it is good; 200. For the order that holds it
    already nothing changes.

    Raises ``RefusedError`` as ``find_open`` does; 409 ``voucher_reserved``.
    """
    index = find_open(book, at, voucher_code(code))
    voucher = book.vouchers[index]
    held = voucher.reserved
    if held is None:
        since = max(at, book.at)
        until = min(since + seconds * SECOND, voucher.expires_at)
        voucher = change(book, index, reserved=Reservation(since, until, order_id))
    elif order_id is None or held.order_id != order_id:
        raise reserved_until(held)
    return _told(voucher)


def release(book: Book, at: Micros, code: str, order_id: str | None) -> Outcome:
    """Hold it no more; 200, also where nobody does. What an order holds, only that order gives up.

    Raises ``RefusedError`` as ``find_open`` and ``require_free`` do.
    """
    index = find_open(book, at, voucher_code(code))
    voucher = book.vouchers[index]
    if voucher.reserved is not None:
        require_free(voucher, order_id)
        voucher = change(book, index, reserved=None)
    return _told(voucher)


def require_free(voucher: Voucher, order_id: str | None) -> None:
    """Raises ``RefusedError`` (409 ``voucher_reserved``) where another order holds it."""
    held = voucher.reserved
    if held is not None and held.order_id not in (None, order_id):
        raise reserved_until(held)


def is_free(voucher: Voucher, at: Micros, order_id: str) -> bool:
    """Whether the order could use it at ``at``, which may be before it was reserved."""
    held = voucher.reserved
    return held is None or at < held.since or held.order_id in (None, order_id)


def reserved_until(held: Reservation) -> RefusedError:
    return errors.VOUCHER_RESERVED(until=moment(held.until).isoformat())


def _told(voucher: Voucher) -> Outcome:
    held = voucher.reserved
    return Outcome(
        200,
        {
            "voucher_code": voucher.code,
            "reward_id": voucher.reward_id,
            "status": "open" if held is None else "reserved",
            "reserved_until": None if held is None else moment(held.until).isoformat(),
            "order_id": None if held is None else held.order_id,
        },
    )
