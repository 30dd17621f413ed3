"""Turns the book of one event back into a state, with its timer and what is counted over all members."""

from bisect import bisect_left
from functools import lru_cache

from services.loyalty.domain.account import notices
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.settle import settle
from services.loyalty.domain.membership import Invited
from services.loyalty.domain.rows import (
    LEDGER,
    LIABILITY,
    POINTS_KEY,
    REFERRALS,
    TIER_KEY,
    TOTALS,
    VOUCHERS,
    ledger_document,
    voucher_document,
)
from services.loyalty.domain.state import MEMORY, MemberState
from shared.domain import Append, CancelTimer, Effects, Increment, Outcome, Put, SetTimer
from shared.facts.orders import RETURN_WAITS_DAYS
from shared.schemas.times import DAY, Micros, moment, timer_instant

TIMER = "due"


def close(book: Book, outcome: Outcome, *, fired: bool = False) -> Effects[MemberState]:
    """The effects of the event. ``fired``: it is the timer itself, which is then set no more."""
    # What this event dated in the past, as a late purchase does, may be over already.
    due = settle(book, book.at)
    if book.ahead:
        due = min(book.ahead[0].at, book.ahead[0].at if due is None else due)
    notices.tell_affordable(book)
    _forget(book)
    listed = _listed(book)
    instant = None if due is None else timer_instant(due)
    return Effects(
        book.closed(instant),
        tuple(book.emits),
        _timer(None if fired else book.before.due, instant),
        (*_written(book), *_counted(book), *listed),
        outcome,
        tuple(book.takes),
        tuple(book.retracts),
    )


def end(book: Book) -> Effects[MemberState]:
    """The effects where the account ends for good. The tier has a member less."""
    book.periods = []
    return Effects(
        book.before,
        tuple(book.emits),
        rows=(*_written(book), *_counted(book)),
        takes=tuple(book.takes),
        retracts=tuple(book.retracts),
        erase=True,
    )


def _timer(is_set: Micros | None, wanted: Micros | None) -> tuple[SetTimer | CancelTimer, ...]:
    if wanted == is_set:
        return ()
    return (CancelTimer(TIMER),) if wanted is None else (SetTimer(TIMER, moment(wanted)),)


def _written(book: Book) -> list[Append | Put]:
    written: list[Append | Put] = [Append(LEDGER, ledger_document(row)) for row in book.entries]
    if book.voucher_rows:
        written += [Put(VOUCHERS, voucher_document(row)) for row in book.voucher_rows]
    return written


def _listed(book: Book) -> list[Put]:
    """By whom the member was brought is known until that is settled, and a row says so."""
    before, invited = _invited(book.before), _invited(book)
    if invited is None:
        return []
    told = before.referrer if before is not None and before.listed and not before.claimed else ""
    named = "" if invited.claimed else invited.referrer
    if (invited.referrer, invited.listed) != (named, bool(named)):
        _name(book, invited.model_copy(update={"referrer": named, "listed": bool(named)}))
    if named == told:
        return []
    row = {"_id": book.member, "referrer": named or None, "at": moment(invited.at)}
    return [Put(REFERRALS, row)]


def _invited(of: Book | MemberState) -> Invited | None:
    """Also as it stays of one who is another by now."""
    stayed = None if of.apart is None else of.apart.stayed
    return of.invited if of.invited is not None or stayed is None else stayed.invited


def _name(book: Book, invited: Invited) -> None:
    if book.invited is not None:
        book.invited = invited
    elif book.apart is not None and book.apart.stayed is not None:
        book.apart.stayed = book.apart.stayed.model_copy(update={"invited": invited})


def _counted(book: Book) -> list[Increment]:
    """What the event adds to the sums over all members; each partition has its own."""
    found = []
    months: dict[str, dict[str, int]] = {}
    for expires_at, change in book.lots.moved.items():
        _add(months, expires_at, "outstanding", change)
    if book.pending or book.before.pending:
        for sign, waiting in ((-1, book.before.pending), (1, book.pending)):
            for pending in waiting:
                _add(months, pending.lot.expires_at, "pending", sign * pending.lot.remaining)
    for month, fields in months.items():
        found.append(Increment(LIABILITY, month, fields))
    points = dict(book.posted)
    if book.debt != book.before.debt:
        points["debt"] = book.debt - book.before.debt
    if points:
        found.append(Increment(TOTALS, POINTS_KEY, points))
    return found + _tiers_counted(book)


def _tiers_counted(book: Book) -> list[Increment]:
    before = book.before.periods[-1].tier if book.before.periods else None
    after = book.periods[-1].tier if book.periods else None
    if before == after:
        return []
    moves = ((before, -1), (after, 1))
    return [Increment(TOTALS, TIER_KEY + tier, {"members": by}) for tier, by in moves if tier is not None]


def _add(months: dict[str, dict[str, int]], expires_at: Micros, field: str, points: int) -> None:
    if points:
        fields = months.setdefault(_month(expires_at // 3_600_000_000), {})
        fields[field] = fields.get(field, 0) + points


@lru_cache(maxsize=20_000)
def _month(hour: int) -> str:
    """``2027-03`` for an hour since 1970, in UTC."""
    return moment(hour * 3_600_000_000).strftime("%Y-%m")


def _forget(book: Book) -> None:
    """Drop what no event can touch any more, so that the state stays small."""
    edge = book.at - MEMORY
    if book.orders and book.orders[0].at < edge:
        gone = {order.order_id for order in book.orders if order.at < edge}
        del book.orders[: bisect_left(book.orders, edge, key=lambda order: order.at)]
        if book.bonuses:
            book.bonuses = tuple(b for b in book.bonuses if b.order_id not in gone)
            book.returned = tuple(r for r in book.returned if r[0] not in gone)
        if book.exempt:
            book.exempt = tuple(e for e in book.exempt if e.order_id not in gone)
    waits_since = book.at - RETURN_WAITS_DAYS * DAY
    if book.waiting and any(waiting.at < waits_since for waiting in book.waiting):
        book.waiting = [waiting for waiting in book.waiting if waiting.at >= waits_since]
    if book.vouchers and any(voucher.expires_at < edge for voucher in book.vouchers):
        book.vouchers = [voucher for voucher in book.vouchers if voucher.expires_at >= edge]
    for index, voucher in enumerate(book.vouchers):
        if voucher.pieces and voucher.status != "open" and voucher.expires_at <= book.at:
            book.vouchers[index] = voucher.model_copy(update={"pieces": ()})
    while len(book.periods) > 1 and (book.periods[0].end or 0) < edge:
        del book.periods[0]
