"""A complaint's life: which step may follow which, by the times at which they happened.

All of a complaint's steps that are known, in whatever order they were heard, are put in the order of their
event times and taken one by one; a step that does not follow from the status before it is passed over. So
services that know the same steps agree, and a step that was heard too early holds once what it needs is
known.
"""

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal, NamedTuple, TypeAlias

from shared.schemas.complaints import (
    CompensationGranted,
    ComplaintAcknowledged,
    ComplaintChanged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintResumed,
    ComplaintsData,
    ComplaintUpdated,
    ComplaintWaiting,
)
from shared.schemas.event import Event
from shared.schemas.times import DAY, Micros

Status: TypeAlias = Literal["opened", "acknowledged", "resolved", "closed", "reopened"]
STATUSES: tuple[Status, ...] = ("opened", "acknowledged", "resolved", "closed", "reopened")
OPEN_STATUSES: frozenset[Status] = frozenset({"opened", "acknowledged", "reopened"})
"""Somebody still has to act."""

WAIT: Micros = 30 * DAY
"""How long a step waits for the opening of its complaint."""
MOST_WAITING = 50
"""How many steps of one complaint wait at most."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What a fact does to a complaint's status."""

    name: str
    """As in: the complaint cannot be acknowledged."""
    follows: frozenset[Status]
    to: Status | None = None
    """None: the status stays."""


_UNTIL_CLOSED: frozenset[Status] = frozenset({"opened", "acknowledged", "reopened", "resolved"})

TRANSITIONS: Mapping[type[ComplaintsData], Transition] = {
    ComplaintAcknowledged: Transition("acknowledged", frozenset({"opened", "reopened"}), "acknowledged"),
    ComplaintUpdated: Transition("updated", _UNTIL_CLOSED),
    CompensationGranted: Transition("compensated", _UNTIL_CLOSED),
    ComplaintResolved: Transition("resolved", frozenset({"opened", "acknowledged", "reopened"}), "resolved"),
    ComplaintClosed: Transition("closed", frozenset({"resolved"}), "closed"),
    ComplaintReopened: Transition("reopened", frozenset({"resolved", "closed"}), "reopened"),
    ComplaintChanged: Transition("changed", _UNTIL_CLOSED),
    # Waiting is a mark beside the status; told again, or taken away where it is not, it changes nothing.
    ComplaintWaiting: Transition("set waiting", OPEN_STATUSES),
    ComplaintResumed: Transition("resumed", OPEN_STATUSES),
}
"""Every fact after the first, but what Rapport tells of clocks."""

KINDS: tuple[type[ComplaintsData], ...] = (
    ComplaintOpened,
    ComplaintAcknowledged,
    ComplaintUpdated,
    ComplaintResolved,
    ComplaintClosed,
    ComplaintReopened,
    ComplaintWaiting,
    ComplaintResumed,
    ComplaintChanged,
)
"""Facts that are steps. ``Step.kind`` counts from here, and of two of one instant the earlier here goes
first: what is stored depends on this order, so add at the end."""
OPENED, ACKNOWLEDGED, UPDATED, RESOLVED, CLOSED, REOPENED, WAITING, RESUMED, CHANGED = range(len(KINDS))
RESPONSES: frozenset[int] = frozenset({ACKNOWLEDGED, UPDATED, RESOLVED})
"""Kinds by which the customer hears of us."""
DECIDING: frozenset[int] = frozenset({OPENED, RESOLVED, CLOSED, REOPENED})
"""Kinds that open it, or end it: where steps are forgotten, these stay longest."""


_END_WAITING = frozenset({RESUMED, RESOLVED, CLOSED})


class Step(NamedTuple):
    """One fact of a complaint's life: its time and its kind, a place in ``KINDS``."""

    at: Micros
    kind: int


class ToldStep(NamedTuple):
    """A step and the event that told it, as a service keeps it that does not judge it. What interactions
    makes a dead letter of may be put right under the same id, and then the step was never taken."""

    at: Micros
    kind: int
    by: int = 0
    """``teller`` of the event; 0 where that is not known."""
    passed: bool = False
    """At some time it did not hold, as far as was known: so it may be a dead letter."""

    @property
    def step(self) -> Step:
        return Step(self.at, self.kind)


