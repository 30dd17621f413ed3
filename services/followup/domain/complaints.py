"""The complaints of a customer, as far as outreach must know: whether they are open, and which of their
steps count. A life is what all its steps make of it, by their event times (``shared.facts.complaints``)."""

from typing import NamedTuple

from shared.facts.complaints import (
    DECIDING,
    MOST_WAITING,
    OPENED,
    WAIT,
    Step,
    life_of,
    with_step,
)
from shared.facts.names import KEEP_DAYS
from shared.schemas.base import Open
from shared.schemas.times import DAY, Micros

MOST_COMPLAINTS = 200
"""How many are kept of a customer at most, open ones apart: the others were heard of longest ago."""
MOST_STEPS = 50
"""How many steps are kept of a complaint beside its opening."""


class Waiting(NamedTuple):
    """A step that waits for its complaint's opening."""

    at: Micros
    kind: int
    heard: Micros

    @property
    def step(self) -> Step:
        return Step(self.at, self.kind)


class Complaint(Open):
    """One complaint: an over one costs some 110 bytes, and 25 more a step."""

    complaint_id: str
    steps: tuple[Step, ...] = ()
    """As ``with_step`` orders them; none until it is opened."""
    waiting: tuple[Waiting, ...] = ()
    """Those heard before the opening, the first heard first."""
    heard: Micros
    """When the latest was heard."""

    @property
    def opened(self) -> bool:
        """Whether its opening is known; else its steps wait for it."""
        return bool(self.steps)

    @property
    def is_open(self) -> bool:
        return life_of(self.steps).is_open

    def has(self, at: Micros, kind: int) -> bool:
        """Whether this step holds in its life."""
        return Step(at, kind) in life_of(self.steps).taken


def kept(complaints: tuple[Complaint, ...], now: Micros) -> tuple[Complaint, ...]:
    """Those that still matter: each step waits ``WAIT`` for the opening, what is over is kept as long as
    names are. The tuple itself where all do."""
    waited = [_still_waiting(c, now) for c in complaints]
    alive = [c for c in waited if c.waiting or c.is_open or (c.opened and c.heard >= now - KEEP_DAYS * DAY)]
    if len(alive) > MOST_COMPLAINTS:
        late = sorted(alive, key=lambda c: (c.is_open, c.heard))[-MOST_COMPLAINTS:]
        alive = [c for c in alive if c.is_open or c in late]
    same = len(alive) == len(complaints) and all(a is c for a, c in zip(alive, complaints, strict=True))
    return complaints if same else tuple(alive)


def _still_waiting(complaint: Complaint, now: Micros) -> Complaint:
    left = tuple(one for one in complaint.waiting if now - one.heard < WAIT)
    return (
        complaint if len(left) == len(complaint.waiting) else complaint.model_copy(update={"waiting": left})
    )


def with_fact(
    complaints: tuple[Complaint, ...], complaint_id: str, step: Step, now: Micros
) -> tuple[Complaint, ...] | None:
    """With one more step; None where it is there already, or where too many wait for the opening. Of
    ``complaints`` those are ``kept``."""
    known = next((c for c in complaints if c.complaint_id == complaint_id), None)
    before = known or Complaint(complaint_id=complaint_id, heard=now)
    after = _told(before, step, now)
    if after is None:
        return None
    return (*complaints, after) if known is None else tuple(after if c is known else c for c in complaints)


def _told(complaint: Complaint, step: Step, now: Micros) -> Complaint | None:
    if complaint.opened or step.kind == OPENED:
        if step in complaint.steps:
            return None
        steps = with_step(complaint.steps, step)
        for one in complaint.waiting:
            steps = with_step(steps, one.step)
        return complaint.model_copy(update={"steps": _fewer(steps), "waiting": (), "heard": now})
    # As many as wait in the other services, of every kind, so that the same ones count everywhere.
    if len(complaint.waiting) >= MOST_WAITING or any(one.step == step for one in complaint.waiting):
        return None
    waiting = (*complaint.waiting, Waiting(*step, now))
    return complaint.model_copy(update={"waiting": waiting, "heard": now})


def _fewer(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The opening and ``MOST_STEPS`` others: those that neither end it nor open it anew go first, then
    the earliest."""
    over = len(steps) - MOST_STEPS - 1
    if over <= 0:
        return steps
    order = sorted(steps[1:], key=lambda step: step.kind in DECIDING)
    gone = frozenset(order[:over])
    return tuple(step for step in steps if step not in gone)
