"""The story of each lot: what was credited, what later entries took from it, and how it stands. Pure.

The ledger knows all of it: a credit's row carries its lot under the same id, and every later row says by
how much it changed which lots. Only lots that are not available yet are in the state alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from services.loyalty.domain.rows import Kind, LedgerRow, Opened, Piece
from services.loyalty.domain.state import Pending
from shared.schemas.loyalty import Cause
from shared.schemas.times import MILLISECOND, micros, moment

LotState = Literal["pending", "active", "spent", "expired", "reversed"]
"""A lot without points is named by what took the last of them; one that paid a debt is spent."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of what remains of a lot. The kind ``debt`` is what paid a debt as the lot came in."""

    entry_id: str | None
    """None: by a timer that is late, so that the entry has no id yet."""
    at: datetime
    kind: Kind | Literal["debt"]
    points: int
    """Signed."""


@dataclass(slots=True)
class LotStory:
    """One accrual. ``remaining`` is the sum of ``changes``, or of a pending one all of it."""

    entry_id: str | None
    """The ledger entry that credits it; None: by a timer that is late."""
    points: int
    """As credited. A return before a lot is available makes it smaller and is not in the ledger."""
    earned_at: datetime
    available_at: datetime
    expires_at: datetime
    cause: Cause | None
    order_id: str | None
    reason: str
    key: str
    """What ``lots`` of rows call it."""
    pending: bool = False
    changes: list[Change] = field(default_factory=list)

    @property
    def remaining(self) -> int:
        return self.points if self.pending else sum(change.points for change in self.changes)

    @property
    def state(self) -> LotState:
        if self.pending:
            return "pending"
        if self.remaining:
            return "active"
        last = self.changes[-1].kind
        return "expired" if last == "expired" else "reversed" if last == "reversed" else "spent"


def lots(rows: Iterable[LedgerRow], pending: Iterable[Pending]) -> list[LotStory]:
    """A member's lots from all rows, oldest first, and what waits in the state; the pending ones last.

    With the rows that late timers have yet to write among ``rows``, all is as of that instant.
    """
    found: dict[str, LotStory] = {}
    for row in rows:
        if row.opened is not None:
            found[row.entry_id] = _story(row, row.opened, _opening(row))
        else:
            for lot, points in row.lots:
                found[lot].changes.append(Change(entry_id(row), row.at, row.kind, points))
    # One that a late timer would have made available stands among the rows.
    waiting = [_waiting(p) for p in pending if p.lot.entry_id not in found]
    return [*found.values(), *waiting]


def newest_first(stories: Iterable[LotStory]) -> list[LotStory]:
    return sorted(stories, key=place, reverse=True)


def place(story: LotStory) -> tuple[int, str]:
    """What lots are listed by: when earned, in the store's milliseconds, and the id."""
    return micros(story.earned_at) // MILLISECOND, story.key


def entry_id(row: LedgerRow) -> str | None:
    """The row's id; None while it has none because the timer that is to write it is late."""
    # ``view.overdue`` names those by a tag such as ``entry:7``; ids are hex digits.
    return None if ":" in row.entry_id else row.entry_id


def cause(row: LedgerRow) -> Cause | None:
    """The event that led to it; None where that is a timer that is late."""
    return row.cause if row.cause.source else None


def pending_row(pending: Pending) -> LedgerRow:
    """The row that the ledger will have once the lot is available; its place and balance are not known."""
    lot, available_at = pending.lot, moment(pending.available_at)
    return LedgerRow(
        entry_id=lot.entry_id,
        member="",
        seq=0,
        at=available_at,
        booked_at=available_at,
        kind="earned",
        points=lot.remaining,
        balance=0,
        why=pending.why,
        cause=Cause(source=pending.cause[0], id=pending.cause[1]),
        lots=(Piece(lot.entry_id, lot.remaining),),
        debt=0,
        order_id=lot.order_id,
        opened=Opened(moment(lot.earned_at), available_at, moment(lot.expires_at)),
    )


def _waiting(pending: Pending) -> LotStory:
    row = pending_row(pending)
    assert row.opened is not None
    return _story(row, row.opened, [], pending=True)


def _story(row: LedgerRow, opened: Opened, changes: list[Change], *, pending: bool = False) -> LotStory:
    return LotStory(
        entry_id=entry_id(row),
        points=row.points,
        earned_at=opened.earned_at,
        available_at=opened.available_at,
        expires_at=opened.expires_at,
        cause=cause(row),
        order_id=row.order_id,
        reason=row.reason,
        key=row.entry_id,
        pending=pending,
        changes=changes,
    )


def _opening(row: LedgerRow) -> list[Change]:
    changes = [Change(entry_id(row), row.at, row.kind, row.points)]
    if row.debt:
        changes.append(Change(entry_id(row), row.at, "debt", row.debt))
    return changes
