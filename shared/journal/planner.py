"""A batch's plan: what its events and timers do to state, journal, timers and topics. Pure.

Records and timers of a partition merge by time, a timer first at equal times, those that the batch
itself creates too: so the result does not depend on where the batches were cut.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Generic

from shared.domain import (
    Append,
    CancelTimer,
    Context,
    Effects,
    Handler,
    Increment,
    Put,
    Refused,
    Reject,
    S,
    SetTimer,
)
from shared.journal.counters import Counters
from shared.journal.derived import Derived
from shared.journal.plan import Buried, Entry, Held, Plan, Rejected, Timer
from shared.kafka.publisher import Record
from shared.schemas.event import Event
from shared.schemas.timer import TimerFired
from shared.worker.dead_letters import letter_of, written_anew
from shared.worker.processing import COMMANDS, TIMER_TOPIC, Origin, Work


@dataclass(slots=True)
class _Course(Generic[S]):
    """A plan in the making."""

    plan: Plan[S]
    held: Mapping[str, Held[S]]
    clock: datetime
    horizon: datetime
    failed_at: datetime
    seen: Callable[[Work], bool]
    current: dict[str, Timer]
    heap: list[tuple[datetime, str]]
    """``due_at`` and key of timers that may fire in this plan; ``current`` has those that still hold."""
    entries: dict[str, Entry] = field(default_factory=dict)
    """By uid, in the order they were made."""
    fired: set[str] = field(default_factory=set)


class Planner(Generic[S]):
    """Plans batches for one handler."""

    def __init__(self, handler: Handler[S], secret_key: bytes, *, stream: bool) -> None:
        self._handler = handler
        self._stream = stream
        self._source = f"/rapport/{handler.service}"
        self._derived = Derived(self._source, secret_key)

    def plan(
        self,
        works: Sequence[Work],
        due: Sequence[Timer],
        held: Mapping[str, Held[S]],
        *,
        now: datetime,
        horizon: datetime,
        seen: Callable[[Work], bool] = lambda work: False,
        counters: Mapping[str, int | None] | None = None,
        failed_at: datetime | None = None,
    ) -> Plan[S]:
        """Apply ``works`` (in order) and the ``due`` timers, and those set meanwhile that are due by
        ``horizon``.

        ``seen(work)`` tells of events handled before the plan: they, and a uid's second event in the plan,
        have no effect; nor has a timer's firing that was seen, set again for the same instant.
        ``counters`` are shared counters as just read, None for one without a document; when the result's
        ``counters.unread`` names others, read those and plan again. ``failed_at`` (``now`` unless given)
        is the wall clock for dead letters.
        """
        heap = [(t.due_at, t.key) for t in due]
        heapq.heapify(heap)
        plan: Plan[S] = Plan(counters=Counters(counters or {}))
        current = {t.key: t for t in due}
        course = _Course(plan, held, now, horizon, failed_at or now, seen, current, heap)
        for work in works:
            self._fire_until(course, work.at)
            if self._stream:
                course.clock = max(course.clock, work.at)
            uid = work.event.uid
            if uid in course.entries or (seen(work) and uid not in plan.forgotten):
                plan.repeated.append(work)
            else:
                self._apply(course, work)
        self._fire_until(course, horizon)
        plan.entries = list(course.entries.values())
        plan.increments = _without_zeros(plan.increments)
        return plan

    def _fire_until(self, course: _Course[S], limit: datetime) -> None:
        while course.heap and course.heap[0][0] <= limit:
            due_at, key = heapq.heappop(course.heap)
            timer = course.current.get(key)
            if timer is None or timer.due_at != due_at:
                continue  # moved or cancelled by an earlier event of this batch
            del course.current[key]
            course.plan.timers[key] = None
            work = self.fire(timer)
            uid = work.event.uid
            if uid in course.fired or course.seen(work):
                continue
            course.fired.add(uid)
            if self._stream:
                course.clock = max(course.clock, due_at)
            self._apply(course, work)

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

    def _apply(self, course: _Course[S], work: Work) -> None:
        plan, event = course.plan, work.event
        before = plan.states.get(event.subject)
        if before is None:
            before = course.held[event.subject].state
        is_command = work.origin.topic == COMMANDS
        try:
            effects = self._handler.apply(before, event, self._context(course, work))
            emitted = self._derived.records(event, effects.emits)
            letters = tuple(self._letter(reject, course.failed_at) for reject in effects.rejects)
            plan.counters.take(effects.takes)
        except Refused as refusal:
            self._refuse(course, work, refusal, is_command)
            return
        except Exception as bug:  # a poison event stops nothing: it goes aside with its reason
            detail = f"{type(bug).__name__}: {bug}"
            self._refuse(course, work, Refused("unhandled", detail, status=500), False)
            return
        if effects.state is not before:
            plan.states[event.subject] = effects.state
        _keep_rows(plan, effects)
        _keep_timers(course, event.subject, effects.timers)
        emitted = (*_withdraw(course, effects.rejects), *emitted, *letters)
        outcome = effects.outcome if is_command else None
        status, body = (outcome.status, outcome.body) if outcome else (None, None)
        _enter(course, Entry(event, work.origin, status, body, emitted))

    @staticmethod
    def _refuse(course: _Course[S], work: Work, refusal: Refused, is_command: bool) -> None:
        if not is_command:
            course.plan.rejected.append(Rejected(work, refusal.code, refusal.detail))
            return
        body = {"code": refusal.code, "detail": refusal.detail, "field": refusal.field}
        _enter(course, Entry(work.event, work.origin, refusal.status, body, ()))

    def _context(self, course: _Course[S], work: Work) -> Context:
        return Context(
            course.clock,
            partial(self._derived.new_id, work.event),
            partial(self._derived.secret, work.event),
            course.plan.counters.used,
            work.origin.text,
        )

    def _letter(self, reject: Reject, failed_at: datetime) -> Record:
        """The dead letter of an event accepted earlier. It is counted when it is published: a batch may
        be planned more than once."""
        origin, record = written_anew(reject.event, Origin.parse(reject.origin))
        return letter_of(
            self._handler.service,
            origin,
            record,
            code=reject.code,
            detail=reject.detail,
            failed_at=failed_at,
        )


def _keep_rows(plan: Plan[S], effects: Effects[S]) -> None:
    for row in effects.rows:
        match row:
            case Append():
                plan.appends.setdefault(row.collection, []).append(row.document)
            case Put():
                plan.puts.setdefault(row.collection, {})[row.document["_id"]] = row.document
            case Increment():
                sums = plan.increments.setdefault((row.collection, row.key), {})
                for name, amount in row.fields.items():
                    sums[name] = sums.get(name, 0) + amount


def _keep_timers(course: _Course[S], subject: str, changes: Sequence[SetTimer | CancelTimer]) -> None:
    for change in changes:
        key = f"{subject}|{change.name}"
        course.current.pop(key, None)
        course.plan.timers[key] = None
        if isinstance(change, SetTimer):
            timer = Timer(subject, change.name, whole_milliseconds(change.due_at), change.payload)
            course.plan.timers[key] = timer
            if timer.due_at <= course.horizon:
                course.current[key] = timer
                heapq.heappush(course.heap, (timer.due_at, key))


def _enter(course: _Course[S], entry: Entry) -> None:
    course.entries[entry.event.uid] = entry
    course.plan.buried.pop(entry.event.uid, None)


def _withdraw(course: _Course[S], rejects: Sequence[Reject]) -> list[Record]:
    """Take back that these were handled. What they emitted in this plan is still to be published, so it
    is returned for the entry that now stands for them."""
    plan = course.plan
    emitted: list[Record] = []
    for reject in rejects:
        uid = reject.event.uid
        entry = course.entries.pop(uid, None)
        if entry is not None:
            emitted += entry.emitted
        elif uid not in plan.buried:
            plan.forgotten.add(uid)
        plan.withdrawn.append(reject)
        origin = Origin.parse(reject.origin)
        plan.buried[uid] = Buried(reject.event, origin, origin.offset)
    return emitted


def _without_zeros(
    increments: Mapping[tuple[str, str], Mapping[str, int]],
) -> dict[tuple[str, str], dict[str, int]]:
    left = {where: {n: amount for n, amount in sums.items() if amount} for where, sums in increments.items()}
    return {where: sums for where, sums in left.items() if sums}


def whole_milliseconds(time: datetime) -> datetime:
    """The time, or the next whole millisecond: BSON keeps no more, and a timer must not fire early."""
    return time + timedelta(microseconds=-time.microsecond % 1000)
