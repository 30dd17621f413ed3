"""Entries, statements, lots and explanations as answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.loyalty.domain.reports.explanation import Explanation
from services.loyalty.domain.reports.history import LotState, LotStory, cause, entry_id
from services.loyalty.domain.reports.statement import Month, Statement
from services.loyalty.domain.rows import LedgerRow
from shared.schemas.base import Frozen
from shared.schemas.loyalty import Cause

LateId = Annotated[
    str | None, Field(description="Null: by a timer that is late, so that the entry has no id yet.")
]


class EntryLot(Frozen):
    """By how much the entry changed a lot."""

    entry_id: str
    points: int


class Entry(Frozen):
    """A change of the balance. ``lots`` says by how much each lot changed; ``debt`` by how much the debt
    did."""

    at: Annotated[datetime, Field(description="When it took effect.")]
    booked_at: Annotated[
        datetime | None,
        Field(description="What statements go by: `at`, or the time of the entry before if that is later."),
    ] = None
    kind: str
    points: int
    balance: int
    reason: str
    lots: list[EntryLot]
    debt: int
    order_id: str | None = None
    earned_at: datetime | None = None
    available_at: datetime | None = None
    expires_at: datetime | None = None


class LedgerAnswer(Entry):
    """An entry of the ledger."""

    entry_id: str
    cause: Cause


class StatementEntry(Entry):
    """An entry, or what a late timer has yet to write."""

    entry_id: LateId
    cause: Cause | None


class StatementAnswer(Frozen):
    """opening + earned + redeemed + expired + reversed + restored + adjusted = closing; all signed."""

    customer_id: str
    month: str
    opening: Annotated[int, Field(description="The balance as the month begins (UTC).")]
    earned: int
    redeemed: int
    expired: int
    reversed: int
    restored: int
    adjusted: int
    closing: Annotated[int, Field(description="The balance as it ends, or as of now in the present month.")]
    entries: Annotated[list[StatementEntry], Field(description="A page of the month's, newest first.")]
    cursor: Annotated[str | None, Field(description="For the next page of entries; null at the end.")]


class LotAnswer(Frozen):
    """Points of one accrual."""

    entry_id: LateId
    points: Annotated[int, Field(description="As credited.")]
    remaining: int
    state: Annotated[
        LotState,
        Field(
            description="pending: not to be spent yet. One without points is named by what took the last of "
            "them; one whose points paid a debt is spent."
        ),
    ]
    earned_at: datetime
    available_at: datetime
    expires_at: datetime
    cause: Cause | None
    order_id: str | None


class LotChange(Frozen):
    """By how much an entry changed the lot."""

    entry_id: LateId
    at: datetime
    kind: Annotated[str, Field(description="The entry's kind; `debt`: paid what was owed as it came in.")]
    points: int


class LotHistory(LotAnswer):
    """A lot with its story; the changes add up to ``remaining``, a pending one has none yet."""

    changes: list[LotChange]


class StepAnswer(Frozen):
    """One rule that counted."""

    rule: Annotated[str, Field(description="Stable, for programs.")]
    detail: Annotated[str, Field(description="For people.")]
    numbers: Annotated[
        dict[str, int | str],
        Field(description="Exact: whole numbers, fractions such as `1/80`, RFC 3339 times and names."),
    ]


class ExplanationAnswer(Frozen):
    """Which rule gave or took what, and why."""

    entry_id: str
    kind: str
    points: int
    sentence: Annotated[str, Field(description="All of it, for people.")]
    steps: list[StepAnswer]
    lot: Annotated[LotHistory | None, Field(description="For credits: what became of the points.")]


def ledger_answer(row: LedgerRow) -> LedgerAnswer:
    """An entry that is in the ledger."""
    return LedgerAnswer(entry_id=row.entry_id, cause=row.cause, **_shown(row))


def statement_answer(
    customer_id: str, month: Month, found: Statement, shown: Sequence[LedgerRow], cursor: str | None
) -> StatementAnswer:
    """A statement with the entries ``shown`` of it."""
    return StatementAnswer(
        customer_id=customer_id,
        month=month.name,
        opening=found.opening,
        closing=found.closing,
        entries=[StatementEntry(entry_id=entry_id(row), cause=cause(row), **_shown(row)) for row in shown],
        cursor=cursor,
        **{str(kind): points for kind, points in found.movements.items()},
    )


def lot_answer(story: LotStory) -> LotAnswer:
    """A lot without its story."""
    return LotAnswer.model_validate(story, from_attributes=True)


def explanation_answer(row: LedgerRow, found: Explanation, story: LotStory | None) -> ExplanationAnswer:
    """``story``: of the lot that the row credits."""
    return ExplanationAnswer(
        entry_id=row.entry_id,
        kind=row.kind,
        points=row.points,
        sentence=found.sentence,
        steps=[StepAnswer(rule=s.rule, detail=s.detail, numbers=s.numbers) for s in found.steps],
        lot=None if story is None else LotHistory.model_validate(story, from_attributes=True),
    )


def _shown(row: LedgerRow) -> dict[str, object]:
    """The fields of ``Entry``."""
    opened = row.opened
    return {
        "at": row.at,
        "booked_at": row.booked_at,
        "kind": row.kind,
        "points": row.points,
        "balance": row.balance,
        "reason": row.reason,
        "lots": [EntryLot(entry_id=lot, points=points) for lot, points in row.lots],
        "debt": row.debt,
        "order_id": row.order_id,
        "earned_at": opened and opened.earned_at,
        "available_at": opened and opened.available_at,
        "expires_at": opened and opened.expires_at,
    }
