"""A member's points account, opened for one event: debits and credits that name their lots.

A ``Book`` is a working copy that lives within one ``apply``, so the functions that
use it stay pure: state in, effects out. After every entry
``sum(ledger points) = balance = sum(active remainders) - debt``.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from services.loyalty.domain.account.lots import Lots, holding
from services.loyalty.domain.program.numbers import MAX_POINTS
from services.loyalty.domain.program.program import Program, Programs
from services.loyalty.domain.state import Lot, MemberState, Pending
from shared.domain import Append, Context, Emit, Put, Refused, Reject, Take
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
from shared.schemas.times import DAY, moment

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
        self, member: str, state: MemberState, programs: Programs, cause: Cause, context: Context
    ) -> None:
        self.member = member
        self.programs = programs
        self.cause = cause
        self.context = context
        self.before = state
        self.at = state.at
        self.enrolled_at = state.enrolled_at
        self.seq = state.seq
        self.lifetime = state.lifetime
        self.debt = state.debt
        self.lots = Lots(state.lots)
        self.pending = list(state.pending)
        self.orders = list(state.orders)
        self.periods = list(state.periods)
        self.vouchers = list(state.vouchers)
        self.waiting = list(state.waiting)
        self.booked_at = state.booked_at
        self.more: dict[str, Any] = {}
        """Other fields of the state that this event changes."""
        self.emits: list[Emit] = []
        self.rows: list[Append | Put] = []
        self.takes: list[Take] = []
        self.rejects: list[Reject] = []
        self.posted: dict[str, int] = {}
        """Points of this event's entries by kind."""
        self.last_entry_id = ""
        self.opening = self.balance
        self._made = 0

    @property
    def balance(self) -> int:
        return self.lots.total - self.debt

    def now(self, field: str) -> Any:
        """A field of the state as this event has left it so far; one of those in ``more``."""
        return self.more[field] if field in self.more else getattr(self.before, field)

    def program(self, at: int) -> Program:
        """The version of the program that is in force at ``at``."""
        return self.programs.at(at)

    # Credits

    def earn(
        self,
        points: int,
        at: int,
        reason: str,
        why: Mapping[str, Any],
        *,
        order_id: str | None = None,
        kind: Literal["earned", "adjusted"] = "earned",
        waits: bool = False,
    ) -> None:
        """Open a lot dated ``at``; ``waits``: for the program's ``pending_days`` first. ``why`` goes into
        the ledger, for ``explain``. Raises ``Refused`` (``points_overflow``)."""
        if not self.has_room(points):
            raise Refused(
                "points_overflow",
                f"An account holds at most {MAX_POINTS} points.",
                status=422,
                field="points",
            )
        terms = self.program(at).earn
        self._made += 1
        lot = Lot(
            entry_id=self.context.new_id(f"lot:{self._made}"),
            order_id=order_id,
            points=points,
            remaining=points,
            earned_at=at,
            expires_at=at + terms.expire_days * DAY,
        )
        available_at = at + terms.pending_days * DAY if waits else at
        if available_at > self.at:
            pending = Pending(
                lot=lot,
                available_at=available_at,
                cause=(self.cause.source, self.cause.id),
                reason=reason,
                why=dict(why),
            )
            self.pending.insert(bisect_right(self.pending, available_at, key=_availability), pending)
        else:
            self.activate(lot, available_at, reason, why, kind=kind)

    def activate(
        self,
        lot: Lot,
        at: int,
        reason: str,
        why: Mapping[str, Any],
        *,
        kind: Literal["earned", "adjusted"] = "earned",
    ) -> None:
        """A lot's points become spendable at ``at``; they pay a debt first."""
        paid = min(self.debt, lot.remaining)
        self.lots.put(lot, lot.remaining - paid)
        self.debt -= paid
        self._post(
            kind,
            lot.remaining,
            at,
            reason,
            [(lot.entry_id, lot.remaining - paid)],
            lot.entry_id,
            -paid,
            earned_at=moment(lot.earned_at),
            available_at=moment(at),
            expires_at=moment(lot.expires_at),
            order_id=lot.order_id,
            why=why,
        )

    def restore(self, pieces: Iterable[Lot], at: int, reason: str) -> None:
        """Give points back into the lots they came from; those still good pay a debt first."""
        pieces = tuple(pieces)
        back: Pieces = []
        owed = self.debt
        total = 0
        for piece in pieces:
            paid = min(self.debt, piece.remaining) if piece.expires_at > self.at else 0
            self.debt -= paid
            total += piece.remaining
            self.lots.put(piece, piece.remaining - paid)
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

    def reverse(self, points: int, at: int, order_id: str, why: Mapping[str, Any]) -> None:
        """Take back points of a purchase: its own lots, then the others by earliest expiry, then debt."""
        left = points - self._cancel_pending(points, order_id)
        if left == 0:
            return
        taken = self.lots.take(left, [lot for lot in self.lots.active if lot.order_id == order_id])
        rest = left - sum(piece.remaining for piece in taken)
        taken += self.lots.take(rest)
        debt = left - sum(piece.remaining for piece in taken)
        self.debt += debt
        self._post("reversed", -left, at, "return", _minus(taken), debt=debt, order_id=order_id, why=why)

    def expire(self, lot: Lot) -> None:
        """The lot's time is over."""
        self.lots.take(lot.remaining, [lot])
        self._post("expired", -lot.remaining, lot.expires_at, "expired", [(lot.entry_id, -lot.remaining)])

    def has_room(self, points: int) -> bool:
        """Whether the account can hold so many more."""
        waiting = sum([pending.lot.remaining for pending in self.pending])
        return max(self.lifetime, self.balance) + waiting + points <= MAX_POINTS

    # What is shared with other customers

    def used(self, counter: str) -> int:
        """How much of a shared counter is taken, by this event too."""
        return self.context.used(counter) + sum(t.amount for t in self.takes if t.counter == counter)

    def has_left(self, counter: str, limit: int | None) -> bool:
        """Whether one more can be taken."""
        return limit is None or self.used(counter) < limit

    def take(self, counter: str, amount: int, limit: int | None = None) -> None:
        if amount:
            self.takes.append(Take(counter, amount, limit))

    # Facts

    def emit(self, data: Data, at: int, subject: str | None = None) -> None:
        self.emits.append(Emit(data, moment(at), subject))

    # The machinery

    def _spend(self, points: int) -> tuple[Lot, ...]:
        taken = self.lots.take(points)
        if sum(piece.remaining for piece in taken) != points:
            raise ValueError(f"the lots hold fewer than {points} points")
        return taken

    def _cancel_pending(self, points: int, order_id: str) -> int:
        """Take points that were not booked yet from the purchase's pending lots; how many."""
        cancelled = 0
        kept: list[Pending] = []
        for pending in self.pending:
            lot = pending.lot
            part = min(points - cancelled, lot.remaining) if lot.order_id == order_id else 0
            cancelled += part
            if part:
                pending = pending.model_copy(update={"lot": holding(lot, lot.remaining - part)})
            if pending.lot.remaining:
                kept.append(pending)
        self.pending = kept
        return cancelled

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
        self.seq += 1
        self.booked_at = max(self.booked_at, at)
        self.posted[kind] = self.posted.get(kind, 0) + points
        if kind in LIFETIME:
            self.lifetime += points
        self.last_entry_id = entry_id = entry_id or self.context.new_id(f"entry:{self.seq}")
        fact = FACTS[kind](
            entry_id=entry_id, points=points, balance=self.balance, reason=reason, cause=self.cause
        )
        self.emit(fact, at)
        row = {
            "_id": entry_id,
            "member": self.member,
            "seq": self.seq,
            "at": moment(at),
            "booked_at": moment(self.booked_at),
            "kind": kind,
            "points": points,
            "balance": self.balance,
            "reason": reason,
            "cause": {"source": self.cause.source, "id": self.cause.id},
            "lots": [{"entry_id": lot, "points": change} for lot, change in lots if change],
            "debt": debt,
            **more,
        }
        self.rows.append(Append("ledger", row))


def _minus(taken: Iterable[Lot]) -> Pieces:
    return [(piece.entry_id, -piece.remaining) for piece in taken]


def _availability(pending: Pending) -> int:
    return pending.available_at
