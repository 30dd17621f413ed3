"""What a log makes of the clocks: how they stand, what is to be told, and when the next of it falls due."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from services.interactions.domain.sla.runs import Decision, State, Stretch
from shared.schemas.complaints import ClockName
from shared.schemas.times import Micros

NoticeKind: TypeAlias = Literal["warned", "met", "breached", "escalated"]


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock as it stands: its latest run."""

    clock: ClockName
    state: State
    due_at: Micros | None
    """None while it is paused: nobody knows when it will go on. Frozen once it is decided."""
    used: Micros
    """Open time used, of the runs before a reopening too; frozen once it is decided."""
    policy: str
    version: str
    start: Micros
    """When the run began."""
    stretches: tuple[Stretch, ...]
    """When the run counted, up to now; after a changed match, the runs before it too."""
    duration: Micros = 0
    """What it is held to: so much open time."""
    promised_by: Micros | None = None
    """Or, in its place, the time that was promised."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A run as it went: what a report counts."""

    clock: ClockName
    policy: str
    version: str
    start: Micros
    decided: Decision | None
    """None: not yet, or never, as its policy was changed."""
    decided_at: Micros | None
    took: Micros
    """Open time without pauses until it was stopped, or until now: beyond its breach too, and with that of
    the runs before a reopening."""


class NoticeKey(NamedTuple):
    """What a notice is about: told once."""

    kind: NoticeKind
    clock: ClockName
    run: Micros
    """When the run began."""
    level: int = 0
    """Of an escalation: its place, 1 the first."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell: an event."""

    key: NoticeKey
    at: Micros
    """The instant at which it fell due: the event's time."""
    due_at: Micros
    """When the clock was due."""
    policy: str
    version: str
    to: str | None = None
    """Of an escalation: who is told."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a log makes of the clocks, up to an instant."""

    clocks: tuple[Clock, ...] = ()
    """Those that have begun, in the order of ``CLOCKS``."""
    notices: tuple[Notice, ...] = ()
    """All that was to be told, by time, whether it has been told or not."""
    next_at: Micros | None = None
    """When the next notice falls due, if nothing happens before; None: nothing will."""
    spans: tuple[tuple[ClockName, Micros, Micros | None], ...] = ()
    """Every run's clock, begin and end; None: not stopped."""

    @property
    def late(self) -> Clock | None:
        """Of the clocks that have run out, and whose step has not been taken since, the one due first."""
        going = {(clock, start) for clock, start, end in self.spans if end is None}
        out = [one for one in self.clocks if one.state == "breached" and (one.clock, one.start) in going]
        return min(out, key=lambda clock: clock.due_at or 0, default=None)

    @property
    def overdue(self) -> bool:
        """Whether a clock has run out, and its step has not been taken since."""
        return self.late is not None

    @property
    def next_due(self) -> Clock | None:
        """The running clock that is due next."""
        running = [clock for clock in self.clocks if clock.state == "running"]
        return min(running, key=lambda clock: clock.due_at or 0, default=None)

    def untold(self, told: Iterable[NoticeKey]) -> tuple[Notice, ...]:
        """The notices that are not among ``told``. A run is known again though a late fact has moved its
        begin back: what was told of it once is not told again."""
        known: dict[tuple[NoticeKind, ClockName, int], list[Micros]] = {}
        for kind, clock, run, level in told:
            known.setdefault((kind, clock, level), []).append(run)
        for runs in known.values():
            runs.sort()
        ends = {(clock, start): end for clock, start, end in self.spans}

        def is_told(key: NoticeKey) -> bool:
            runs = known.get((key.kind, key.clock, key.level), [])
            place = bisect_left(runs, key.run)
            if place == len(runs):
                return False
            end = ends[key.clock, key.run]
            return runs[place] == key.run or end is None or runs[place] < end

        # Runs of one instant, such as two responses at once make, are one.
        new = {notice.key: notice for notice in self.notices if not is_told(notice.key)}
        return tuple(new.values())
