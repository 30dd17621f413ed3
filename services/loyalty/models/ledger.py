"""Entries, statements, lots and explanations as answers."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from services.loyalty.domain.reports.explanation import Explanation
from services.loyalty.domain.reports.history import Change, LotState, LotStory, Row, cause, entry_id
from services.loyalty.domain.reports.statement import Month, Statement

LateId = Annotated[
    str | None, Field(description="Null: by a timer that is late, so that the entry has no id yet.")
]


class EntryLot(BaseModel):
    entry_id: str
    points: int


class Cause(BaseModel):
    """The event that led to it."""

    source: str
    id: str


class Entry(BaseModel):
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


class StatementAnswer(BaseModel):
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


class LotAnswer(BaseModel):
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


class LotChange(BaseModel):
    entry_id: LateId
    at: datetime
    kind: Annotated[str, Field(description="The entry's kind; `debt`: paid what was owed as it came in.")]
    points: int


class LotHistory(LotAnswer):
    """A lot with its story; the changes add up to ``remaining``, a pending one has none yet."""

    changes: list[LotChange]


class StepAnswer(BaseModel):
    rule: Annotated[str, Field(description="Stable, for programs.")]
    detail: Annotated[str, Field(description="For people.")]
    numbers: Annotated[
        dict[str, int | str],
        Field(description="Exact: whole numbers, fractions such as `1/80`, RFC 3339 times and names."),
    ]


class ExplanationAnswer(BaseModel):
    """Which rule gave or took what, and why."""

    entry_id: str
    kind: str
    points: int
    sentence: Annotated[str, Field(description="All of it, for people.")]
    steps: list[StepAnswer]
    lot: Annotated[LotHistory | None, Field(description="For credits: what became of the points.")]


def ledger_answer(row: Row) -> LedgerAnswer:
    """A row of the collection ``ledger``."""
    return LedgerAnswer.model_validate({**_known(row), "entry_id": row["_id"], "cause": row["cause"]})


def statement_answer(
    customer_id: str, month: Month, found: Statement, shown: list[Row], cursor: str | None
) -> StatementAnswer:
    """A statement with the entries ``shown`` of it."""
    entries = [
        StatementEntry.model_validate({**_known(row), "entry_id": entry_id(row), "cause": cause(row)})
        for row in shown
    ]
    return StatementAnswer(
        customer_id=customer_id,
        month=month.name,
        opening=found.opening,
        closing=found.closing,
        entries=entries,
        cursor=cursor,
        **found.movements,
    )


def lot_answer(story: LotStory) -> LotAnswer:
    return LotAnswer.model_validate(_lot(story))


def explanation_answer(row: Row, found: Explanation, story: LotStory | None) -> ExplanationAnswer:
    """``story``: of the lot that the row credits."""
    lot = None if story is None else _lot(story) | {"changes": [_change(c) for c in story.changes]}
    return ExplanationAnswer(
        entry_id=row["_id"],
        kind=row["kind"],
        points=row["points"],
        sentence=found.sentence,
        steps=[StepAnswer(rule=s.rule, detail=s.detail, numbers=dict(s.numbers)) for s in found.steps],
        lot=None if lot is None else LotHistory.model_validate(lot),
    )


def _known(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in Entry.model_fields if name in row}


def _lot(story: LotStory) -> dict[str, Any]:
    return {name: getattr(story, name) for name in LotAnswer.model_fields}


def _change(change: Change) -> dict[str, Any]:
    return {name: getattr(change, name) for name in LotChange.model_fields}
