"""Entries of the ledger: credits and debits that name their lots.

After every entry ``sum(ledger points) = balance = sum(active remainders) - debt``.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from msgspec.structs import replace

from services.loyalty import errors
from services.loyalty.domain import rules
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.lots import holding
from services.loyalty.domain.program.numbers import MAX_POINTS
from services.loyalty.domain.rows import Kind, LedgerRow, Opened, Piece
from services.loyalty.domain.state import Lot, Order, Pending
from shared.domain import Emit
from shared.schemas.loyalty import (
    LedgerEntry,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsRedeemed,
    PointsRestored,
    PointsReversed,
)
from shared.schemas.times import DAY, Micros, moment

FACTS: dict[Kind, type[LedgerEntry]] = {
    "earned": PointsEarned,
    "reversed": PointsReversed,
    "redeemed": PointsRedeemed,
    "expired": PointsExpired,
    "restored": PointsRestored,
    "adjusted": PointsAdjusted,
}
LIFETIME = {"earned", "reversed", "adjusted"}


# Credits


def earn(book: Book, points: int, at: Micros, why: rules.Gift) -> None:
    """Open a lot dated ``at`` whose points can be spent at once. Raises ``points_overflow``."""
    activate(book, _lot(book, points, at), at, why)


def give(book: Book, points: int, at: Micros, why: rules.Adjustment) -> None:
    """Open a lot by hand. Raises ``RefusedError`` (``points_overflow``)."""
    activate(book, _lot(book, points, at), at, why, kind="adjusted")


def accrue(book: Book, points: int, order: Order, why: rules.Accrual) -> None:
    """Open a lot of the order's, which waits for the program's ``pending_days`` first.

    Raises ``RefusedError`` (``points_overflow``).
    """
    lot = _lot(book, points, order.at, order.order_id)
    available_at = order.at + book.program(order.at).earn.pending_days * DAY
    if available_at <= book.at:
        activate(book, lot, available_at, why)
        return
    cause = book.cause.source, book.cause.id
    pending = Pending(lot=lot, available_at=available_at, cause=cause, why=why)
    book.pending.insert(bisect_right(book.pending, available_at, key=_availability), pending)


def activate(
    book: Book, lot: Lot, at: Micros, why: rules.Credit, *, kind: Literal["earned", "adjusted"] = "earned"
) -> None:
    """A lot's points become spendable at ``at``; they pay a debt first."""
    paid = min(book.debt, lot.remaining)
    left = lot.remaining - paid
    book.lots.put(lot, left)
    book.debt -= paid
    _post(book, kind, lot.remaining, at, why, (Piece(lot.entry_id, left),), -paid, lot.order_id, lot)


def restore(book: Book, pieces: Iterable[Lot], at: Micros, why: rules.Cancellation) -> None:
    """Give points back into the lots they came from; those that are not over pay a debt first."""
    back: list[Piece] = []
    owed = book.debt
    total = 0
    for piece in pieces:
        paid = min(book.debt, piece.remaining) if piece.expires_at > book.at else 0
        book.debt -= paid
        total += piece.remaining
        book.lots.put(piece, piece.remaining - paid)
        back.append(Piece(piece.entry_id, piece.remaining - paid))
    _post(book, "restored", total, at, why, back, book.debt - owed)


# Debits


def redeem(book: Book, points: int, at: Micros, why: rules.Redemption) -> tuple[Lot, ...]:
    """Spend points, earliest expiry first. Returns what was taken. The balance must hold them."""
    taken = _spend(book, points)
    _post(book, "redeemed", -points, at, why, _minus(taken))
    return taken


def deduct(book: Book, points: int, at: Micros, why: rules.Adjustment) -> None:
    """Take points by hand, earliest expiry first. The balance must hold them."""
    _post(book, "adjusted", -points, at, why, _minus(_spend(book, points)))


def reverse(book: Book, points: int, at: Micros, order_id: str, why: rules.Return) -> None:
    """Take back points of a purchase: its own lots, then the others by earliest expiry, then debt."""
    left = points - _cancel_pending(book, points, order_id)
    if left == 0:
        return
    taken = book.lots.take(left, [lot for lot in book.lots.active if lot.order_id == order_id])
    rest = left - sum(piece.remaining for piece in taken)
    taken += book.lots.take(rest)
    debt = left - sum(piece.remaining for piece in taken)
    book.debt += debt
    _post(book, "reversed", -left, at, why, _minus(taken), debt, order_id)


def expire(book: Book, lot: Lot) -> None:
    """The lot's time is over."""
    book.lots.take(lot.remaining, [lot])
    _post(book, "expired", -lot.remaining, lot.expires_at, rules.Expiry(), _minus((lot,)))


def write_off(book: Book) -> None:
    """All points go, those that wait too, and what is owed, by an entry without a person: nobody is told of
    it, and the sums over all members hold."""
    book.pending = []
    taken, owed = book.lots.take(book.lots.total), book.debt
    if not taken and not owed:
        return
    points, book.debt = owed - sum(piece.remaining for piece in taken), 0
    book.posted["adjusted"] = book.posted.get("adjusted", 0) + points
    # Told again, after they came back, it is another one: the first one's row stays.
    at, entry_id = moment(book.at), book.context.new_id(f"erasure:{book.context.origin}")
    why, lots = rules.Adjustment("erased"), tuple(_minus(taken))
    nobody, first = "", 1
    book.entries.append(
        LedgerRow(entry_id, nobody, first, at, at, "adjusted", points, 0, why, book.cause, lots, -owed)
    )


