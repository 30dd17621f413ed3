"""Runs programs over recorded events as loyalty's worker would, but in memory and from start to end."""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import count

from rapport.replay.feed import Progress
from rapport.simulate.tally import Result, Tally, conclude
from services.loyalty.domain.apply import CONSUMES, apply
from services.loyalty.domain.program.program import Programs
from services.loyalty.domain.state import MemberState
from shared.domain import Context, Effects, RefusedError, SetTimer
from shared.schemas.commands import Command
from shared.schemas.commands.loyalty import MemberEnrolRequested
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from shared.schemas.timer import TimerFired
from shared.schemas.times import micros

SOURCE = "/rapport/loyalty"
REPORT_EVERY = 250
_NEW = MemberState()

Arrival = tuple[datetime, Event | None]
"""When a record reaches the log, and its event; None for one that loyalty does not use."""


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


class Run:
    """One program over a recording: all customers' states, timers and shared counters."""

    def __init__(self, programs: Programs, *, join: bool = False) -> None:
        self._programs = programs
        self._join = join
        self._apply = partial(apply, programs)
        self._states: dict[str, MemberState] = {}
        self._timers: dict[tuple[str, str], datetime] = {}
        """By customer and name."""
        self._heap: list[tuple[datetime, str, str]] = []
        """Those timers, and some that were moved or cancelled since."""
        self._seen: set[str] = set()
        self._counters: Counter[str] = Counter()
        self._ids = count(1)
        self._tally = Tally()

    def take(self, at: datetime, event: Event) -> None:
        """The timers due by ``at``, when the event's record reaches the log, then the event."""
        self._fire(at)
        if self._join and isinstance(event.data, PurchaseMade):
            self._let_join(at, event)
        self._handle(at, event)

    def finish(self, end: datetime) -> Result:
        """Fires the timers due by ``end``; nothing may be taken afterwards."""
        self._fire(end)
        return conclude(self._programs, end, self._tally, self._states.values(), self._counters)

    def _fire(self, until: datetime) -> None:
        while self._heap and self._heap[0][0] <= until:
            due_at, subject, name = heapq.heappop(self._heap)
            if self._timers.get((subject, name)) != due_at:
                continue  # moved or cancelled
            del self._timers[subject, name]
            data = TimerFired(name=name, due_at=due_at)
            fired = Event(f"{subject}|{name}|{due_at}", f"{SOURCE}/timers", subject, due_at, data)
            self._handle(due_at, fired)

    def _handle(self, now: datetime, event: Event) -> None:
        """The event, then the commands about other customers that come of it, as they are sent."""
        waiting = deque([event])
        while waiting:
            waiting.extend(self._settle(now, waiting.popleft()))

    def _settle(self, now: datetime, event: Event) -> Iterable[Event]:
        """Applies one event unless it was seen before; the commands that it sends."""
        uid = event.uid
        if uid in self._seen:
            return ()
        before = self._states.get(event.subject, _NEW)
        try:
            effects = self._apply(before, event, self._context(now, event))
        except RefusedError as refusal:
            self._refuse(event, refusal.code)
            return ()
        except Exception as bug:  # the worker sets such an event aside too
            self._tally.fault = self._tally.fault or f"{type(bug).__name__}: {bug}"
            self._refuse(event, "unhandled")
            return ()
        self._seen.add(uid)
        self._states[event.subject] = effects.state
        self._keep(event.subject, effects)
        self._tally.count(self._programs, event, effects)
        return _sent(event, effects)

    def _keep(self, subject: str, effects: Effects[MemberState]) -> None:
        for change in effects.timers:
            self._timers.pop((subject, change.name), None)
            if isinstance(change, SetTimer):
                self._timers[subject, change.name] = change.due_at
                heapq.heappush(self._heap, (change.due_at, subject, change.name))
        for take in effects.takes:
            self._counters[take.counter] += take.amount
        for retract in effects.retracts:
            self._seen.discard(retract.event.uid)

    def _refuse(self, event: Event, code: str) -> None:
        counted = self._tally.declined if isinstance(event.data, Command) else self._tally.refused
        counted[code] += 1

    def _context(self, now: datetime, event: Event) -> Context:
        # Ids need only differ: nothing of a simulation is looked up later.
        def new_id(tag: str) -> str:
            return f"{next(self._ids):024x}"

        return Context(now, new_id, new_id, self._counters.__getitem__, f"{event.data.topic}/0/0")

    def _let_join(self, now: datetime, purchase: Event) -> None:
        state = self._states.get(purchase.subject, _NEW)
        explicit = self._programs.at(micros(purchase.time)).enrolment == "explicit"
        if explicit and state.enrolled_at is None:
            asked = MemberEnrolRequested()
            self._handle(now, Event(purchase.id, f"{SOURCE}/join", purchase.subject, purchase.time, asked))


def _sent(cause: Event, effects: Effects[MemberState]) -> Iterator[Event]:
    """The commands to loyalty itself about other customers."""
    for number, emit in enumerate(effects.emits):
        if emit.subject is not None and isinstance(emit.data, CONSUMES) and isinstance(emit.data, Command):
            yield Event(f"{cause.uid} #{number}", SOURCE, emit.subject, emit.time, emit.data)
