"""Points become vouchers; a voucher is used once, or given back unused."""

from services.loyalty import errors
from services.loyalty.domain import rules
from services.loyalty.domain.account import entries
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.settle import settle
from services.loyalty.domain.members import insufficient, require_member
from services.loyalty.domain.program.catalogue import Reward
from services.loyalty.domain.rows import VoucherRow
from services.loyalty.domain.state import Voucher
from shared.domain import Outcome
from shared.schemas.loyalty import RewardIssued, VoucherCancelled
from shared.schemas.times import DAY, Micros, moment


def redeem(book: Book, at: Micros, reward_id: str, code: str) -> Outcome:
    """Spend points on a reward, earliest expiry first, and issue the voucher ``code``; 201.

    Raises ``RefusedError``: 404 ``unknown_member``, ``unknown_reward``; 409 ``tier_required``,
    ``reward_unavailable``, ``insufficient_points``, ``out_of_stock``.
    """
    settle(book, at)
    require_member(book)
    reward = book.program(at).catalogue.get(reward_id)
    if reward is None:
        raise errors.UNKNOWN_REWARD(field="reward_id", reward_id=reward_id)
    _require_offer(book, at, reward)
    if reward.cost > book.balance:
        raise insufficient(book, reward.cost)
    if not book.has_left(reward.counter, reward.stock):
        raise errors.OUT_OF_STOCK(field="reward_id", reward_id=reward.id)
    if reward.stock is not None:
        book.take(reward.counter, 1, reward.stock)
    voucher = Voucher(
        code=code,
        reward_id=reward.id,
        cost=reward.cost,
        issued_at=at,
        expires_at=at + reward.validity_days * DAY,
        pieces=entries.redeem(book, reward.cost, at, rules.Redemption(reward.id)),
    )
    expires_at = moment(voucher.expires_at)
    book.vouchers.append(voucher)
    book.voucher_rows.append(VoucherRow(book.member, voucher))
    book.emit(RewardIssued(reward_id=reward.id, voucher_code=code, expires_at=expires_at), at)
    return Outcome(
        201,
        {
            "voucher_code": code,
            "reward_id": reward.id,
            "expires_at": expires_at.isoformat(),
            "balance": book.balance,
        },
    )


def _require_offer(book: Book, at: Micros, reward: Reward) -> None:
    program = book.program(at)
    rank = program.rank(book.periods[-1].tier)
    if program.offers(reward, rank, at):
        return
    if reward.tier is not None and rank < program.rank(reward.tier):
        raise errors.TIER_REQUIRED(field="reward_id", reward_id=reward.id, tier=reward.tier)
    bounds = (("from", reward.starts_at), ("until", reward.ends_at))
    window = " ".join(f"{word} {time.isoformat()}" for word, time in bounds if time is not None)
    raise errors.REWARD_UNAVAILABLE(field="reward_id", reward_id=reward.id, window=window)


def redeem_voucher(book: Book, at: Micros, code: str) -> Outcome:
    """Use a voucher; 200 once. Raises ``RefusedError`` as ``_open`` does."""
    settle(book, at)
    index = _open(book, at, code)
    _close(book, index, "redeemed", at)
    return Outcome(
        200, {"voucher_code": code, "reward_id": book.vouchers[index].reward_id, "status": "redeemed"}
    )


def cancel_voucher(book: Book, at: Micros, code: str) -> Outcome:
    """Give an unused voucher's points back into their lots, with their old expiry dates; 200.

    Raises ``RefusedError`` as ``_open`` does.
    """
    settle(book, at)
    index = _open(book, at, code)
    voucher = book.vouchers[index]
    _close(book, index, "cancelled", at)
    reward = book.program(voucher.issued_at).catalogue.get(voucher.reward_id)
    if reward is not None and reward.stock is not None:
        book.take(reward.counter, -1)
    book.emit(VoucherCancelled(voucher_code=code), at)
    entries.restore(book, voucher.pieces, at, rules.Cancellation(voucher.reward_id))
    # Lots that are over by now end here and not at the close, so that the answer's balance is right.
    settle(book, at)
    return Outcome(
        200,
        {
            "voucher_code": code,
            "reward_id": voucher.reward_id,
            "status": "cancelled",
            "balance": book.balance,
        },
    )


def use(book: Book, at: Micros, code: str, order_id: str) -> None:
    """A purchase used this code. One of ours that is open is redeemed; any other is not our business."""
    for index, voucher in enumerate(book.vouchers):
        if voucher.code == code and voucher.status == "open" and at < voucher.expires_at:
            _close(book, index, "redeemed", at, order_id)


def _open(book: Book, at: Micros, code: str) -> int:
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


def _close(book: Book, index: int, status: str, at: Micros, order_id: str | None = None) -> None:
    closed = book.vouchers[index].model_copy(update={"status": status, "pieces": ()})
    book.vouchers[index] = closed
    book.voucher_rows.append(VoucherRow(book.member, closed, at, order_id))
