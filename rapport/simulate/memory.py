"""A service's worker over recorded events, in memory and from start to end: timers fire in between, nothing
is written and nothing sent."""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any, Generic

from shared.domain import Context, Effects, Emit, Kind, RefusedError, S, SetTimer
from shared.schemas.base import Data
from shared.schemas.commands import Command
from shared.schemas.event import Event
from shared.schemas.timer import TimerFired

Arrival = tuple[datetime, Event | None]
"""When a record reaches the log, and its event; None for one that the service does not use."""

UNHANDLED = "unhandled"
"""The code of an event on which the domain failed."""


class MemoryRun(Generic[S]):
    """All customers' states, timers and shared counters. What came of an event is for ``applied`` and
    ``refused``."""

    def __init__(
        self,
        service: str,
        apply: Callable[[S, Event, Context], Effects[S]],
        initial: Callable[[str], S],
        loops_back: tuple[type[Data], ...] = (),
        kinds: Mapping[str, Kind[Any]] | None = None,
    ) -> None:
        """``loops_back``: commands about other customers, of these types, are handled next, as the service's
        own commands come back to it. ``kinds``: the service's states that are no customer's."""
        self.source = f"/rapport/{service}"
        self.states: dict[str, S] = {}
        self.counters: Counter[str] = Counter()
        self._apply, self._initial, self._loops_back = apply, initial, loops_back
        self._kinds = kinds or {}
        self._others: dict[str, Any] = {}
        """The states of other kinds, by id."""
        self._timers: dict[tuple[str, str], SetTimer] = {}
        """By customer and name."""
        self._heap: list[tuple[datetime, str, str]] = []
        """Those timers, and some that were moved or cancelled since."""
        self._seen: set[str] = set()
        self._erased: set[str] = set()
        """Customers of whom nothing has an effect any more."""
        self._ids = count(1)
        self.now = datetime.min.replace(tzinfo=UTC)
        """How far time has come."""

    def applied(self, event: Event, before: S, effects: Effects[S]) -> None:
        """An event took effect."""

    def refused(self, event: Event, code: str, bug: Exception | None) -> None:
        """An event did not. ``bug``: an error that no rule foresaw, with the code ``unhandled``."""

    def take(self, at: datetime, event: Event) -> None:
        """The timers due by ``at``, when the event's record reaches the log, then the event."""
        self.fire(at)
        self.handle(at, event)

    def fire(self, until: datetime) -> None:
        """The timers due by ``until``."""
        while self._heap and self._heap[0][0] <= until:
            due_at, subject, name = heapq.heappop(self._heap)
            timer = self._timers.get((subject, name))
            if timer is None or timer.due_at != due_at:
                continue  # moved or cancelled
            del self._timers[subject, name]
            data = TimerFired(name=name, due_at=due_at, payload=timer.payload)
            fired = Event(f"{subject}|{name}|{due_at}", f"{self.source}/timers", subject, due_at, data)
            self.handle(max(due_at, self.now), fired)  # one that is set for the past fires at once

    def handle(self, now: datetime, event: Event) -> None:
        """The event, then the commands about other customers that come of it, as they are sent."""
        self.now = max(now, self.now)
        waiting = deque([event])
        while waiting:
            waiting.extend(self._settle(now, waiting.popleft()))

    def forget(self, subject: str) -> None:
        """A customer is erased: the state is gone, and no timer fires."""
        self.states.pop(subject, None)
        for key in [key for key in self._timers if key[0] == subject]:
            del self._timers[key]

    def state(self, subject: str) -> S:
        """A customer's; the initial one of a customer never seen."""
        found = self.states.get(subject)
        return self._initial(subject) if found is None else found

    def _settle(self, now: datetime, event: Event) -> Iterable[Event]:
        """Applies one event unless it was seen before; the commands that it sends."""
        uid = event.uid
        if uid in self._seen or event.state_id in self._erased:
            return ()
        if event.state_id != event.subject:
            return self._settle_other(now, event)
        before = self.state(event.subject)
        try:
            effects = self._apply(before, event, self._context(now, event))
        except RefusedError as refusal:
            self.refused(event, refusal.code, None)
            return ()
        except Exception as bug:  # the worker sets such an event aside too
            self.refused(event, UNHANDLED, bug)
            return ()
        self._seen.add(uid)
        self.states[event.subject] = effects.state
        self._keep(event.subject, effects)
        if effects.erase:
            self.forget(event.subject)
            self._erased.add(event.subject)
        self.applied(event, before, effects)
        return self._sent(event, effects.emits)

    def _settle_other(self, now: datetime, event: Event) -> Iterable[Event]:
        """As ``_settle``, of a state that is no customer's and sets no timers."""
        kind, found = self._kinds[event.state_id.partition("/")[0]], self._others.get(event.state_id)
        before = kind.initial(event.state_id) if found is None else found
        effects = kind.apply(before, event, self._context(now, event))
        self._seen.add(event.uid)
        self._others[event.state_id] = effects.state
        return self._sent(event, effects.emits)

    def _keep(self, subject: str, effects: Effects[S]) -> None:
        for change in effects.timers:
            self._timers.pop((subject, change.name), None)
            if isinstance(change, SetTimer):
                self._timers[subject, change.name] = change
                heapq.heappush(self._heap, (change.due_at, subject, change.name))
        for take in effects.takes:
            self.counters[take.counter] += take.amount
        for retract in effects.retracts:
            self._seen.discard(retract.event.uid)
        for unseen in effects.unseen:
            self._seen.discard(unseen.event.uid)

    def _context(self, now: datetime, event: Event) -> Context:
        new_id = partial(_new_id, self._ids)
        return Context(now, new_id, new_id, self.counters.__getitem__, f"{event.data.topic}/0/0")

    def _sent(self, cause: Event, emits: Iterable[Emit]) -> Iterator[Event]:
        for number, emit in enumerate(emits):
            data = emit.data
            if emit.subject is not None and isinstance(data, self._loops_back) and isinstance(data, Command):
                yield Event(f"{cause.uid} #{number}", self.source, emit.subject, emit.time, data)


def _new_id(ids: "count[int]", tag: str) -> str:
    # Ids need only differ: nothing of a simulation is looked up later.
    return f"{next(ids):024x}"
