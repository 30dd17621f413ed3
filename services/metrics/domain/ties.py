"""What facts of one customer count as by each other: purchases by the complaints and the subscriptions that
there are and by whether the customer was given up after them, the end of a subscription by the complaint
before it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from services.metrics.domain import blame, gaps, given_up, terms
from services.metrics.domain.cells import DayChange
from services.metrics.domain.state import Customer

Chains = Mapping[tuple[str, str], Sequence[int]]
"""By name and kind, the days of a chain's purchases, in order."""


def any_in(data: Customer) -> bool:
    """Whether there may be any."""
    if data.subscriptions or data.given_up:
        return True
    return bool(data.complaints) and any(one.causes for one in data.complaints.values())


def counted(data: Customer, chains: Chains, whole: str) -> Iterator[tuple[str, Iterable[DayChange]]]:
    """What they count as, by chain; ``whole`` is the one of all purchases."""
    causes = blame.causes(data.complaints.values())
    subscribes = terms.any_of(data.subscriptions)
    blames = gaps.BLAMED_SUBSCRIBED if subscribes else gaps.BLAMED
    for (name, kind), days in chains.items():
        gone = given_up.holding(days, data.given_up) if name == whole and data.given_up else {}
        yield name, blame.counted(days, blames[kind], causes, gone)
        if gone:
            yield name, given_up.counted(days, gone, causes, subscribes=subscribes)
        if subscribes:
            yield name, gaps.subscribed(days, kind)
    if subscribes:
        yield whole, terms.counted(terms.runs(data.subscriptions), causes, others=data.begun)
