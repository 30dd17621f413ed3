"""The complaints of a customer, as far as outreach must know: whether they are open, and which of their
steps count. A life is what all its steps make of it, by their event times (``shared.facts.complaints``)."""

from shared.facts.complaints import MOST_WAITING, OPENED, WAIT, Step, life_of, with_step
from shared.facts.names import KEEP_DAYS
from shared.schemas.base import Open
from shared.schemas.times import DAY, Micros

MOST_COMPLAINTS = 200
"""How many are kept of a customer at most, open ones apart: the others were heard of longest ago."""
MOST_STEPS = 50
"""How many steps are kept of a complaint beside its opening: the latest."""


class Complaint(Open):
    """One complaint: an over one costs some 110 bytes, and 25 more a step."""

    complaint_id: str
    steps: tuple[Step, ...]
    """As ``with_step`` orders them."""
    heard: Micros
    """When the latest was heard; while it is not known to be opened, the first."""

    @property
    def opened(self) -> bool:
        """Whether its opening is known; else its steps wait for it."""
        return self.steps[0].kind == OPENED

    @property
    def is_open(self) -> bool:
        return life_of(self.steps).is_open

    def has(self, at: Micros, kind: int) -> bool:
        """Whether this step holds in its life."""
        return Step(at, kind) in life_of(self.steps).taken


def kept(complaints: tuple[Complaint, ...], now: Micros) -> tuple[Complaint, ...]:
    """Those that still matter: a step waits ``WAIT`` for its opening, what is over is kept as long as names
    are. The tuple itself where all do."""
    alive = [c for c in complaints if c.heard >= now - (KEEP_DAYS * DAY if c.opened else WAIT) or c.is_open]
    if len(alive) > MOST_COMPLAINTS:
        late = sorted(alive, key=lambda c: (c.is_open, c.heard))[-MOST_COMPLAINTS:]
        alive = [c for c in alive if c.is_open or c in late]
    return complaints if len(alive) == len(complaints) else tuple(alive)


def with_fact(
    complaints: tuple[Complaint, ...], complaint_id: str, step: Step, now: Micros
) -> tuple[Complaint, ...] | None:
    """With one more step; None where it is there already, or where too many wait for the opening."""
    known = next((c for c in complaints if c.complaint_id == complaint_id), None)
    if known is None:
        return (*complaints, Complaint(complaint_id=complaint_id, steps=(step,), heard=now))
    waits = not known.opened and step.kind != OPENED
    if step in known.steps or (waits and len(known.steps) >= MOST_WAITING):
        return None
    steps = with_step(known.steps, step)
    if steps[0].kind == OPENED and len(steps) > MOST_STEPS + 1:
        steps = (steps[0], *steps[-MOST_STEPS:])
    after = Complaint(complaint_id=complaint_id, steps=steps, heard=known.heard if waits else now)
    return tuple(after if c is known else c for c in complaints)
