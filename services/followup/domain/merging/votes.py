"""What products are told when several ids are one customer: who bought one under two ids bought it once, and
what was bought under one goes with what was bought under the other. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from services.followup.domain.history.baskets import Pair, Pairs, baskets_of, pairs
from services.followup.domain.history.state import History
from services.followup.domain.policy import Policy
from services.followup.domain.rules.times import span
from shared.domain import Emit
from shared.schemas.commands.products import ProductCountRequested, Vote
from shared.schemas.products import product_key


def told(
    policy: Policy,
    apart: Sequence[History | None],
    together: History | None,
    at: datetime,
    *,
    parting: bool = False,
) -> tuple[Emit, ...]:
    """One command for each product that is counted otherwise by the ids together than by each ``apart``;
    where they are ``parting``, the other way round."""
    if "baskets" not in policy.subjects:
        return ()
    within = span(policy.suggestions.within)
    found: dict[str, list[Vote]] = {}
    changed = _changes(
        [pairs(baskets_of(past), within) for past in apart], pairs(baskets_of(together), within)
    )
    for ((sku, other), period), by in changed:
        way = 1 if (by > 0) is not parting else -1
        found.setdefault(sku, []).extend([Vote(other=other, period=period, by=way)] * abs(by))
    return tuple(
        Emit(ProductCountRequested(sku=sku, votes=tuple(some)), at, subject=product_key(sku))
        for sku, some in found.items()
    )


def _changes(apart: Iterable[Pairs], together: Pairs) -> Iterable[tuple[tuple[Pair, int], int]]:
    """What is to be added to what the ids count apart so that it is what they count together. What came to be
    by orders that are not kept of them together, as they are too many, stays counted, once."""
    counted = Counter((pair, period) for one in apart for pair, period in one.items())
    wanted = Counter(together.items())
    for pair in dict.fromkeys(pair for pair, _ in counted):
        if pair not in together:
            wanted[pair, min(period for known, period in counted if known == pair)] = 1
    for cell in dict.fromkeys((*counted, *wanted)):
        if by := wanted[cell] - counted[cell]:
            yield cell, by
