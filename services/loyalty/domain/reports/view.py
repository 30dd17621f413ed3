"""What a member's account shows at an instant. A late timer makes no difference."""

from dataclasses import dataclass

from services.loyalty.domain import rules
from services.loyalty.domain.account import tiers
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.apply import pass_time
from services.loyalty.domain.program.program import Programs
from services.loyalty.domain.rows import LedgerRow
from services.loyalty.domain.state import Lot, MemberState, Pending
from shared.domain import Context
from shared.schemas.loyalty import Cause
from shared.schemas.times import DAY, Micros, micros, moment


@dataclass(frozen=True, slots=True)
class MemberView:
    """Points and tier; money in minor units of the program's currency."""

    balance: int
    """May be below 0: points owed after a return."""
    pending: int
    lifetime_points: int
    tier: str
    tier_ends_at: Micros | None
    spend: int
    """Net, of the days that tiers count."""
    next_tier: str | None
    spend_needed: int | None
    """What is missing to the next tier as of now."""
    expiring: tuple[tuple[int, Micros], ...]
    """(points, instant) of everything that will expire, soonest first."""


def view(state: MemberState, programs: Programs, now: Micros) -> MemberView:
    """The account at ``now``, or at what was judged last if that is later: what the timers would have done
    by then is done on a copy. ``state`` is a member's."""
    book = _settled(state, programs, now)
    soon = sum(pending.lot.remaining for pending in coming(state, programs, now))
    period = book.periods[-1]
    program = programs.at(book.at)
    rank = program.rank(period.tier)
    spent = tiers.spend(book.orders, book.at - program.tier_days * DAY, book.at)
    above = program.tiers[rank + 1] if rank + 1 < len(program.tiers) else None
    expiring: dict[int, int] = {}
    for lot in book.lots.active:
        expiring[lot.expires_at] = expiring.get(lot.expires_at, 0) + lot.remaining
    return MemberView(
        balance=book.balance,
        pending=sum(pending.lot.remaining for pending in book.pending) + soon,
        lifetime_points=book.lifetime,
        tier=period.tier,
        tier_ends_at=period.end,
        spend=spent,
        next_tier=above.name if above else None,
        spend_needed=max(above.spend - spent, 0) if above else None,
        expiring=tuple((points, at) for at, points in expiring.items()),
    )


def overdue(state: MemberState, programs: Programs, now: Micros) -> list[LedgerRow]:
    """Ledger rows that late timers have yet to write, as of ``now``, oldest first."""
    return _settled(state, programs, now).entries


def coming(state: MemberState, programs: Programs, now: Micros) -> list[Pending]:
    """What purchases of the future will earn when their time comes, as far as is known."""
    book = _settled(state, programs, now)
    if not book.ahead:
        return []
    causes, before = {fact.cause for fact in book.ahead}, len(book.entries)
    pass_time(book, book.ahead[-1].at)
    found = [pending for pending in book.pending if pending.cause in causes]
    for row in book.entries[before:]:
        cause = row.cause.source, row.cause.id
        if (
            row.opened is not None
            and cause in causes
            and isinstance(row.why, rules.Purchase | rules.Campaign)
        ):
            lot = Lot(
                entry_id=row.entry_id,
                order_id=row.order_id,
                points=row.points,
                remaining=row.points,
                earned_at=micros(row.opened.earned_at),
                expires_at=micros(row.opened.expires_at),
            )
            at = micros(row.opened.available_at)
            found.append(Pending(lot=lot, available_at=at, cause=cause, why=row.why))
    return found


def _settled(state: MemberState, programs: Programs, now: Micros) -> Book:
    context = Context(moment(now), lambda tag: tag, lambda tag: tag)
    book = Book("", state, programs, Cause(source="", id=""), context)
    pass_time(book, now)
    return book
