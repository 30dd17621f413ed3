"""A test kit: a service's worker in memory, without Kafka and MongoDB.

It plans with the real planner: the ids, timers, duplicates, refusals, shared counters and merging of rows are
those of production. A test says what happens and when, and looks at what came of it::

    def test_points_expire_after_a_year() -> None:
        worker = InMemoryWorker(handler(SETTINGS))
        assert worker.tell("c-1", purchase(cents=10_000)).status == "applied"
        assert [fact.points for fact in worker.facts(PointsEarned)] == [100]
        worker.advance(timedelta(days=365))  # timers fire on the way, each at its own time
        assert [fact.points for fact in worker.facts(PointsExpired)] == [-100]
        assert worker.dead_letters == []

``handler`` is that of ``services.loyalty.worker``; its settings name the program, which may be one's own. An
event may be sent as it is (``send``), a command's answer is its ``outcome``, a batch is ``send_batch``.
What it does not have: partitions (there is one, 0), crashes and outages.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

from msgspec import structs

from shared.domain import Context, Effects, Handler, S
from shared.journal.plan import Plan, Timer
from shared.journal.planner import Planner
from shared.journal.refusals import BUG
from shared.journal.testing_results import DeadLetter, Handled, Published, event_of, results
from shared.journal.testing_store import InMemoryStore, Log, NotStorableError
from shared.merging.relays import opened
from shared.schemas.base import Data
from shared.schemas.commands.merging import Relay
from shared.schemas.event import Event
from shared.worker.processing import COMMANDS, Message, Origin

__all__ = ["LONG_AGO", "START", "DeadLetter", "Handled", "InMemoryWorker", "NotStorableError"]

D = TypeVar("D", bound=Data)

START = datetime(2026, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class InMemoryWorker(Generic[S]):
    """A worker of one service. All times are aware.

    ``clock="wall"``: it is ``now`` until ``advance`` moves it. ``clock="stream"``: it is the watermark, the
    highest event time so far; timers due by an event's time fire before the event.
    """

    def __init__(
        self,
        handler: Handler[S],
        *,
        clock: Literal["wall", "stream"] = "wall",
        now: datetime | None = None,
        counters: dict[str, int] | None = None,
        loopback: bool = True,
        strict: bool = True,
        observe: Callable[[Plan[S]], None] | None = None,
        secret_key: bytes = b"the secret key of the tests",
    ) -> None:
        """
        ``now``: when it starts; by default ``START``, or for the stream clock long ago.
        ``counters``: how much is taken of each shared counter; changed in place, so that workers may share.
        ``loopback``: its commands to the service itself are handled next, as Kafka brings them back.
        ``strict``: a bug in the domain raises, and so does what the real store could not keep
        (``NotStorableError``). Without it a bug is a dead letter ``unhandled``, as in production.
        ``observe``: called with each plan that is written.
        """
        self._handler = handler
        self._stream = clock == "stream"
        self._planner = Planner(self._watched(handler), secret_key, stream=self._stream)
        self.store: InMemoryStore[S] = InMemoryStore(handler, counters)
        self._now = now or (LONG_AGO if self._stream else START)
        self._log = Log(self._now if self._stream else LONG_AGO)
        self._loopback, self._strict, self._observe = loopback, strict, observe
        self._own_source = f"/rapport/{handler.service}"
        self._told = 0
        self._raised: dict[str, Exception] = {}
        """What the domain raised in the plan in the making, by uid."""
        self._counters: set[str] = set()
        """The names of those that the domain has asked for: they are read for each plan."""
        self._published = Published()
        self._returning: deque[Event] = deque()

    # --- what happens

    @property
    def now(self) -> datetime:
        """The wall clock, or the watermark."""
        return self._now

    def tell(self, subject: str, data: Data, *, at: datetime | None = None, id: str | None = None) -> Handled:
        """Send an event about a customer that happens ``at`` (default: now), with the source ``/test`` and an
        id of its own unless one is given."""
        self._told += 1
        return self.send(Event(id or f"e-{self._told}", "/test", subject, at or self._now, data))

    def send(self, event: Event, *, origin: Origin | None = None) -> Handled:
        """Handle one event. ``origin`` is where it stands in the log; by default it is the next one of its
        topic, so that the same event sent again is a duplicate. With its first ``origin`` it is a
        redelivery."""
        return self.send_batch([event], origins=[origin])[0]

    def send_batch(
        self, events: Sequence[Event], *, origins: Sequence[Origin | None] | None = None
    ) -> list[Handled]:
        """Handle several, in this order, as one batch: one plan, one transaction."""
        messages = {
            n: self._read(event, origins[n] if origins else None)
            for n, event in enumerate(events)
            if self._uses(event)
        }
        horizon = max(self._log.reached, self._now) if self._stream else self._now
        plan = self._run([*messages.values()], self.store.due(horizon), self._now, horizon)
        found = results(messages.values(), plan, self.store.outcomes, self._raised)
        handled = [next(found) if n in messages else Handled(e, "skipped") for n, e in enumerate(events)]
        self._settle(horizon)
        return handled

    def advance(self, to: datetime | timedelta) -> None:
        """Let time pass, until then or for so long: the timers due by then fire, each at its own time."""
        until = self._now + to if isinstance(to, timedelta) else to
        while (timer := self.store.next_timer()) is not None and timer.due_at <= until:
            at = max(self._now, timer.due_at)
            self._run([], self.store.due(timer.due_at), at, timer.due_at)
            self._settle(at)
        self._settle(max(self._now, until))

    def away(self, until: datetime) -> None:
        """The worker is down until then: time passes and no timer fires; what fell due does so afterwards."""
        self._now = max(self._now, until)

    def restart(self, handler: Handler[S]) -> None:
        """The service goes on with other policies."""
        self._handler = handler

    # --- what came of it

    def state(self, id: str) -> S:
        """A customer's state, or another (``Event.state_id``); the initial one of what was never seen."""
        return self.store.stored[id].state

    @property
    def states(self) -> dict[str, S]:
        """The states by customer, of those that have one."""
        return {subject: stored.state for subject, stored in self.store.stored.items()}

    def rows(self, collection: str) -> list[dict[str, Any]]:
        """The documents of a collection. What is added up (``Increment``) has ``key`` and the fields."""
        return self.store.documents(collection)

    def timers(self, subject: str | None = None) -> list[Timer]:
        """The timers set, the earliest first; of all customers, or of one."""
        mine = (t for t in self.store.timers.values() if subject in (None, t.subject))
        return sorted(mine, key=lambda timer: (timer.due_at, timer.key))

    @property
    def counters(self) -> dict[str, int]:
        """How much of each shared counter is taken. A test may change it: what other workers took."""
        return self.store.used

    @property
    def emitted(self) -> Sequence[Event]:
        """All events emitted so far, in order, as their readers see them."""
        return self._published.events

    @property
    def dead_letters(self) -> list[DeadLetter]:
        """All so far, in order."""
        return self._published.dead_letters

    def facts(self, kind: type[D]) -> list[D]:
        """The data of the events of one type emitted so far."""
        return [event.data for event in self.emitted if isinstance(event.data, kind)]

    # --- within

    def _watched(self, handler: Handler[S]) -> Handler[S]:
        kinds = {name: replace(kind, apply=self._apply) for name, kind in handler.kinds.items()}
        return replace(handler, apply=self._apply, kinds=kinds)

    def _apply(self, state: Any, event: Event, context: Context) -> Effects[Any]:
        try:
            return self._handler.of(event.state_id).apply(state, event, context)
        except Exception as error:  # kept for the test to see, and passed on
            self._raised[event.uid] = error
            raise

    def _read(self, event: Event, origin: Origin | None) -> Message:
        """As the record loop reads it: a relay is the event within, where the relay stands."""
        message = self._log.read(event, origin)
        if not isinstance(event.data, Relay):
            return message
        return structs.replace(message, event=opened(event))

    def _uses(self, event: Event) -> bool:
        if not isinstance(event.data, self._handler.consumes):
            return False
        return event.source != self._own_source or event.data.topic == COMMANDS

    def _run(
        self, messages: Sequence[Message], due: Sequence[Timer], now: datetime, horizon: datetime
    ) -> Plan[S]:
        """Plan, and write the plan; what it sends to the service itself is for ``_settle``."""
        plan = self._plan(messages, due, now, horizon)
        for tombstone in plan.tombstones.values():
            tombstone.until = max(tombstone.origin.offset, self._log.offsets.get(tombstone.origin.topic, -1))
        self.store.keep(plan, strict=self._strict)
        commands = self._published.add(plan)
        if self._loopback:
            self._returning += map(event_of, commands)
        if self._observe is not None:
            self._observe(plan)
        return plan

    def _plan(
        self, messages: Sequence[Message], due: Sequence[Timer], now: datetime, horizon: datetime
    ) -> Plan[S]:
        counters: dict[str, int | None] = {name: self.store.used.get(name) for name in self._counters}
        while True:
            self._raised.clear()
            plan = self._planner.plan(
                messages,
                due,
                self.store.stored,
                now=now,
                horizon=horizon,
                seen=self.store.seen,
                counters=counters,
                gone={*self.store.gone.values()},
            )
            unread = plan.counters.unread
            if not unread:
                break
            self._counters |= unread
            counters |= {name: self.store.used.get(name) for name in unread}
        for rejected in plan.rejected if self._strict else ():
            if rejected.refusal.code == BUG:
                bug = self._raised.get(rejected.message.event.uid)
                raise bug or AssertionError(f"{rejected.message.event.uid}: {rejected.refusal.detail}")
        return plan

    def _settle(self, now: datetime) -> None:
        """It is ``now``; what came back of the worker's own commands is handled."""
        self._now = now
        if self._stream:
            self._log.reached = max(self._log.reached, now)
        while self._returning:
            self.send(self._returning.popleft())
