"""What effects add to the results: each message by the day on which it is due, its rule, step and variant.

The sums are written as increments in the transaction of what they count, so they are as exact as it is.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from services.followup.domain.deliverability.heard import ANSWERED
from services.followup.domain.policy import Policy
from services.followup.domain.results import trials
from services.followup.domain.results.cells import RESULTS, Cell, cell_of, cell_of_outreach
from services.followup.domain.rows import COLLECTION
from services.followup.domain.state import Customer
from shared.domain import Effects, Increment, Put
from shared.schemas.base import Data
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.interactions import InteractionLogged
from shared.schemas.outreach import (
    OutreachAnswered,
    OutreachBounced,
    OutreachComplained,
    OutreachDelivered,
    OutreachGoalReached,
)
from shared.schemas.times import Micros, micros

Sums = dict[Cell, Counter[str]]


def with_results(
    policy: Policy, before: Customer, data: Data, effects: Effects[Customer]
) -> Effects[Customer]:
    """The effects of an event, and what they add to the results."""
    sums: Sums = {}
    effects = _answered(sums, data, effects)
    new: list[tuple[str, Micros]] = []
    for document, first in _messages(before, effects):
        _count(sums.setdefault(cell_of(document), Counter()), document, first, before)
        if first and not effects.erase:
            due_at = document["due_at"]
            assert isinstance(due_at, datetime)
            new.append((str(document["rule"]), micros(due_at)))
    effects = _tried(sums, policy, before, effects, new)
    for emit in effects.emits:
        if isinstance(emit.data, OutreachAnswered):
            _hear(sums, emit.data, before, effects.state)
    return _added(effects, sums)


def _tried(
    sums: Sums, policy: Policy, before: Customer, effects: Effects[Customer], new: list[tuple[str, Micros]]
) -> Effects[Customer]:
    """Who falls to an arm by a message that is told of, and who reaches a goal."""
    after = trials.begun(effects.state, policy, new) if new else effects.state
    after = trials.reached(before, after, policy)
    for cell, name in trials.counted(before, after):
        sums.setdefault(cell, Counter())[name] += 1
    return effects if after is effects.state else replace(effects, state=after)


def _added(effects: Effects[Customer], sums: Sums) -> Effects[Customer]:
    added = [
        Increment(RESULTS, cell.key, some)
        for cell, fields in sums.items()
        if (some := {name: by for name, by in fields.items() if by})
    ]
    return replace(effects, rows=(*effects.rows, *added)) if added else effects


def _messages(before: Customer, effects: Effects[Customer]) -> Iterator[tuple[dict[str, object], bool]]:
    """The documents of messages as they come to stand, and whether one is told of for the first time."""
    known: set[str] | None = None
    for row in effects.rows:
        if not isinstance(row, Put) or row.collection != COLLECTION:
            continue
        if known is None:
            known = set(_told_of(before))
        document = dict(row.document)
        name = str(document["_id"])
        yield document, name not in known
        known.add(name)


def _told_of(state: Customer) -> Iterator[str]:
    yield from (one.outreach_id for one in state.planned if one.announced)
    yield from (one.outreach_id for one in state.in_flight)
    yield from (one.outreach_id for one in state.traces)


def _count(fields: Counter[str], document: dict[str, object], first: bool, before: Customer) -> None:
    fields["planned"] += first
    match document["status"]:
        case "sent":
            fields["sent"] += 1
            taken_back = {f.outreach_id for f in before.in_flight if f.cancelled}
            fields["overtaken"] += document["_id"] in taken_back
        case "failed" | "in_doubt" as status:
            fields[status] += 1
        case "suppressed" | "cancelled" as status:
            fields[f"{status}_{document.get('reason')}"] += 1


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a thing that is heard is called among the results."""

    of: type[OutreachAnswered]
    name: str


_HEARD = (
    _Kind(OutreachDelivered, "delivered"),
    _Kind(OutreachComplained, "complained"),
    _Kind(OutreachGoalReached, "goal_reached"),
)


def _hear(sums: Sums, fact: OutreachAnswered, before: Customer, after: Customer) -> None:
    cell = _cell_of(fact.outreach_id, before, after)
    name = next((kind.name for kind in _HEARD if isinstance(fact, kind.of)), None)
    if isinstance(fact, OutreachBounced):
        name = f"bounced_{fact.kind}"
    if cell is not None and name is not None:
        sums.setdefault(cell, Counter())[name] += 1


def _cell_of(outreach_id: str, before: Customer, after: Customer) -> Cell | None:
    """Where a message is counted; None for one that nothing is known of any more, and one of which an earlier
    version kept less."""
    trace = next((one for one in after.traces if one.outreach_id == outreach_id), None)
    if trace is not None:
        return Cell.read(trace.cell)
    flight = next((one for one in before.in_flight if one.outreach_id == outreach_id), None)
    return None if flight is None else cell_of_outreach(flight)


def _answered(sums: Sums, data: Data, effects: Effects[Customer]) -> Effects[Customer]:
    """A message that the customer has answered, by a reply or in its survey, counts as that once."""
    names = set(_answers(data, effects))
    found = [t for t in effects.state.traces if t.outreach_id in names and not t.heard & ANSWERED]
    if not found:
        return effects
    for trace in found:
        cell = Cell.read(trace.cell)
        if cell is not None:
            sums.setdefault(cell, Counter())["answered"] += 1
    traces = tuple(
        t._replace(heard=t.heard | ANSWERED) if t.outreach_id in names else t for t in effects.state.traces
    )
    return replace(effects, state=effects.state.model_copy(update={"traces": traces}))


def _answers(data: Data, effects: Effects[Customer]) -> Iterator[str]:
    """The ids of messages that are answered, ours or not."""
    if isinstance(data, InteractionLogged) and data.direction == "inbound" and data.in_reply_to:
        # A mail's name is its outreach's id and a host, which a provider may have changed.
        yield from (name.strip("<>").partition("@")[0] for name in data.in_reply_to.split())
    for told in (data, *(emit.data for emit in effects.emits)):
        if isinstance(told, SurveyAnswered):
            name = getattr(told, "outreach_id", None)
            if isinstance(name, str):
                yield name
