"""Points become vouchers; a voucher is used once, or given back unused."""

from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.settle import settle
from services.loyalty.domain.members import insufficient, require_member
from services.loyalty.domain.program.catalogue import Reward
from services.loyalty.domain.state import Voucher
from shared.domain import Outcome, Put, Refused
from shared.schemas.loyalty import RewardIssued, VoucherCancelled
from shared.schemas.times import DAY, moment


def redeem(book: Book, at: int, reward_id: str, code: str) -> Outcome:
    """Spend points on a reward, earliest expiry first, and issue the voucher ``code``; 201.

    Raises ``Refused``: 404 ``unknown_member``, ``unknown_reward``; 409 ``tier_required``,
    ``reward_unavailable``, ``insufficient_points``, ``out_of_stock``.
    """
    settle(book, at)
    require_member(book)
    reward = book.program(at).catalogue.get(reward_id)
    if reward is None:
        raise Refused(
            "unknown_reward", f"The program has no reward {reward_id}.", status=404, field="reward_id"
        )
    _require_offer(book, at, reward)
    if reward.cost > book.balance:
        raise insufficient(book, reward.cost)
    if not book.has_left(reward.counter, reward.stock):
        raise Refused("out_of_stock", f"There is no {reward.id} left.", field="reward_id")
    if reward.stock is not None:
        book.take(reward.counter, 1, reward.stock)
    voucher = Voucher(
        code=code,
        reward_id=reward.id,
        cost=reward.cost,
        issued_at=at,
        expires_at=at + reward.validity_days * DAY,
        pieces=book.redeem(reward.cost, at, reward.id),
    )
    expires_at = moment(voucher.expires_at)
    book.vouchers.append(voucher)
    book.rows.append(_row(book, voucher))
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


def _require_offer(book: Book, at: int, reward: Reward) -> None:
    program = book.program(at)
    rank = program.rank(book.periods[-1].tier)
    if program.offers(reward, rank, at):
        return
    if reward.tier is not None and rank < program.rank(reward.tier):
        raise Refused("tier_required", f"{reward.id} is for {reward.tier} and above.", field="reward_id")
    bounds = (("from", reward.starts_at), ("until", reward.ends_at))
    window = " ".join(f"{word} {time.isoformat()}" for word, time in bounds if time is not None)
    raise Refused("reward_unavailable", f"{reward.id} can be had {window}.", field="reward_id")


def redeem_voucher(book: Book, at: int, code: str) -> Outcome:
    """Use a voucher; 200 once. Raises ``Refused`` as ``_open`` does."""
    settle(book, at)
    index = _open(book, at, code)
    _close(book, index, "redeemed", at)
    return Outcome(
        200, {"voucher_code": code, "reward_id": book.vouchers[index].reward_id, "status": "redeemed"}
    )


def cancel_voucher(book: Book, at: int, code: str) -> Outcome:
    """Give an unused voucher's points back into their lots, with their old expiry dates; 200.

    Raises ``Refused`` as ``_open`` does.
    """
    settle(book, at)
    index = _open(book, at, code)
    voucher = book.vouchers[index]
    _close(book, index, "cancelled", at)
    reward = book.program(voucher.issued_at).catalogue.get(voucher.reward_id)
    if reward is not None and reward.stock is not None:
        book.take(reward.counter, -1)
    book.emit(VoucherCancelled(voucher_code=code), at)
    book.restore(voucher.pieces, at, voucher.reward_id)
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


def use(book: Book, at: int, code: str, order_id: str) -> None:
    """A purchase used this code. One of ours that is open is redeemed; any other is not our business."""
    for index, voucher in enumerate(book.vouchers):
        if voucher.code == code and voucher.status == "open" and at < voucher.expires_at:
            _close(book, index, "redeemed", at, order_id)


def _open(book: Book, at: int, code: str) -> int:
    """Where the open voucher is.

    Raises ``Refused``: 404 ``unknown_voucher``; 409 ``voucher_redeemed``, ``voucher_cancelled``,
    ``voucher_expired``.
    """
    index = next((i for i, voucher in enumerate(book.vouchers) if voucher.code == code), None)
    if index is None:
        raise Refused("unknown_voucher", "There is no such voucher.", status=404)
    voucher = book.vouchers[index]
    if voucher.status != "open":
        raise Refused(f"voucher_{voucher.status}", f"The voucher was {voucher.status} before.")
    if at >= voucher.expires_at:
        raise Refused(
            "voucher_expired", f"The voucher was good until {moment(voucher.expires_at).isoformat()}."
        )
    return index


def _close(book: Book, index: int, status: str, at: int, order_id: str | None = None) -> None:
    closed = book.vouchers[index].model_copy(update={"status": status, "pieces": ()})
    book.vouchers[index] = closed
    book.rows.append(_row(book, closed, at, order_id))


def _row(book: Book, voucher: Voucher, closed_at: int | None = None, order_id: str | None = None) -> Put:
    """What the API finds a voucher's owner by."""
    return Put(
        "vouchers",
        {
            "_id": voucher.code,
            "member": book.member,
            "reward_id": voucher.reward_id,
            "cost": voucher.cost,
            "status": voucher.status,
            "issued_at": moment(voucher.issued_at),
            "expires_at": moment(voucher.expires_at),
            "closed_at": None if closed_at is None else moment(closed_at),
            "order_id": order_id,
        },
    )
