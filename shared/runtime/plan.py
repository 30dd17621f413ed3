"""A batch's plan: what its events and timers do to state, journal, timers and topics. Pure.

Records and timers of a partition merge by time, a timer first at equal times, those that the batch
itself creates too: so the result does not depend on where the batches were cut.
"""

import base64
import hashlib
import heapq
import hmac
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic

from shared.runtime.digest import digest
from shared.runtime.effects import Append, Context, Effects, Emit, Handler, Put, Refused, S, SetTimer
from shared.runtime.processing import Origin, Work
from shared.runtime.publisher import MAX_RECORD_BYTES, Record
from shared.runtime.tracing import child_traceparent
from shared.schemas.codec import encode
from shared.schemas.event import Event
from shared.schemas.timer import TimerFired

COMMANDS = "commands"
TIMER_TOPIC = "timers"
"""Stands in a journal entry for the topic, where a timer was the cause."""


@dataclass(frozen=True, slots=True)
class Timer:
    """A row of the ``timers`` collection."""

    subject: str
    name: str
    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.subject}|{self.name}"


@dataclass(frozen=True, slots=True)
class Held(Generic[S]):
    """A customer's state as the store has it; version 0 is one it has never seen."""

    state: S
    version: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry to be."""

    event: Event
    origin: Origin
    status: int | None
    body: Mapping[str, Any] | None
    emitted: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A fact that the domain cannot apply: a dead letter, not journalled."""

    work: Work
    code: str
    detail: str


@dataclass(slots=True)
class Plan(Generic[S]):
    """All writes of a batch."""

    entries: list[Entry] = field(default_factory=list)
    states: dict[str, S] = field(default_factory=dict)
    """The new states, of changed customers only."""
    timers: dict[str, Timer | None] = field(default_factory=dict)
    """Timer rows by key, None for one to delete."""
    appends: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    puts: dict[str, dict[Any, Mapping[str, Any]]] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)


