"""A complaint's log as its clocks take it: its steps that hold, and what else a policy may ask for."""

from collections.abc import Iterator, Mapping

from services.interactions.domain.sla.log import Fact, Kind, MatchField
from services.interactions.domain.state import Complaint, ComplaintStep, Customer
from shared.facts.complaints import (
    ACKNOWLEDGED,
    CHANGED,
    CLOSED,
    REOPENED,
    RESOLVED,
    RESUMED,
    UPDATED,
    WAITING,
)

_KINDS: Mapping[int, Kind] = {
    ACKNOWLEDGED: Kind.ANSWERED,
    UPDATED: Kind.ANSWERED,
    RESOLVED: Kind.RESOLVED,
    CLOSED: Kind.CLOSED,
    REOPENED: Kind.REOPENED,
    WAITING: Kind.WAITING,
    RESUMED: Kind.RESUMED,
    CHANGED: Kind.CHANGED,
}


def facts_of(customer: Customer, complaint: Complaint) -> tuple[Fact, ...]:
    """The log, in no order. What is known of the time of the opening is in the opening."""
    known: dict[MatchField, str | None] = {
        "severity": complaint.severity,
        "category": complaint.category,
        "channel": complaint.channel,
    }
    later: list[Fact] = []
    for one in customer.matched:  # by time
        if one.at <= complaint.opened_at:
            known[one.field] = one.value
        else:
            later.append(Fact(one.at, Kind.CHANGED, ((one.field, one.value),)))
    opened = Fact(complaint.opened_at, Kind.OPENED, tuple(known.items()))
    return opened, *later, *_steps(complaint)


def _steps(complaint: Complaint) -> Iterator[Fact]:
    holds = set(complaint.life.taken)
    for step in complaint.steps:
        if step.kind in _KINDS and (step.at, step.kind) in holds:
            yield Fact(step.at, _KINDS[step.kind], _changes(step), step.promised_by)


def _changes(step: ComplaintStep) -> tuple[tuple[MatchField, str | None], ...]:
    told: tuple[tuple[MatchField, str | None], ...] = (
        ("severity", step.severity),
        ("category", step.category),
    )
    return tuple(change for change in told if change[1] is not None)
