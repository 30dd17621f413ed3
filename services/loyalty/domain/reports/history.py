"""The story of each lot: what was credited, what later entries took from it, and how it stands. Pure.

The ledger knows all of it: a credit's row carries its lot under the same id, and every later row says by
how much it changed which lots. Only lots that are not available yet are in the state alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from services.loyalty.domain.state import Pending
from shared.schemas.times import MILLISECOND, micros, moment

Row: TypeAlias = Mapping[str, Any]
"""A document of the collection ``ledger``, or one of ``view.overdue``."""
LotState = Literal["pending", "active", "spent", "expired", "reversed"]
"""A lot without points is named by what took the last of them; one that paid a debt is spent."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of what remains of a lot. The kind ``debt`` is what paid a debt as the lot came in."""

    entry_id: str | None
    """None: by a timer that is late, so that the entry has no id yet."""
    at: datetime
    kind: str
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
    cause: Mapping[str, str] | None
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


def lots(rows: Iterable[Row], pending: Iterable[Pending]) -> list[LotStory]:
    """A member's lots from all rows, oldest first, and what waits in the state; the pending ones last.

    With the rows that late timers have yet to write among ``rows``, all is as of that instant.
    """
    found: dict[str, LotStory] = {}
    for row in rows:
        if is_credit(row):
            found[row["_id"]] = _credited(row)
        else:
            change_of = entry_id(row), row["at"], row["kind"]
            for piece in row["lots"]:
                found[piece["entry_id"]].changes.append(Change(*change_of, piece["points"]))
    # One that a late timer would have made available stands among the rows.
    waiting = [_credited(pending_row(p), pending=True) for p in pending if p.lot.entry_id not in found]
    return [*found.values(), *waiting]


def newest_first(stories: Iterable[LotStory]) -> list[LotStory]:
    return sorted(stories, key=place, reverse=True)


def place(story: LotStory) -> tuple[int, str]:
    """What lots are listed by: when earned, in the store's milliseconds, and the id."""
    return micros(story.earned_at) // MILLISECOND, story.key


def is_credit(row: Row) -> bool:
    """Whether the row opens a lot. Points given back go into lots that there were."""
    kind: str = row["kind"]
    return kind == "earned" or (kind == "adjusted" and int(row["points"]) > 0)


def entry_id(row: Row) -> str | None:
    """The row's id; None while it has none because the timer that is to write it is late."""
    # ``view.overdue`` names those by a tag such as ``entry:7``; ids are hex digits.
    id: str = row["_id"]
    return None if ":" in id else id


def cause(row: Row) -> Mapping[str, str] | None:
    """The event that led to it; None where that is a timer that is late."""
    return row["cause"] if row["cause"]["source"] else None


def pending_row(pending: Pending) -> Row:
    """The row that the ledger will have once the lot is available, without its place and balance."""
    lot = pending.lot
    return {
        "_id": lot.entry_id,
        "kind": "earned",
        "at": moment(pending.available_at),
        "points": lot.remaining,
        "reason": pending.reason,
        "cause": {"source": pending.cause[0], "id": pending.cause[1]},
        "lots": [{"entry_id": lot.entry_id, "points": lot.remaining}],
        "debt": 0,
        "earned_at": moment(lot.earned_at),
        "available_at": moment(pending.available_at),
        "expires_at": moment(lot.expires_at),
        "order_id": lot.order_id,
        "why": pending.why,
    }


def _credited(row: Row, *, pending: bool = False) -> LotStory:
    credit: Sequence[Change] = () if pending else _opening(row)
    return LotStory(
        entry_id=entry_id(row),
        points=row["points"],
        earned_at=row["earned_at"],
        available_at=row["available_at"],
        expires_at=row["expires_at"],
        cause=cause(row),
        order_id=row.get("order_id"),
        reason=row["reason"],
        key=row["_id"],
        pending=pending,
        changes=list(credit),
    )


def _opening(row: Row) -> list[Change]:
    named, at = entry_id(row), row["at"]
    changes = [Change(named, at, row["kind"], row["points"])]
    if row["debt"]:
        changes.append(Change(named, at, "debt", row["debt"]))
    return changes
