"""The complaints of a customer, as far as outreach must know: whether they are open, and which of their
steps count. A life is what all its steps make of it, by their event times (``shared.facts.complaints``)."""

from collections.abc import Iterable
from typing import NamedTuple

from shared.facts.complaints import (
    DECIDING,
    MOST_WAITING,
    OPEN_STATUSES,
    OPENED,
    WAIT,
    Life,
    Step,
    ToldStep,
    life_of,
    status_of,
    with_told,
    without_told,
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
    by: int = 0
    """As ``ToldStep.by``."""

    @property
    def step(self) -> Step:
        return Step(self.at, self.kind)


class Learnt(NamedTuple):
    """What a step comes to."""

    complaints: tuple["Complaint", ...] | None
    """None where it means nothing: it is known, or one too many."""
    unseen: bool
    """Its event's id counts as not seen: it is a step of its own, and while it does not hold, or where it was
    not kept, it may be a dead letter of interactions."""


class Complaint(Open):
    """One complaint: an over one costs some 110 bytes, and 45 more a step."""

    complaint_id: str
    steps: tuple[ToldStep, ...] = ()
    """As ``with_step`` orders them; none until it is opened."""
    waiting: tuple[Waiting, ...] = ()
    """Those heard before the opening, the first heard first."""
    heard: Micros
    """When the latest was heard."""
    message: str | None = None
    """The name of the message that it was made by, where its opening says so."""

    @property
    def opened(self) -> bool:
        """Whether its opening is known; else its steps wait for it."""
        return bool(self.steps)

    @property
    def life(self) -> Life:
        """What its steps make of it. Computed at each call."""
        return life_of([told.step for told in self.steps])

    @property
    def is_open(self) -> bool:
        return status_of(self.steps) in OPEN_STATUSES

    @property
    def known(self) -> list[Step]:
        """All of its steps, those that wait too."""
        return [*(told.step for told in self.steps), *(one.step for one in self.waiting)]

    def told_by(self, by: int) -> ToldStep | Waiting | None:
        """The step that this event told."""
        waiting = next((one for one in self.waiting if one.by == by), None)
        return waiting or next((told for told in self.steps if told.by == by), None)

    def has(self, at: Micros, kind: int) -> bool:
        """Whether this step holds in its life."""
        return Step(at, kind) in self.life.taken


def open_ones(complaints: Iterable[Complaint]) -> list[Complaint]:
    """Those that are open; none whose opening is not known."""
    return [one for one in complaints if status_of(one.steps) in OPEN_STATUSES]


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


def put_right(
    complaints: tuple[Complaint, ...], complaint_id: str, new: ToldStep
) -> tuple[Complaint, ...] | None:
    """Without the step that the event of ``new`` told before, of which it is the correction; ``complaints``
    themselves where there was none. None where that one held, or waits, or is told again: then the event
    means nothing."""
    for owner in complaints:
        before = owner.told_by(new.by)
        if before is None:
            continue
        same = owner.complaint_id == complaint_id and before.step == new.step
        if same or not (isinstance(before, ToldStep) and before.passed):
            return None
        left = owner.model_copy(update={"steps": without_told(owner.steps, before)})
        return tuple(left if c is owner else c for c in complaints)
    return complaints


def with_fact(
    complaints: tuple[Complaint, ...],
    complaint_id: str,
    new: ToldStep,
    now: Micros,
    message: str | None = None,
) -> Learnt:
    """With one more step; ``message``: as ``Complaint.message``. ``complaints`` are ``kept``."""
    known = next((c for c in complaints if c.complaint_id == complaint_id), None)
    before = known or Complaint(complaint_id=complaint_id, heard=now)
    if new.step in before.known:
        return Learnt(None, unseen=False)
    after = _told(before, new, now)
    if after is None:
        return Learnt(None, unseen=True)
    if message is not None:
        after = after.model_copy(update={"message": message})
    others = tuple(after if c is known else c for c in complaints)
    return Learnt(others if known is not None else (*others, after), unseen=new.kind != OPENED)


def _told(complaint: Complaint, new: ToldStep, now: Micros) -> Complaint | None:
    if complaint.opened or new.kind == OPENED:
        waited = (ToldStep(one.at, one.kind, one.by) for one in complaint.waiting)
        steps = with_told(complaint.steps, (new, *waited))
        return complaint.model_copy(update={"steps": _fewer(steps), "waiting": (), "heard": now})
    # As many as wait in the other services, of every kind, so that the same ones count everywhere.
    if len(complaint.waiting) >= MOST_WAITING:
        return None
    waiting = (*complaint.waiting, Waiting(new.at, new.kind, now, new.by))
    return complaint.model_copy(update={"waiting": waiting, "heard": now})


def _fewer(steps: tuple[ToldStep, ...]) -> tuple[ToldStep, ...]:
    """The opening and ``MOST_STEPS`` others: those that neither end it nor open it anew go first, then
    the earliest."""
    over = len(steps) - MOST_STEPS - 1
    if over <= 0:
        return steps
    order = sorted(steps[1:], key=lambda step: step.kind in DECIDING)
    gone = frozenset(order[:over])
    return tuple(step for step in steps if step not in gone)
