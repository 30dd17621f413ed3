"""Points become vouchers, and some are given; a voucher is used once, or given back unused."""

from collections import Counter
from collections.abc import Iterable, Iterator

from services.loyalty import errors
from services.loyalty.domain import rules
from services.loyalty.domain.account import entries
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.settle import settle
from services.loyalty.domain.account.vouchers import change, find_open, issue, take_one
from services.loyalty.domain.members import insufficient, join_by_gift, require_member
from services.loyalty.domain.membership import UsedCode
from services.loyalty.domain.program.catalogue import Reward
from services.loyalty.domain.reservations import is_free, require_free, reserved_until
from services.loyalty.domain.state import Pieces
from shared.domain import Outcome
from shared.facts.text import voucher_code
from shared.schemas.complaints import CompensationGranted
from shared.schemas.loyalty import VoucherCancelled
from shared.schemas.purchases import PurchaseItem, PurchaseMade, PurchaseReturned, ReturnItem
from shared.schemas.times import DAY, Micros, moment

USED_KEPT: Micros = 7 * DAY
MOST_USED = 50
"""How long, and how many, used codes are kept whose vouchers may come."""


def redeem(book: Book, at: Micros, reward_id: str, code: str) -> Outcome:
    """Spend points on a reward, earliest expiry first, and issue the voucher ``code``; 201.

    Raises ``RefusedError``: 404 ``unknown_member``, ``unknown_reward``; 409 ``tier_required``,
    ``reward_unavailable``, ``insufficient_points``, ``out_of_stock``.
    """
    require_member(book)
    reward = _reward(book, at, reward_id)
    _require_offer(book, at, reward)
    if reward.cost > book.balance:
        raise insufficient(book, reward.cost)
    _take_one(book, reward)
    pieces = entries.redeem(book, reward.cost, at, rules.Redemption(reward.id))
    voucher = issue(book, at, reward, code, reward.cost, pieces)
    return Outcome(
        201,
        {
            "voucher_code": code,
            "reward_id": reward.id,
            "expires_at": moment(voucher.expires_at).isoformat(),
            "balance": book.balance,
        },
    )


def compensated(book: Book, at: Micros, data: CompensationGranted) -> None:
    """Issue a reward's voucher without points, given for a complaint: who gave it is bound neither to the
    reward's tier nor to its window. Under automatic enrolment it makes a member, as points do.

    Raises ``RefusedError``: 404 ``unknown_member``, ``unknown_reward``; 409 ``out_of_stock``.
    """
    assert data.reward_id is not None
    join_by_gift(book, at)
    reward = _reward(book, at, data.reward_id)
    _take_one(book, reward)
    # Of what is judged in one event, such as facts that waited for their time, each has a code of its own.
    code = book.context.secret(f"voucher of {book.cause.source} {book.cause.id}")
    issue(book, at, reward, code, complaint_id=data.complaint_id)


def _reward(book: Book, at: Micros, reward_id: str) -> Reward:
    reward = book.program(at).catalogue.get(reward_id)
    if reward is None:
        raise errors.UNKNOWN_REWARD(field="reward_id", reward_id=reward_id)
    return reward


def _take_one(book: Book, reward: Reward) -> None:
    """Of the reward's stock. Raises ``out_of_stock``."""
    if not take_one(book, reward):
        raise errors.OUT_OF_STOCK(field="reward_id", reward_id=reward.id)


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


def redeem_voucher(book: Book, at: Micros, code: str, order_id: str | None = None) -> Outcome:
    """Use a voucher, for the order that reserved it where one did; 200 once. Raises ``RefusedError`` as
    ``find_open`` and ``require_free`` do."""
    code = voucher_code(code)
    index = find_open(book, at, code)
    require_free(book.vouchers[index], order_id)
    _close(book, index, "redeemed", at)
    return Outcome(
        200, {"voucher_code": code, "reward_id": book.vouchers[index].reward_id, "status": "redeemed"}
    )


