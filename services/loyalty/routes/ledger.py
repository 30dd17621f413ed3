"""A member's ledger: its entries, monthly statements, lots, and why each entry is what it is."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query

from services.loyalty import errors
from services.loyalty.domain.program.program import Programs
from services.loyalty.domain.reports import history
from services.loyalty.domain.reports.explain import explain
from services.loyalty.domain.reports.history import LotState, LotStory
from services.loyalty.domain.reports.statement import Month, month_named, month_of, statement
from services.loyalty.domain.reports.view import coming, overdue
from services.loyalty.domain.rows import LedgerRow
from services.loyalty.domain.state import MemberState
from services.loyalty.models.ledger import (
    ExplanationAnswer,
    LedgerAnswer,
    LotAnswer,
    StatementAnswer,
    explanation_answer,
    ledger_answer,
    lot_answer,
    statement_answer,
)
from services.loyalty.routes.dependencies import (
    AllVersions,
    CustomerId,
    Reader,
    Store,
    known_member,
)
from services.loyalty.store import LoyaltyStore
from shared.http.dependencies import Clock
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, decode_cursor
from shared.http.problems import invalid
from shared.schemas.base import Id
from shared.schemas.times import micros, moment

router = APIRouter(tags=["ledger"], responses=responses(errors.UNKNOWN_MEMBER))

EntryId = Annotated[Id, Path(description="The entry's id.")]
MonthName = Annotated[
    str | None,
    Query(
        pattern=r"^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])$",
        description="A month (UTC) such as 2027-03 that has begun; without it, the present one.",
    ),
]


@router.get(
    "/members/{customer_id}/ledger",
    summary="Every change of the balance, newest first",
)
async def read_ledger(
    customer_id: CustomerId,
    store: Store,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[LedgerAnswer]:
    member = await known_member(store, customer_id)
    rows = await store.ledger(member.id, _before(cursor), limit + 1)
    shown, following = cut(rows, limit, _place)
    return Page[LedgerAnswer](items=[ledger_answer(row) for row in shown], cursor=following)


@router.get("/members/{customer_id}/statement", summary="A month's statement")
async def read_statement(
    customer_id: CustomerId,
    store: Store,
    programs: AllVersions,
    clock: Clock,
    principal: Reader,
    month: MonthName = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> StatementAnswer:
    """What stood at the start of the month, each kind of change in it, and what stands at its end: opening
    + all changes = closing, and one month's closing is the next one's opening.

    A statement goes by when entries were booked (`booked_at`, months in UTC), not by when they took
    effect: an entry is never booked before an earlier one, so a past month's statement does not change
    once a later event is booked. What late timers have yet to write is in it. A month that has not begun
    is 422 naming `query.month`."""
    customer_id, state = await known_member(store, customer_id)
    now = await clock.now(customer_id)
    wanted = month_of(now) if month is None else month_named(month)
    _require_begun(wanted, max(now, moment(state.at)))
    rows = await store.booked_in(customer_id, state.seq, wanted.start, wanted.end)
    found = statement([*rows, *overdue(state, programs, micros(now))], wanted)
    before = _before(cursor)
    newest = [row for row in reversed(found.entries) if before is None or row.seq < before]
    shown, following = cut(newest, limit, _place)
    return statement_answer(customer_id, wanted, found, shown, following)


@router.get(
    "/members/{customer_id}/lots",
    summary="Every accrual, the newest first",
)
async def read_lots(
    customer_id: CustomerId,
    store: Store,
    programs: AllVersions,
    clock: Clock,
    principal: Reader,
    state: Annotated[LotState | None, Query(description="Only lots that stand so.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[LotAnswer]:
    """Each lot of points by when it was earned: what was credited, what remains and the
    expiry. As of now: what late timers have yet to do is done."""
    last = None if cursor is None else tuple(decode_cursor(cursor, int, str))
    customer_id, known = await known_member(store, customer_id)
    now = await clock.now(customer_id)
    rows = await _rows(store, customer_id, known, programs, now)
    waiting = [*known.pending, *coming(known, programs, micros(now))]
    found = [
        lot
        for lot in history.newest_first(history.lots(rows, waiting))
        if (state is None or lot.state == state) and (last is None or history.place(lot) < last)
    ]
    shown, following = cut(found, limit, history.place)
    return Page[LotAnswer](items=[lot_answer(lot) for lot in shown], cursor=following)


@router.get(
    "/members/{customer_id}/ledger/{entry_id}/explain",
    summary="Why an entry is what it is",
    responses=responses(errors.UNKNOWN_MEMBER, errors.UNKNOWN_ENTRY),
)
async def explain_entry(
    customer_id: CustomerId,
    entry_id: EntryId,
    store: Store,
    programs: AllVersions,
    clock: Clock,
    principal: Reader,
) -> ExplanationAnswer:
    """The rules that gave or took the points, with their numbers, and for a credit what became of its lot.
    A lot that is not available yet is explained too, though the ledger does not have it yet."""
    customer_id, state = await known_member(store, customer_id)
    rows = await _rows(store, customer_id, state, programs, await clock.now(customer_id))
    lots: dict[str, LotStory] = {lot.key: lot for lot in history.lots(rows, state.pending)}
    waiting = (history.pending_row(p) for p in state.pending)
    row = next((row for row in (*rows, *waiting) if history.entry_id(row) == entry_id), None)
    if row is None:
        raise errors.UNKNOWN_ENTRY(member=customer_id, entry_id=entry_id)
    return explanation_answer(row, explain(row, lots, programs), lots.get(entry_id))


async def _rows(
    store: LoyaltyStore, customer_id: str, state: MemberState, programs: Programs, now: datetime
) -> list[LedgerRow]:
    """The whole ledger as of now, oldest first, with what late timers have yet to write."""
    return [*await store.entries(customer_id, state.seq), *overdue(state, programs, micros(now))]


def _place(row: LedgerRow) -> tuple[int]:
    """What the ledger is listed by."""
    return (row.seq,)


def _before(cursor: str | None) -> int | None:
    """The ``seq`` in a cursor. Raises 422 ``invalid_cursor``."""
    if cursor is None:
        return None
    seq: int = decode_cursor(cursor, int)[0]
    return seq


def _require_begun(month: Month, now: datetime) -> None:
    if month.start > now:
        fault = {"type": "future_month", "loc": ("query", "month"), "msg": f"{month.name} has not begun."}
        raise invalid([fault])