class Life(NamedTuple):
    """What the steps make of a complaint."""

    status: Status | None
    """None: not opened yet, as far as is known."""
    taken: tuple[Step, ...]
    """The steps that hold, in order; the others were passed over."""
    waiting: bool = False
    """For the customer, as far as steps say: a message of theirs ends it too."""

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES


def step_of(data: ComplaintsData, at: Micros) -> Step | None:
    """The step that a fact is; None for one that is none."""
    kind = type(data)
    return Step(at, KINDS.index(kind)) if kind in KINDS else None


def with_step(steps: Sequence[Step], new: Step) -> tuple[Step, ...]:
    """In order, with one more; the same one (kind and time) told twice is there once. ``steps`` itself is
    returned where nothing changes. Of two openings the first heard holds: the caller sees to that."""
    if new in steps:
        return tuple(steps)
    ordered = list(steps)
    # Nothing happens to a complaint before it is opened, whatever the clock of who tells of it says.
    insort(ordered, new, key=lambda step: (step.kind != OPENED, step.at, step.kind))
    return tuple(ordered)


def teller(event: Event) -> int:
    """Tells an event from others of the same customer: 1 or more, of four bytes."""
    return int.from_bytes(blake2b(event.uid.encode(), digest_size=4).digest()) or 1


def told_step(event: Event, at: Micros) -> ToldStep | None:
    """The step that an event of the time ``at`` tells; None for one that tells none."""
    step = step_of(event.data, at) if isinstance(event.data, ComplaintsData) else None
    return None if step is None else ToldStep(step.at, step.kind, teller(event))


def with_told(steps: Sequence[ToldStep], new: Iterable[ToldStep]) -> tuple[ToldStep, ...]:
    """As ``with_step``, with several; then it is noted of those that do not hold."""
    known = tuple(steps)
    for one in new:
        order = with_step([told.step for told in known], one.step)
        if len(order) > len(known):
            place = order.index(one.step)
            known = (*known[:place], one, *known[place:])
    return _noting(known)


def without_told(steps: Sequence[ToldStep], wrong: ToldStep) -> tuple[ToldStep, ...]:
    """Without one that was put right."""
    return _noting([known for known in steps if known is not wrong])


def _noting(steps: Sequence[ToldStep]) -> tuple[ToldStep, ...]:
    taken = {*life_of([known.step for known in steps]).taken}
    return tuple(s if s.passed or s.step in taken else s._replace(passed=True) for s in steps)


def status_of(steps: Sequence[Step | ToldStep]) -> Status | None:
    """The status of their ``life_of``, for which is asked most often."""
    status: Status | None = None
    for step in steps:
        status = _THEN[status][step[1]]
    return status


def _after(status: Status | None, kind: int) -> Status | None:
    if kind == OPENED:
        return status or "opened"
    rule = TRANSITIONS[KINDS[kind]]
    return rule.to if rule.to is not None and status in rule.follows else status


_THEN: Mapping[Status | None, tuple[Status | None, ...]] = {
    status: tuple(_after(status, kind) for kind in range(len(KINDS))) for status in (None, *STATUSES)
}
"""Status -> by the step's kind the status after it."""


def life_of(steps: Sequence[Step]) -> Life:
    """``steps`` as ``with_step`` orders them."""
    status: Status | None = None
    taken: list[Step] = []
    waiting = False
    for step in steps:
        if step.kind == OPENED:
            if status is not None:
                continue
            status = "opened"
        else:
            rule = TRANSITIONS[KINDS[step.kind]]
            if status is None or status not in rule.follows:
                continue
            status = status if rule.to is None else rule.to
        taken.append(step)
        waiting = step.kind == WAITING or (waiting and step.kind not in _END_WAITING)
    return Life(status, tuple(taken), waiting)


def allowed(status: Status | None) -> tuple[Transition, ...]:
    """What may follow."""
    return tuple(rule for rule in TRANSITIONS.values() if status in rule.follows)


def status_at(steps: Sequence[Step], at: Micros) -> Status | None:
    """What the status was just before a new fact of the time ``at``: by that it is judged. None: not opened,
    as far as is known. A time before the opening counts as the opening's."""
    return life_of([step for step in steps if step.kind == OPENED or step.at <= at]).status