def cancel_voucher(book: Book, at: Micros, code: str) -> Outcome:
    """Give what an unused voucher cost back into the points' lots, with their old expiry dates; 200.

    Raises ``RefusedError`` as ``find_open`` does; 409 ``voucher_reserved``, whoever reserved it.
    """
    code = voucher_code(code)
    index = find_open(book, at, code)
    voucher = book.vouchers[index]
    if voucher.reserved is not None:
        raise reserved_until(voucher.reserved)
    _close(book, index, "cancelled", at)
    reward = book.program(voucher.issued_at).catalogue.get(voucher.reward_id)
    if reward is not None and reward.stock is not None:
        book.take(reward.counter, -1)
    book.emit(VoucherCancelled(voucher_code=code), at)
    if voucher.cost:  # one that was given has no points to give back
        entries.restore(book, voucher.pieces, at, rules.Cancellation(voucher.reward_id))
    # Lots that are over by now end here and not at the close, so that the answer's balance is right.
    settle(book, book.at)
    return Outcome(
        200,
        {
            "voucher_code": code,
            "reward_id": voucher.reward_id,
            "status": "cancelled",
            "balance": book.balance,
        },
    )


def use(book: Book, at: Micros, code: str, data: PurchaseMade) -> None:
    """A purchase used this code. One of ours that is open, and not reserved for another order when it was
    made, is redeemed; any other is not our business."""
    code, out = voucher_code(code), () if data.total.amount else _pieces(data.items)
    used = UsedCode(
        code=code,
        of=book.told_of or book.member,
        at=at,
        order_id=data.order_id,
        out=out,
        heard_at=book.at,
    )
    merges = book.before.merging is not None or book.told_of
    if merges and not any(voucher.code == code for voucher in book.vouchers):
        known = (one for one in book.used_codes if max(one.at, one.heard_at) > book.at - USED_KEPT)
        others = (one for one in known if (one.code, one.order_id) != (code, data.order_id))
        book.used_codes = (*others, used)[-MOST_USED:]
        return
    _use(book, used)


def use_come(book: Book) -> None:
    """Vouchers have come: purchases that used them were heard before."""
    here = {voucher.code for voucher in book.vouchers}
    for used in book.used_codes:
        if used.code in here:
            _use(book, used)
    book.used_codes = tuple(used for used in book.used_codes if used.code not in here)


def _use(book: Book, used: UsedCode) -> None:
    for index, voucher in enumerate(book.vouchers):
        if voucher.code != used.code or voucher.status != "open" or used.at >= voucher.expires_at:
            continue
        if is_free(voucher, used.at, used.order_id):
            _close(book, index, "redeemed", used.at, order_id=used.order_id, out=used.out)


def give_back(book: Book, at: Micros, data: PurchaseReturned) -> None:
    """Nothing of what was paid for an order is left: its vouchers are open again, with what paid for them, if
    still good. One that cost nothing is returned whole once each of its pieces came back."""
    for index, voucher in enumerate(book.vouchers):
        if voucher.order_id != data.order_id or voucher.status != "redeemed":
            continue
        out = _without(voucher.out, data.items)
        if out:
            book.vouchers[index] = voucher.model_copy(update={"out": out})
        elif max(at, book.at) < voucher.expires_at:
            change(book, index, status="open", order_id=None, out=())
    if book.used_codes:
        book.used_codes = tuple(_still_used(book.used_codes, data))


def _still_used(codes: Iterable[UsedCode], data: PurchaseReturned) -> Iterator[UsedCode]:
    """Of those whose vouchers have not come."""
    for used in codes:
        if used.order_id != data.order_id:
            yield used
        elif out := _without(used.out, data.items):
            yield used.model_copy(update={"out": out})


def _pieces(items: Iterable[PurchaseItem]) -> Pieces:
    """What of an order that cost nothing must come back: the goods, or the gifts if there is nothing else."""
    goods, gifts = Counter[str](), Counter[str]()
    for item in items:
        if item.unit_price.amount >= 0:
            (goods if item.unit_price.amount else gifts)[item.sku] += item.quantity
    return tuple((goods or gifts).items())


def _without(pieces: Pieces, items: Iterable[ReturnItem]) -> Pieces:
    """Those that are still out: more of one product than there was stands for no other."""
    out = Counter(dict(pieces))
    for item in items:
        out[item.sku] -= item.quantity
    return tuple((sku, units) for sku, units in out.items() if units > 0)


def _close(book: Book, index: int, status: str, at: Micros, **more: str | Pieces) -> None:
    kept = book.vouchers[index].pieces if "order_id" in more else ()  # it may be open again
    change(book, index, closed_at=at, status=status, pieces=kept, reserved=None, **more)
