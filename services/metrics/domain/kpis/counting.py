"""What events, complaints, orders and conversations count as, asked of the KPIs: tables made at import."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from services.metrics.domain.cells import Change
from services.metrics.domain.kpis.kpi import (
    AgentCounts,
    ComplaintCounts,
    Counts,
    EventCounts,
    OrderCounts,
    TalkCounts,
)
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.state import Agent, Complaint, Order, Talk, Turn
from shared.schemas.base import Data

CountEvent: TypeAlias = Callable[[Any], Mapping[str, int]]
CountComplaint: TypeAlias = Callable[[Complaint, Sequence[Turn]], Iterable[Change]]
CountOrder: TypeAlias = Callable[[Order], Iterable[Change]]
CountAgent: TypeAlias = Callable[[Agent], Iterable[Change]]
CountTalk: TypeAlias = Callable[[Talk], Iterable[Change]]


def by_event(counts: Iterable[Counts]) -> dict[type[Data], CountEvent]:
    """How an event of each type is counted; what several KPIs count is asked once."""
    asked: dict[type[Data], list[CountEvent]] = {}
    for one in dict.fromkeys(counts):
        if isinstance(one, EventCounts):
            for event in one.events:
                asked.setdefault(event, []).append(one.count)
    return {event: all_of[0] if len(all_of) == 1 else _events(all_of) for event, all_of in asked.items()}


def of_thing(counts: Iterable[Counts], kind: type[Any]) -> Callable[..., Iterable[Change]]:
    """How a thing that the record keeps is counted; ``kind``: the class of counts that are asked."""
    all_of = [one.count for one in dict.fromkeys(counts) if isinstance(one, kind)]
    return all_of[0] if len(all_of) == 1 else _all(all_of)


def _events(all_of: Sequence[CountEvent]) -> CountEvent:
    # No field is counted twice (tested), so nothing is overwritten.
    return lambda data: {field: n for count in all_of for field, n in count(data).items()}


def _all(all_of: Sequence[Callable[..., Iterable[Change]]]) -> Callable[..., Iterator[Change]]:
    def counted(*thing: Any) -> Iterator[Change]:
        for count in all_of:
            yield from count(*thing)

    return counted


_COUNTS = [counts for kpi in KPIS.values() for counts in kpi.counts]
EVENT_COUNTS: Mapping[type[Data], CountEvent] = by_event(_COUNTS)
complaint_counts: CountComplaint = of_thing(_COUNTS, ComplaintCounts)
agent_counts: CountAgent = of_thing(_COUNTS, AgentCounts)
order_counts: CountOrder = of_thing(_COUNTS, OrderCounts)
talk_counts: CountTalk = of_thing(_COUNTS, TalkCounts)
