"""One run of a clock: the stretches in which it counts, when it falls due, and what became of it."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from services.interactions.domain.sla.open_time import ALWAYS, NeverOpenError, OpenTime
from services.interactions.domain.sla.policy import Terms
from shared.schemas.complaints import ClockName
from shared.schemas.times import Micros

State: TypeAlias = Literal["running", "paused", "met", "breached"]
Decision: TypeAlias = Literal["met", "breached"]
Stretch: TypeAlias = tuple[Micros, Micros]
"""From, until."""


@dataclass(slots=True)
class Run:
    """From the fact that starts a clock to the one that stops it. What is due is reckoned anew after every
    change, over the stretches: nothing is counted down."""

    clock: ClockName
    start: Micros
    since: Micros | None
    """Counts since then; None: paused, or stopped."""
    terms: Terms | None
    """None: the policy leaves the clock out."""
    promised_by: Micros | None = None
    carried: Micros = 0
    """Open time used by the runs before."""
    before: tuple[Stretch, ...] = ()
    """The stretches of the runs before; after a changed match ``stretches`` begin with them."""
    stretches: list[Stretch] = field(default_factory=list)
    """Those that ended."""
    floor: Micros = 0
    """Nothing is told before it: when the terms became what they are."""
    warned: bool = False
    decided: Decision | None = None
    decided_at: Micros | None = None
    end: Micros | None = None
    """When it was stopped."""

    due: Micros | None = None
    """None while it is paused or has no terms; frozen once decided."""
    warn: Micros | None = None
    used: Micros = 0
    """Open time used, once decided."""

    def reckon(self) -> None:
        """Set ``due`` and ``warn`` by the terms and the stretches."""
        self.due = self._due()
        self.warn = None if self.warned else self._warn()

    def _warn(self) -> Micros | None:
        terms = self.terms
        if terms is None or terms.warn_before is None or self.due is None or self.since is None:
            return None
        left = terms.open_time.between(self.since, self.due)
        early = left - terms.warn_before
        if early <= 0 and self.since == self.start and not self.stretches:
            return max(self.start, self.floor)
        if early < 0 and self.since < self.floor:  # it would have been told before the change
            return self.floor
        try:
            return max(terms.open_time.goes_on(self.since, max(early, 0)), self.floor)
        except NeverOpenError:  # it was promised for a time that nobody now alive will see
            return None

    def _due(self) -> Micros | None:
        if self.terms is None:
            return None
        count, left = self._counted(self.terms)
        if left <= 0:
            return self.start
        for start, end in self.stretches:
            span = count.between(start, end)
            if span >= left:
                return count.used_up(start, left)
            left -= span
        return None if self.since is None else count.used_up(self.since, left)

    def due_if_resumed(self, at: Micros) -> Micros:
        """``due``, and of a paused run what it would be if it went on at ``at``."""
        if self.due is not None or self.terms is None:
            return at if self.due is None else self.due
        count, left = self._counted(self.terms)
        return count.used_up(at, left - sum(count.between(*stretch) for stretch in self.stretches))

    def _counted(self, terms: Terms) -> tuple[OpenTime, Micros]:
        """What counts, and how much of it there is. A promise is a time of day: it is put off by as long as
        the run is paused, open or not."""
        if self.promised_by is not None:
            return ALWAYS, self.promised_by - self.start
        return terms.open_time, terms.duration - self.carried

    def used_by(self, at: Micros) -> Micros:
        """The open time used up to ``at``, or to its decision."""
        if self.decided is not None or self.terms is None:
            return self.used
        running = 0 if self.since is None else self.terms.open_time.between(self.since, at)
        return self.carried + running + sum(self.terms.open_time.between(*one) for one in self.stretches)

    def pause(self, at: Micros) -> None:
        """Stop counting."""
        if self.since is not None:
            self._stop_counting(at)
            self.reckon()

    def resume(self, at: Micros) -> None:
        """Go on counting."""
        if self.since is None and self.decided is None:
            self.since = at
            self.reckon()

    def refit(self, terms: Terms | None, at: Micros) -> None:
        """Count its whole stretch, with those of the runs before, by other terms."""
        self.stretches[:0] = self.before
        self.before, self.carried = (), 0
        self.terms, self.floor = terms, at
        self.reckon()

    def decide(self, decision: Decision, at: Micros) -> None:
        """Freeze what was due and used."""
        self.used = self.used_by(at)
        self.due = self.due_if_resumed(at)
        self._stop_counting(at)
        self.decided, self.decided_at, self.warn = decision, at, None

    def stop(self, at: Micros) -> None:
        """It is over, decided or not."""
        self._stop_counting(at)
        self.end, self.warn = at, None

    @property
    def state(self) -> State:
        """As it is shown."""
        if self.decided is not None:
            return self.decided
        return "paused" if self.since is None else "running"

    def _stop_counting(self, at: Micros) -> None:
        if self.since is not None:
            self.stretches.append((self.since, at))
            self.since = None
