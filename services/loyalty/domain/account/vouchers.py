"""Vouchers: issued out of a reward's stock, for points or as presents, found while open, and changed."""

from services.loyalty import errors
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.program.catalogue import Reward
from services.loyalty.domain.rows import VoucherRow
from services.loyalty.domain.state import Lot, Voucher
from shared.schemas.loyalty import RewardIssued
from shared.schemas.times import Micros, moment


def take_one(book: Book, reward: Reward) -> bool:
    """Of the reward's stock; whether there was one."""
    if not book.has_left(reward.counter, reward.stock):
        return False
    if reward.stock is not None:
        book.take(reward.counter, 1, reward.stock)
    return True


def issue(
    book: Book,
    at: Micros,
    reward: Reward,
    code: str,
    cost: int = 0,
    pieces: tuple[Lot, ...] = (),
    **told: str,
) -> Voucher:
    """``pieces`` paid for it, where it ``cost`` points. ``told``: what the fact says more."""
    voucher = Voucher(
        code=code,
        reward_id=reward.id,
        cost=cost,
        issued_at=at,
        expires_at=reward.ends(at),
        pieces=pieces,
    )
    expires_at = moment(voucher.expires_at)
    book.tag("voucher", code)
    book.vouchers.append(voucher)
    book.voucher_rows.append(VoucherRow(book.member, voucher))
    book.emit(RewardIssued(reward_id=reward.id, voucher_code=code, expires_at=expires_at, **told), at)
    return voucher


def find_open(book: Book, at: Micros, code: str) -> int:
    """Where the open voucher is.

    Raises ``RefusedError``: 404 ``unknown_voucher``; 409 ``voucher_redeemed``, ``voucher_cancelled``,
    ``voucher_expired``.
    """
    index = next((i for i, voucher in enumerate(book.vouchers) if voucher.code == code), None)
    if index is None:
        raise errors.UNKNOWN_VOUCHER()
    voucher = book.vouchers[index]
    if voucher.status == "redeemed":
        raise errors.VOUCHER_REDEEMED()
    if voucher.status == "cancelled":
        raise errors.VOUCHER_CANCELLED()
    if at >= voucher.expires_at:
        raise errors.VOUCHER_EXPIRED(expires_at=moment(voucher.expires_at).isoformat())
    return index


def change(book: Book, index: int, closed_at: Micros | None = None, **changes: object) -> Voucher:
    """The voucher in this place, changed, with its row."""
    changed = book.vouchers[index].model_copy(update=changes)
    book.vouchers[index] = changed
    book.voucher_rows.append(VoucherRow(book.member, changed, closed_at))
    return changed


def reservation_due(book: Book) -> Micros | None:
    """When the first reservation ends."""
    if not book.vouchers:
        return None
    return min([v.reserved.until for v in book.vouchers if v.reserved is not None], default=None)


def end_reservations(book: Book, at: Micros) -> None:
    """Those that end by then: their vouchers are as if never reserved."""
    for index, voucher in enumerate(book.vouchers):
        if voucher.reserved is not None and voucher.reserved.until <= at:
            change(book, index, reserved=None)
