"""Runs programs over recorded events as loyalty's worker would, but in memory and from start to end."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from rapport.replay.feed import Progress
from rapport.simulate.memory import Arrival, MemoryRun
from rapport.simulate.tally import Result, Tally, conclude
from services.loyalty.domain.apply import CONSUMES, apply
from services.loyalty.domain.program.program import Programs
from services.loyalty.domain.state import MemberState
from shared.domain import Effects
from shared.schemas.commands import Command
from shared.schemas.commands.loyalty import MemberEnrolRequested
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import micros

REPORT_EVERY = 250
_NEW = MemberState()


@dataclass(frozen=True, slots=True)
class Simulated:
    """A recording run under several programs."""

    results: tuple[Result, ...]
    """In the order of the programs."""
    events: int
    """All up to the end, those that loyalty does not use too."""
    used: int
    first: datetime
    end: datetime


def simulate(
    arrivals: Iterable[Arrival],
    programs: Sequence[Programs],
    *,
    until: datetime | None = None,
    join: bool = False,
    report: Callable[[Progress], None] = lambda _: None,
) -> Simulated | None:
    """One pass over ``arrivals``, which come in the order of time; None if there are none.

    It ends at ``until`` (default: the last arrival), inclusive: later events are left out, timers up to
    then fire. ``join``: under explicit enrolment each customer joins at the first purchase.
    ``report`` is called now and then with one object that changes.
    """
    runs = [Run(program, join=join) for program in programs]
    done, used, first = Progress(), 0, None
    for at, event in arrivals:
        if until is not None and at > until:
            break
        first = first or at
        if event is not None:
            used += 1
            for run in runs:
                run.take(at, event)
        done.events += 1
        done.reached = at
        if done.events % REPORT_EVERY == 0:
            report(done)
    report(done)
    if first is None or done.reached is None:
        return None
    end = until or done.reached
    return Simulated(tuple(run.finish(end) for run in runs), done.events, used, first, end)


class Run(MemoryRun[MemberState]):
    """One program over a recording."""

    def __init__(self, programs: Programs, *, join: bool = False) -> None:
        super().__init__("loyalty", partial(apply, programs), lambda _: _NEW, CONSUMES)
        self._programs = programs
        self._join = join
        self._tally = Tally()

    def take(self, at: datetime, event: Event) -> None:
        self.fire(at)
        if self._join and isinstance(event.data, PurchaseMade):
            self._let_join(at, event)
        self.handle(at, event)

    def finish(self, end: datetime) -> Result:
        """Fires the timers due by ``end``; nothing may be taken afterwards."""
        self.fire(end)
        return conclude(self._programs, end, self._tally, self.states.values(), self.counters)

    def applied(self, event: Event, before: MemberState, effects: Effects[MemberState]) -> None:
        self._tally.count(self._programs, event, effects)

    def refused(self, event: Event, code: str, bug: Exception | None) -> None:
        if bug is not None:
            self._tally.fault = self._tally.fault or f"{type(bug).__name__}: {bug}"
        counted = self._tally.declined if isinstance(event.data, Command) else self._tally.refused
        counted[code] += 1

    def _let_join(self, now: datetime, purchase: Event) -> None:
        explicit = self._programs.at(micros(purchase.time)).enrolment == "explicit"
        if explicit and self.state(purchase.subject).enrolled_at is None:
            asked, source = MemberEnrolRequested(), f"{self.source}/join"
            self.handle(now, Event(purchase.id, source, purchase.subject, purchase.time, asked))
