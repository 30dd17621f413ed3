"""What followup would have heard of a recording: its events, and what the loyalty program tells because of
them, which no recording has (``rapport replay`` leaves out what Rapport itself writes)."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from functools import partial

from rapport.replay.feed import Progress
from rapport.simulate.memory import Arrival, MemoryRun
from services.loyalty.domain.apply import CONSUMES, apply
from services.loyalty.domain.program.program import Programs
from services.loyalty.domain.state import MemberState
from shared.domain import Effects
from shared.schemas.base import Data
from shared.schemas.commands import Command
from shared.schemas.event import Event
from shared.schemas.topics import OWN_TYPES

REPORT_EVERY = 250
LOYALTY = "loyalty"
"""The topic of what the program tells."""
_NEW = MemberState()


class Heard:
    """One pass over a recording, in the order of time; iterate once. It ends at ``until`` (default: the last
    arrival), inclusive. ``report`` is called now and then with one object that changes."""

    def __init__(
        self,
        arrivals: Iterable[Arrival],
        programs: Programs | None = None,
        *,
        until: datetime | None = None,
        only: Collection[str] | None = None,
        report: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        """``programs``: the loyalty program that runs beside; None: none does. ``only``: these customers'
        events alone."""
        self._arrivals, self._until, self._only, self._report = arrivals, until, only, report
        self._beside = None if programs is None else _Beside(programs)
        self._done = Progress()
        self.first: datetime | None = None
        self.types: set[str] = set()
        """Of all that was heard."""
        self.told = 0
        """Facts of the loyalty program."""

    @property
    def events(self) -> int:
        """Of the recording, so far."""
        return self._done.events

    @property
    def end(self) -> datetime | None:
        """How far it came, or was to come; None where there was no event."""
        return None if self._done.reached is None else self._until or self._done.reached

    def __iter__(self) -> Iterator[tuple[datetime, Event]]:
        for at, event in self._arrivals:
            if self._until is not None and at > self._until:
                break
            self.first = self.first or at
            if event is not None and (self._only is None or event.subject in self._only):
                for one in self._both(at, event):
                    self.types.add(one[1].data.event_type)
                    yield one
            self._done.events += 1
            self._done.reached = at
            if self._done.events % REPORT_EVERY == 0:
                self._report(self._done)
        self._report(self._done)
        if self._beside is not None and self.end is not None:
            self._beside.fire(self.end)
            for one in self._from_program(self._beside):
                self.types.add(one[1].data.event_type)
                yield one

    def _both(self, at: datetime, event: Event) -> Iterator[tuple[datetime, Event]]:
        if self._beside is None:
            yield at, event
            return
        self._beside.fire(at)
        yield from self._from_program(self._beside)
        yield at, event
        if isinstance(event.data, CONSUMES):
            self._beside.handle(at, event)
            yield from self._from_program(self._beside)

    def _from_program(self, beside: "_Beside") -> Iterator[tuple[datetime, Event]]:
        told, beside.told = beside.told, []
        self.told += len(told)
        yield from told


def used(consumed: Collection[type[Data]], *, beside: bool) -> tuple[type[Data], ...]:
    """The types to decode: what followup uses, and what the program beside it does."""
    return tuple(dict.fromkeys((*consumed, *(CONSUMES if beside else ()))))


def recorded_types(consumed: Iterable[type[Data]]) -> frozenset[str]:
    """Of the types that Rapport itself writes those that a recording may tell: not what followup and the
    program, which run anew, tell."""
    return (
        frozenset(cls.event_type for cls in consumed if cls.topic not in (LOYALTY, "outreach", "commands"))
        & OWN_TYPES
    )


def asks_program(consumed: Iterable[type[Data]]) -> bool:
    """Whether anything is to be heard that the loyalty program tells."""
    return any(cls.topic == LOYALTY for cls in consumed)


class _Beside(MemoryRun[MemberState]):
    """Loyalty's worker; ``told`` are its facts since they were last taken, in their order."""

    def __init__(self, programs: Programs) -> None:
        super().__init__(LOYALTY, partial(apply, programs), lambda _: _NEW, CONSUMES)
        self.told: list[tuple[datetime, Event]] = []
        self._facts = 0

    def applied(self, event: Event, before: MemberState, effects: Effects[MemberState]) -> None:
        for emit in effects.emits:
            if not isinstance(emit.data, Command):
                self._facts += 1
                subject = emit.subject or event.subject
                fact = Event(f"fact-{self._facts}", self.source, subject, emit.time, emit.data)
                self.told.append((self.now, fact))
