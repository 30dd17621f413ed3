"""What a member should hear of: points that will expire, and a reward that is within reach now."""

from bisect import bisect_right

from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.lots import expiry
from services.loyalty.domain.program.program import Notice
from shared.schemas.loyalty import PointsExpiring, RewardAvailable
from shared.schemas.times import DAY, Micros, moment


def expiring_due(book: Book) -> Micros | None:
    """When to tell of points that expire: ``days`` before the first that was not told of, but not within
    ``every_days`` of the last time."""
    first = _first_untold(book)
    if first is None:
        return None
    ends, notice = first
    at = ends - notice.days * DAY
    return at if book.told_at is None else max(at, book.told_at + notice.every_days * DAY)


def tell_expiring(book: Book, at: Micros) -> None:
    """All points that expire within ``days``, those told of before too."""
    at = max(at, book.before.at)  # of a lot that came late there is no telling earlier
    first = _first_untold(book)
    assert first is not None
    _, notice = first
    until = at + notice.days * DAY
    # The first is among them: it was due ``days`` before its end, or later.
    lots = book.lots.active[: bisect_right(book.lots.active, until, key=expiry)]
    book.told_at, book.told_until = at, until
    fact = PointsExpiring(
        points=sum(lot.remaining for lot in lots),
        expires_at=moment(lots[0].expires_at),
        last_at=moment(lots[-1].expires_at),
        balance=book.balance,
    )
    book.emit(fact, at)


def _first_untold(book: Book) -> tuple[Micros, Notice] | None:
    """When the first lot ends that the member was not told of, and the rule for it; None without either."""
    active = book.lots.active
    if not active or active[-1].expires_at <= book.told_until:
        return None
    untold = 0
    if active[0].expires_at <= book.told_until:
        untold = bisect_right(active, book.told_until, key=expiry)
    ends = active[untold].expires_at
    notice = book.program(ends).expiring
    return None if notice is None else (ends, notice)


def tell_affordable(book: Book) -> None:
    """Of the rewards that came within reach in this event, by points or by tier, the dearest."""
    if book.enrolled_at is None:
        return
    program = book.program(book.at)
    had, has, at = book.opening, book.balance, book.at
    held = book.before.periods
    rank, rank_before = program.rank(book.periods[-1].tier), program.rank(held[-1].tier) if held else 0
    if has <= had and rank <= rank_before:
        return
    lowest = 0 if rank > rank_before else bisect_right(program.costs, had)
    for reward in reversed(program.by_cost[lowest : bisect_right(program.costs, has)]):
        reached = reward.cost > had or not program.offers(reward, rank_before, at)
        if reached and program.offers(reward, rank, at) and book.has_left(reward.counter, reward.stock):
            told = RewardAvailable(reward_id=reward.id, name=reward.name, cost=reward.cost, balance=has)
            book.emit(told, at)
            return