# What goes from one account into another (ADR 67)


def take_all(book: Book, lots: Iterable[Lot], why: rules.Joining, *, owed: int = 0) -> tuple[Lot, ...]:
    """All of these lots go, and so much of what is owed; returns what went."""
    chosen = tuple(lots)
    taken = book.lots.take(sum(lot.remaining for lot in chosen), chosen)
    book.debt -= owed
    points = owed - sum(piece.remaining for piece in taken)
    _post(book, "adjusted", points, book.at, why, _minus(taken), -owed)
    return taken


def put_in(book: Book, lot: Lot, why: rules.Joining) -> Lot:
    """A lot of another account with its own dates, under an id of its own here; without points it is what a
    voucher was paid from."""
    entry_id = book.context.new_id(f"lot:{lot.entry_id}")
    here = replace(lot, entry_id=entry_id, points=lot.remaining)
    activate(book, here, book.at, why, kind="adjusted")
    return here


def owe(book: Book, points: int, why: rules.Joining) -> None:
    """What another account owed: points that there are pay it, those that expire first first."""
    taken = book.lots.take(points)
    debt = points - sum(piece.remaining for piece in taken)
    book.debt += debt
    _post(book, "adjusted", -points, book.at, why, _minus(taken), debt)


def reverse_double(book: Book, points: int, order_id: str, owner: str) -> None:
    """Take back the points of an order that two ids told of, as the other's hold: its own lots, then the
    others by earliest expiry, then debt."""
    left = points - _cancel_pending(book, points, order_id, owner)
    if left == 0:
        return
    own = [x for x in book.lots.active if x.order_id == order_id and book.owner("lot", x.entry_id) == owner]
    taken = book.lots.take(left, own)
    taken += book.lots.take(left - sum(piece.remaining for piece in taken))
    debt = left - sum(piece.remaining for piece in taken)
    book.debt += debt
    _post(book, "reversed", -left, book.at, rules.Double(order_id=order_id), _minus(taken), debt, order_id)


# The machinery


def _lot(book: Book, points: int, at: Micros, order_id: str | None = None) -> Lot:
    if not book.has_room(points):
        raise errors.POINTS_OVERFLOW(field="points", most=MAX_POINTS)
    book.lots_opened += 1
    entry_id = book.context.new_id(f"lot:{book.lots_opened}")
    book.tag("lot", entry_id)
    return Lot(
        entry_id=entry_id,
        order_id=order_id,
        points=points,
        remaining=points,
        earned_at=at,
        expires_at=at + book.program(at).earn.expire_days * DAY,
    )


def _spend(book: Book, points: int) -> tuple[Lot, ...]:
    taken = book.lots.take(points)
    if sum(piece.remaining for piece in taken) != points:
        raise ValueError(f"the lots hold fewer than {points} points")
    return taken


def _cancel_pending(book: Book, points: int, order_id: str, owner: str | None = None) -> int:
    """Take points that were not booked yet from the purchase's pending lots, or those of an ``owner``; how
    many."""
    cancelled = 0
    kept: list[Pending] = []
    for pending in book.pending:
        lot = pending.lot
        its = lot.order_id == order_id and owner in (None, book.owner("lot", lot.entry_id))
        part = min(points - cancelled, lot.remaining) if its else 0
        cancelled += part
        if part:
            pending = pending.model_copy(update={"lot": holding(lot, lot.remaining - part)})
        if pending.lot.remaining:
            kept.append(pending)
    book.pending = kept
    return cancelled


def _post(
    book: Book,
    kind: Kind,
    points: int,
    at: Micros,
    why: rules.Rule,
    changes: Iterable[Piece],
    debt: int = 0,
    order_id: str | None = None,
    opened: Lot | None = None,
) -> None:
    """One ledger entry and its event. ``points`` = the lots' changes - the change of the debt.

    ``opened``: the lot that the entry opens, under the lot's id.
    """
    book.seq += 1
    book.booked_at = max(book.booked_at, at)
    book.posted[kind] = book.posted.get(kind, 0) + points
    if kind in LIFETIME:
        book.lifetime += points
    entry_id = book.context.new_id(f"entry:{book.seq}") if opened is None else opened.entry_id
    time = moment(at)
    booked = time if book.booked_at == at else moment(book.booked_at)
    row = LedgerRow(
        entry_id,
        book.member,
        book.seq,
        time,
        booked,
        kind,
        points,
        book.balance,
        why,
        book.cause,
        tuple([piece for piece in changes if piece.points]),
        debt,
        order_id,
        None if opened is None else _opened(opened, at, time),
    )
    book.entries.append(row)
    fact = FACTS[kind](
        entry_id=entry_id, points=points, balance=row.balance, reason=why.reason, cause=book.cause
    )
    book.emits.append(Emit(fact, time))


def _opened(lot: Lot, at: Micros, available_at: datetime) -> Opened:
    earned_at = available_at if lot.earned_at == at else moment(lot.earned_at)
    return Opened(earned_at, available_at, moment(lot.expires_at))


def _minus(taken: Iterable[Lot]) -> list[Piece]:
    return [Piece(piece.entry_id, -piece.remaining) for piece in taken]


def _availability(pending: Pending) -> Micros:
    return pending.available_at
