"""Turns the book of one event back into a state, with the timers that it needs."""

from bisect import bisect_left

from services.loyalty.domain import tiers
from services.loyalty.domain.book import Book
from services.loyalty.domain.settle import points_due, settle
from services.loyalty.domain.state import MEMORY, MemberState
from services.loyalty.domain.times import moment, timer_instant
from shared.runtime.effects import CancelTimer, Effects, Outcome, SetTimer

POINTS_TIMER = "points"
TIER_TIMER = "tier"


def close(
    book: Book, before: MemberState, outcome: Outcome, fired: str | None = None
) -> Effects[MemberState]:
    """The effects of the event. ``fired`` names the timer that it is, which is then set no more."""
    # What this event dated in the past, as a late purchase does, may be over already.
    settle(book, book.at)
    _forget(book)
    points, tier = _instant(points_due(book)), _instant(tiers.due(book))
    state = MemberState.model_construct(
        at=book.at,
        enrolled_at=book.enrolled_at,
        seq=book.seq,
        lifetime=book.lifetime,
        debt=book.debt,
        lots=tuple(book.lots),
        pending=tuple(book.pending),
        orders=tuple(book.orders),
        periods=tuple(book.periods),
        vouchers=tuple(book.vouchers),
        waiting=tuple(book.waiting),
        points_due=points,
        tier_due=tier,
    )
    timers = [
        *_timer(POINTS_TIMER, None if fired == POINTS_TIMER else before.points_due, points),
        *_timer(TIER_TIMER, None if fired == TIER_TIMER else before.tier_due, tier),
    ]
    return Effects(state, tuple(book.emits), tuple(timers), tuple(book.rows), outcome)


def _instant(at: int | None) -> int | None:
    return None if at is None else timer_instant(at)


def _timer(name: str, is_set: int | None, wanted: int | None) -> list[SetTimer | CancelTimer]:
    if wanted == is_set:
        return []
    return [CancelTimer(name) if wanted is None else SetTimer(name, moment(wanted))]


def _forget(book: Book) -> None:
    """Drop what no event can touch any more, so that the state stays small."""
    edge = book.at - MEMORY
    if book.orders and book.orders[0].at < edge:
        del book.orders[: bisect_left(book.orders, edge, key=lambda order: order.at)]
    if book.waiting and any(waiting.at < edge for waiting in book.waiting):
        book.waiting = [waiting for waiting in book.waiting if waiting.at >= edge]
    if book.vouchers and any(voucher.expires_at < edge for voucher in book.vouchers):
        book.vouchers = [voucher for voucher in book.vouchers if voucher.expires_at >= edge]
    while len(book.periods) > 1 and (book.periods[0].end or 0) < edge:
        del book.periods[0]
