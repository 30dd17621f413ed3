"""A member's points account, opened for one event: debits and credits that name their lots.

A ``Book`` is a working copy that lives within one ``apply``, so the functions that
use it stay pure: state in, effects out. After every entry
``sum(ledger points) = balance = sum(active remainders) - debt``.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from services.loyalty.domain.program import MAX_POINTS, Program
from services.loyalty.domain.state import Lot, MemberState, Order, Pending, Period, Voucher, Waiting
from services.loyalty.domain.times import DAY, moment
from shared.runtime.effects import Append, Emit, Put, Refused
from shared.schemas.base import Data
from shared.schemas.loyalty import (
    Cause,
    LedgerEntry,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsRedeemed,
    PointsRestored,
    PointsReversed,
)

Kind = Literal["earned", "reversed", "redeemed", "expired", "restored", "adjusted"]

FACTS: dict[str, type[LedgerEntry]] = {
    "earned": PointsEarned,
    "reversed": PointsReversed,
    "redeemed": PointsRedeemed,
    "expired": PointsExpired,
    "restored": PointsRestored,
    "adjusted": PointsAdjusted,
}
LIFETIME = {"earned", "reversed", "adjusted"}

Pieces = list[tuple[str, int]]
"""Lots by entry id, each with the signed change of its remainder."""


class Book:
    """The account while one event is applied. ``at`` never goes back."""

    def __init__(
        self, member: str, state: MemberState, program: Program, cause: Cause, new_id: Callable[[str], str]
    ) -> None:
        self.member = member
        self.program = program
        self.cause = cause
        self._new_id = new_id
        self.at = state.at
        self.enrolled_at = state.enrolled_at
        self.seq = state.seq
        self.lifetime = state.lifetime
        self.debt = state.debt
        self.lots = list(state.lots)
        self.pending = list(state.pending)
        self.orders: list[Order] = list(state.orders)
        self.periods: list[Period] = list(state.periods)
        self.vouchers: list[Voucher] = list(state.vouchers)
        self.waiting: list[Waiting] = list(state.waiting)
        self.balance = sum([lot.remaining for lot in state.lots]) - state.debt
        self.emits: list[Emit] = []
        self.rows: list[Append | Put] = []
        self.last_entry_id = ""
        self._made = 0

    # Credits

    def earn(
        self,
        points: int,
        at: int,
        reason: str,
        *,
        order_id: str | None = None,
        kind: Literal["earned", "adjusted"] = "earned",
        waits: bool = False,
    ) -> None:
        """Open a lot dated ``at``; ``waits``: for the program's ``pending_days`` first."""
        self._check_room(points + sum([waiting.lot.remaining for waiting in self.pending]))
        earn = self.program.earn
        self._made += 1
        lot = Lot(
            entry_id=self._new_id(f"lot:{self._made}"),
            order_id=order_id,
            points=points,
            remaining=points,
            earned_at=at,
            expires_at=at + earn.expire_days * DAY,
        )
        available_at = at + earn.pending_days * DAY if waits else at
        if available_at > self.at:
            pending = Pending(lot=lot, available_at=available_at, cause=(self.cause.source, self.cause.id))
            self.pending.insert(bisect_right(self.pending, available_at, key=_availability), pending)
        else:
            self.activate(lot, available_at, reason, kind=kind)

    def activate(
        self, lot: Lot, at: int, reason: str, *, kind: Literal["earned", "adjusted"] = "earned"
    ) -> None:
        """A lot's points become spendable at ``at``; they pay a debt first."""
        paid = min(self.debt, lot.remaining)
        self._put_in(lot, lot.remaining - paid)
        self.debt -= paid
        self._post(
            kind,
            lot.remaining,
            at,
            reason,
            [(lot.entry_id, lot.remaining - paid)],
            lot.entry_id,
            -paid,
            available_at=moment(at),
            expires_at=moment(lot.expires_at),
            order_id=lot.order_id,
        )

    def restore(self, pieces: Iterable[Lot], at: int, reason: str) -> None:
        """Give points back into the lots they came from; those still good pay a debt first."""
        pieces = tuple(pieces)
        self._check_room(sum(piece.remaining for piece in pieces))
        back: Pieces = []
        owed = self.debt
        total = 0
        for piece in pieces:
            paid = min(self.debt, piece.remaining) if piece.expires_at > self.at else 0
            self.debt -= paid
            total += piece.remaining
            self._put_in(piece, piece.remaining - paid)
            back.append((piece.entry_id, piece.remaining - paid))
        self._post("restored", total, at, reason, back, debt=self.debt - owed)

    # Debits

    def redeem(self, points: int, at: int, reason: str) -> tuple[Lot, ...]:
        """Spend points, earliest expiry first. Returns what was taken. The balance must hold them."""
        taken = self._spend(points)
        self._post("redeemed", -points, at, reason, _minus(taken))
        return taken

    def deduct(self, points: int, at: int, reason: str) -> None:
        """Take points by hand, earliest expiry first. The balance must hold them."""
        self._post("adjusted", -points, at, reason, _minus(self._spend(points)))

    def reverse(self, points: int, at: int, reason: str, order_id: str) -> None:
        """Take back points of a purchase: its own lot, then the others by earliest expiry, then debt."""
        left = points - self._cancel_pending(points, order_id)
        if left == 0:
            return
        taken = self._take(left, [lot for lot in self.lots if lot.order_id == order_id])
        rest = left - sum(piece.remaining for piece in taken)
        taken += self._take(rest, self.lots)
        debt = left - sum(piece.remaining for piece in taken)
        self.debt += debt
        self._post("reversed", -left, at, reason, _minus(taken), debt=debt)

    def expire(self, lot: Lot) -> None:
        """The lot's time is over."""
        del self.lots[self._index(lot)]
        self._post("expired", -lot.remaining, lot.expires_at, "expired", [(lot.entry_id, -lot.remaining)])

    # Facts and rows

    def emit(self, data: Data, at: int) -> None:
        self.emits.append(Emit(data, moment(at)))

    # The machinery

    def _put_in(self, lot: Lot, points: int) -> None:
        if points == 0:
            return
        place = bisect_right(self.lots, lot.expires_at, key=_expiry)
        for index in range(place - 1, -1, -1):
            known = self.lots[index]
            if known.expires_at != lot.expires_at:
                break
            if known.entry_id == lot.entry_id:
                self.lots[index] = _with(known, known.remaining + points)
                return
        self.lots.insert(place, lot if lot.remaining == points else _with(lot, points))

    def _take(self, points: int, lots: Sequence[Lot]) -> tuple[Lot, ...]:
        """Remove up to ``points`` from these lots in this order; what was taken, lot by lot."""
        taken: list[Lot] = []
        for lot in tuple(lots):
            if points == 0:
                break
            part = min(points, lot.remaining)
            points -= part
            index = self._index(lot)
            if part == lot.remaining:
                taken.append(lot)
                del self.lots[index]
            else:
                taken.append(_with(lot, part))
                self.lots[index] = _with(lot, lot.remaining - part)
        return tuple(taken)

    def _spend(self, points: int) -> tuple[Lot, ...]:
        taken = self._take(points, self.lots)
        if sum(piece.remaining for piece in taken) != points:
            raise ValueError(f"the lots hold fewer than {points} points")
        return taken

    def _index(self, lot: Lot) -> int:
        # By identity: comparing models field by field is slow.
        return next(index for index, known in enumerate(self.lots) if known is lot)

    def _check_room(self, points: int) -> None:
        if self.lifetime + points > MAX_POINTS or self.balance + points > MAX_POINTS:
            raise Refused(
                "points_overflow",
                f"An account holds at most {MAX_POINTS} points.",
                status=422,
                field="points",
            )

    def _cancel_pending(self, points: int, order_id: str) -> int:
        """Take points that were not booked yet from the purchase's pending lot; how many."""
        for index, pending in enumerate(self.pending):
            lot = pending.lot
            if lot.order_id == order_id:
                part = min(points, lot.remaining)
                left = pending.model_copy(update={"lot": _with(lot, lot.remaining - part)})
                self.pending[index : index + 1] = [left] if part < lot.remaining else []
                return part
        return 0

    def _post(
        self,
        kind: Kind,
        points: int,
        at: int,
        reason: str,
        lots: Pieces,
        entry_id: str = "",
        debt: int = 0,
        **more: Any,
    ) -> None:
        """One ledger entry and its event. ``points`` = the lots' changes - the change of the debt."""
        self.balance += points
        self.seq += 1
        if kind in LIFETIME:
            self.lifetime += points
        self.last_entry_id = entry_id = entry_id or self._new_id(f"entry:{self.seq}")
        cause = self.cause
        when = moment(at)
        self.emits.append(
            Emit(
                FACTS[kind](
                    entry_id=entry_id, points=points, balance=self.balance, reason=reason, cause=cause
                ),
                when,
            )
        )
        self.rows.append(
            Append(
                "ledger",
                {
                    "_id": entry_id,
                    "member": self.member,
                    "seq": self.seq,
                    "at": when,
                    "kind": kind,
                    "points": points,
                    "balance": self.balance,
                    "reason": reason,
                    "cause": {"source": cause.source, "id": cause.id},
                    "lots": [{"entry_id": lot, "points": change} for lot, change in lots if change],
                    "debt": debt,
                    **more,
                },
            )
        )


def _with(lot: Lot, remaining: int) -> Lot:
    return lot.model_copy(update={"remaining": remaining})


def _minus(taken: Iterable[Lot]) -> Pieces:
    return [(piece.entry_id, -piece.remaining) for piece in taken]


def _expiry(lot: Lot) -> int:
    return lot.expires_at


def _availability(pending: Pending) -> int:
    return pending.available_at
