"""Vouchers as they are issued: out of a reward's stock, for points or as a present."""

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
