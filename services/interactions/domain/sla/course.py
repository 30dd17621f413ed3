"""What a log makes of the clocks: how they stand, what is to be told, and when the next of it falls due."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from services.interactions.domain.sla.runs import State, Stretch
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

    def untold(self, told: Iterable[NoticeKey]) -> tuple[Notice, ...]:
        """The notices that are not among ``told``. A run is known again though a late fact has moved its
        begin back: what was told of it once is not told again."""
        known = list(told)
        ends = {(clock, start): end for clock, start, end in self.spans}

        def is_told(key: NoticeKey) -> bool:
            end = ends[key.clock, key.run]
            return any(
                one[:2] == key[:2]
                and one.level == key.level
                and (one.run == key.run or (key.run < one.run and (end is None or one.run < end)))
                for one in known
            )

        return tuple(notice for notice in self.notices if not is_told(notice.key))
