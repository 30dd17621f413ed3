"""What facts of one customer count as by each other: purchases by the complaints and the subscriptions that
there are, the end of a subscription by the complaint before it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from services.metrics.domain import blame, gaps, terms
from services.metrics.domain.cells import DayChange
from services.metrics.domain.state import Customer

Chains = Mapping[tuple[str, str], Sequence[int]]
"""By name and kind, the days of a chain's purchases, in order."""


def any_in(data: Customer) -> bool:
    """Whether there may be any."""
    if not data.complaints:
        return bool(data.subscriptions)
    return bool(data.subscriptions) or any(one.causes for one in data.complaints.values())


def counted(data: Customer, chains: Chains, whole: str) -> Iterator[tuple[str, Iterable[DayChange]]]:
    """What they count as, by chain; ``whole`` is the one of all purchases."""
    causes = blame.causes(data.complaints.values())
    subscribes = terms.any_of(data.subscriptions)
    blames = gaps.BLAMED_SUBSCRIBED if subscribes else gaps.BLAMED
    for (name, kind), days in chains.items():
        yield name, blame.counted(days, blames[kind], causes)
        if subscribes:
            yield name, gaps.subscribed(days, kind)
    if subscribes:
        yield whole, terms.counted(terms.runs(data.subscriptions), causes, others=data.begun)
