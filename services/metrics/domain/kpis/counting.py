"""What events and complaints count as, asked of the KPIs: tables made once, at import."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from services.metrics.domain.cells import Change
from services.metrics.domain.kpis.kpi import ComplaintCounts, Counts, EventCounts
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.state import Complaint
from shared.schemas.base import Data

CountEvent: TypeAlias = Callable[[Any], Mapping[str, int]]
CountComplaint: TypeAlias = Callable[[Complaint], Iterable[Change]]


def by_event(counts: Iterable[Counts]) -> dict[type[Data], CountEvent]:
    """How an event of each type is counted; what several KPIs count is asked once."""
    asked: dict[type[Data], list[CountEvent]] = {}
    for one in dict.fromkeys(counts):
        if isinstance(one, EventCounts):
            for event in one.events:
                asked.setdefault(event, []).append(one.count)
    return {event: all_of[0] if len(all_of) == 1 else _events(all_of) for event, all_of in asked.items()}


def of_complaint(counts: Iterable[Counts]) -> CountComplaint:
    """How a complaint is counted."""
    all_of = [one.count for one in dict.fromkeys(counts) if isinstance(one, ComplaintCounts)]
    return all_of[0] if len(all_of) == 1 else _complaints(all_of)


def _events(all_of: Sequence[CountEvent]) -> CountEvent:
    # No field is counted twice (tested), so nothing is overwritten.
    return lambda data: {field: n for count in all_of for field, n in count(data).items()}


def _complaints(all_of: Sequence[CountComplaint]) -> CountComplaint:
    def counted(complaint: Complaint) -> Iterator[Change]:
        for count in all_of:
            yield from count(complaint)

    return counted


_COUNTS = [counts for kpi in KPIS.values() for counts in kpi.counts]
EVENT_COUNTS: Mapping[type[Data], CountEvent] = by_event(_COUNTS)
complaint_counts: CountComplaint = of_complaint(_COUNTS)
