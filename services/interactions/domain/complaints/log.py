"""A complaint's log as its clocks take it: its steps that hold, and what else a policy may ask for."""

from collections.abc import Iterable, Iterator, Mapping

from services.interactions.domain.conversations.conversation import Turn
from services.interactions.domain.conversations.folds import turns_of
from services.interactions.domain.owners import marks_about
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

_TURNS: Mapping[str, Kind] = {"inbound": Kind.INBOUND, "answered": Kind.ANSWERED}


def facts_of(customer: Customer, complaint: Complaint) -> tuple[Fact, ...]:
    """The log, in no order. What is known of the time of the opening is in the opening; what was said before
    it is none of the complaint."""
    known: dict[MatchField, str | None] = {
        "severity": complaint.severity,
        "category": complaint.category,
        "channel": complaint.channel,
    }
    later: list[Fact] = []
    for one in marks_about(customer, complaint):  # by time
        if one.at <= complaint.opened_at:
            known[one.field] = one.value
        else:
            later.append(Fact(one.at, Kind.CHANGED, ((one.field, one.value),)))
    opened = Fact(complaint.opened_at, Kind.OPENED, tuple(known.items()))
    said = [Fact(turn.at, _TURNS[turn.kind]) for turn in turns_about(customer, complaint)]
    return opened, *later, *said, *_steps(complaint)


def turns_about(customer: Customer, complaint: Complaint) -> list[Turn]:
    """What the customer and agents have said in its conversation since it was opened, by time."""
    if complaint.conversation_id is None:
        return []
    turns = turns_of(customer, complaint.conversation_id)
    return [turn for turn in turns if turn.at >= complaint.opened_at]


def waits(complaint: Complaint, log: Iterable[Fact]) -> bool:
    """Whether it waits for the customer: it was said, and they have not written since."""
    life = complaint.life
    if not life.waiting:
        return False
    since = max(step.at for step in life.taken if step.kind == WAITING)
    return not any(fact.kind == Kind.INBOUND and fact.at > since for fact in log)


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