class Planner(Generic[S]):
    """Plans batches for one handler."""

    def __init__(self, handler: Handler[S], secret_key: bytes, *, stream: bool) -> None:
        self._handler = handler
        self._secret_key = secret_key
        self._stream = stream
        self._source = f"/rapport/{handler.service}"

    def plan(
        self,
        works: Sequence[Work],
        due: Sequence[Timer],
        held: Mapping[str, Held[S]],
        *,
        now: datetime,
        horizon: datetime,
        already_fired: frozenset[str] = frozenset(),
    ) -> Plan[S]:
        """Apply ``works`` (in order, no duplicates) and the ``due`` timers, and those set meanwhile that
        are due by ``horizon``. ``already_fired`` are uids of firings that the journal has: such a timer,
        set again for the same instant, has no second effect."""
        plan: Plan[S] = Plan()
        current = {t.key: t for t in due}
        heap = [(t.due_at, t.key) for t in due]
        heapq.heapify(heap)
        clock = now
        fired = set(already_fired)

        def fire_until(limit: datetime) -> None:
            nonlocal clock
            while heap and heap[0][0] <= limit:
                due_at, key = heapq.heappop(heap)
                timer = current.get(key)
                if timer is None or timer.due_at != due_at:
                    continue  # moved or cancelled by an earlier event of this batch
                del current[key]
                plan.timers[key] = None
                work = self.fire(timer)
                if work.event.uid in fired:
                    continue
                fired.add(work.event.uid)
                if self._stream:
                    clock = max(clock, due_at)
                self._apply(plan, current, heap, held, work, clock, horizon)

        for work in works:
            fire_until(work.at)
            if self._stream:
                clock = max(clock, work.at)
            self._apply(plan, current, heap, held, work, clock, horizon)
        fire_until(horizon)
        return plan

    def fire(self, timer: Timer) -> Work:
        """A timer's firing as an event: the same timer is always the same event."""
        due_at = timer.due_at.astimezone(UTC)
        event = Event(
            id=f"{timer.key}|{due_at.isoformat()}",
            source=f"{self._source}/timers",
            subject=timer.subject,
            time=due_at,
            data=TimerFired(name=timer.name, due_at=due_at, payload=dict(timer.payload)),
        )
        return Work(-1, due_at, event, Origin(TIMER_TOPIC, -1, -1))

    def _apply(
        self,
        plan: Plan[S],
        current: dict[str, Timer],
        heap: list[tuple[datetime, str]],
        held: Mapping[str, Held[S]],
        work: Work,
        clock: datetime,
        horizon: datetime,
    ) -> None:
        event = work.event
        subject = event.subject
        before = plan.states.get(subject)
        if before is None:
            before = held[subject].state
        is_command = work.origin.topic == COMMANDS
        try:
            effects = self._handler.apply(before, event, self._context(event, clock))
            emitted = self._records(event, effects.emits)
        except Refused as refusal:
            self._refuse(plan, work, refusal, is_command)
            return
        except Exception as bug:  # a poison event stops nothing: it goes aside with its reason
            self._refuse(plan, work, Refused("unhandled", f"{type(bug).__name__}: {bug}", status=500), False)
            return
        if effects.state is not before:
            plan.states[subject] = effects.state
        self._keep(plan, effects)
        for change in effects.timers:
            key = f"{subject}|{change.name}"
            current.pop(key, None)
            plan.timers[key] = None
            if isinstance(change, SetTimer):
                timer = Timer(subject, change.name, whole_milliseconds(change.due_at), change.payload)
                plan.timers[key] = timer
                if timer.due_at <= horizon:
                    current[key] = timer
                    heapq.heappush(heap, (timer.due_at, key))
        outcome = effects.outcome if is_command else None
        plan.entries.append(
            Entry(
                event,
                work.origin,
                outcome.status if outcome else None,
                outcome.body if outcome else None,
                emitted,
            )
        )

    @staticmethod
    def _refuse(plan: Plan[S], work: Work, refusal: Refused, is_command: bool) -> None:
        if not is_command:
            plan.rejected.append(Rejected(work, refusal.code, refusal.detail))
            return
        body = {"code": refusal.code, "detail": refusal.detail, "field": refusal.field}
        plan.entries.append(Entry(work.event, work.origin, refusal.status, body, ()))

    @staticmethod
    def _keep(plan: Plan[S], effects: Effects[S]) -> None:
        for row in effects.rows:
            match row:
                case Append():
                    plan.appends.setdefault(row.collection, []).append(row.document)
                case Put():
                    plan.puts.setdefault(row.collection, {})[row.document["_id"]] = row.document

    def _context(self, event: Event, clock: datetime) -> Context:
        uid = event.uid

        def new_id(tag: str) -> str:
            return uuid.uuid5(uuid.NAMESPACE_URL, f"{self._source} {uid} {tag}").hex[:24]

        def secret(tag: str) -> str:
            mac = hmac.new(self._secret_key, f"{self._source} {uid} {tag}".encode(), hashlib.sha256)
            return base64.b32encode(mac.digest())[:16].decode()

        return Context(clock, new_id, secret)

    def _records(self, cause: Event, emits: Sequence[Emit]) -> tuple[Record, ...]:
        if not emits:
            return ()
        trace = child_traceparent(cause.traceparent)
        records = []
        for number, emit in enumerate(emits):
            event = Event(
                id=uuid.uuid5(uuid.NAMESPACE_URL, f"{self._source} {cause.uid} #{number}").hex,
                source=self._source,
                subject=emit.subject or cause.subject,
                time=emit.time,
                data=emit.data,
                traceparent=trace,
            )
            value, headers = encode(event)
            if len(value) > MAX_RECORD_BYTES:
                raise Refused("too_large", f"{emit.data.event_type} would be {len(value)} bytes", status=422)
            records.append(Record(emit.data.topic, event.subject.encode(), value, tuple(headers)))
        return tuple(records)


def whole_milliseconds(time: datetime) -> datetime:
    """The time, or the next whole millisecond: BSON keeps no more, and a timer must not fire early."""
    return time + timedelta(microseconds=-time.microsecond % 1000)


def command_digest(entry: Entry) -> str | None:
    """The digest of a command's body, by which the API tells a retry from another request."""
    if entry.origin.topic != COMMANDS:
        return None
    return digest(entry.event.subject, entry.event.type, entry.event.data.model_dump(mode="json"))
