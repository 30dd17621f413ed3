"""The making of a plan: messages and due timers go through a domain in their order. Pure.

Records and timers of a partition merge by time, a timer first at equal times, those that the batch
itself creates too: so the result does not depend on where the batches were cut.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Generic

from shared.domain import Context, Handler, RefusedError, Retract, S
from shared.journal.counters import Counters
from shared.journal.course import Course
from shared.journal.derived import Derived
from shared.journal.plan import Entry, Plan, Rejected, StoredState, Timer
from shared.kafka.publisher import Record
from shared.schemas.event import Event
from shared.schemas.timer import TimerFired
from shared.worker.dead_letters import dead_letter_of, written_anew
from shared.worker.processing import COMMANDS, TIMER_TOPIC, Message, Origin

API_SOURCES = "/api/"
"""What the sources of commands begin with that an API sends, and waits for."""
LAST = "\U0010ffff"
"""After every timer's key."""
INTERNAL = {
    "code": "internal",
    "detail": "Something broke here. The request is kept, and may be handled once that is mended.",
    "field": None,
}


class Planner(Generic[S]):
    """Plans batches for one handler."""

    def __init__(self, handler: Handler[S], secret_key: bytes, *, stream: bool) -> None:
        self._handler = handler
        self._stream = stream
        self._source = f"/rapport/{handler.service}"
        self._derived = Derived(self._source, secret_key)

    def plan(
        self,
        messages: Sequence[Message],
        due: Sequence[Timer],
        stored: Mapping[str, StoredState[S]],
        *,
        now: datetime,
        horizon: datetime,
        last_key: str | None = None,
        seen: Callable[[Message], bool] = lambda message: False,
        counters: Mapping[str, int | None] | None = None,
        failed_at: datetime | None = None,
    ) -> Plan[S]:
        """Apply ``messages`` (in order) and the ``due`` timers, and those set meanwhile that are due by
        ``horizon``; of its own instant only those up to ``last_key``, where that is given: later ones may be
        due that are not among ``due``.

        ``seen(message)`` tells of events handled before the plan: they, and a uid's second event in the plan,
        have no effect; nor has a timer's firing that was seen, set again for the same instant.
        ``counters`` are shared counters as just read, None for one without a document; when the result's
        ``counters.unread`` names others, read those and plan again. ``failed_at`` (``now`` unless given)
        is the wall clock for dead letters.
        """
        plan: Plan[S] = Plan(counters=Counters(counters or {}))
        limit = (horizon, LAST if last_key is None else last_key)
        course = Course(plan, stored, now, limit, failed_at or now, seen, {t.key: t for t in due})
        for message in messages:
            self._fire_until(course, message.at)
            if self._stream:
                course.clock = max(course.clock, message.at)
            uid = message.event.uid
            if uid in course.entries or (seen(message) and uid not in plan.forgotten):
                plan.repeated.append(message)
            else:
                self._apply(course, message)
        self._fire_until(course, horizon)
        return course.finish()

    def _fire_until(self, course: Course[S], limit: datetime) -> None:
        while (timer := course.next_timer(limit)) is not None:
            message = self.fire(timer)
            uid = message.event.uid
            if uid in course.fired or course.seen(message):
                continue
            course.fired.add(uid)
            if self._stream:
                course.clock = max(course.clock, timer.due_at)
            self._apply(course, message)

    def fire(self, timer: Timer) -> Message:
        """A timer's firing as an event: the same timer is always the same event."""
        due_at = timer.due_at.astimezone(UTC)
        event = Event(
            id=f"{timer.key}|{due_at.isoformat()}",
            source=f"{self._source}/timers",
            subject=timer.subject,
            time=due_at,
            data=TimerFired(name=timer.name, due_at=due_at, payload=dict(timer.payload)),
        )
        return Message(-1, due_at, event, Origin(TIMER_TOPIC, -1, -1))

    def _apply(self, course: Course[S], message: Message) -> None:
        plan, event = course.plan, message.event
        before = course.state(event.subject)
        is_command = message.origin.topic == COMMANDS
        try:
            effects = self._handler.apply(before, event, self._context(course, message))
            emitted = self._derived.records(event, effects.emits)
            dead_letters = tuple(self._dead_letter(retract, course.failed_at) for retract in effects.retracts)
            plan.counters.take(effects.takes)
        except RefusedError as refusal:
            self._refuse(course, message, refusal, is_command)
            return
        except Exception as bug:  # a poison event stops nothing: it goes aside with its reason
            self._set_aside(
                course, Rejected(message, "unhandled", f"{type(bug).__name__}: {bug}"), is_command
            )
            return
        if effects.state is not before:
            plan.states[event.subject] = effects.state
        course.keep_rows(effects.rows)
        course.keep_timers(event.subject, effects.timers)
        emitted = (*course.retract(effects.retracts), *emitted, *dead_letters)
        outcome = effects.outcome if is_command else None
        status, body = (outcome.status, outcome.body) if outcome else (None, None)
        # One that takes itself back is handled, but its id is free for a replay or an event put right.
        own = any(retract.event.uid == event.uid for retract in effects.retracts)
        until = message.origin.offset if own else None
        course.enter(Entry(event, message.origin, status, body, emitted, until))

    @staticmethod
    def _refuse(course: Course[S], message: Message, refusal: RefusedError, is_command: bool) -> None:
        if not is_command:
            course.plan.rejected.append(Rejected(message, refusal.code, refusal.detail))
            return
        body = {"code": refusal.code, "detail": refusal.detail, "field": refusal.field}
        course.enter(Entry(message.event, message.origin, refusal.status, body, ()))

    def _set_aside(self, course: Course[S], met: Rejected, is_command: bool) -> None:
        """A bug of ours: the event is a dead letter, for a replay once it is mended. Whoever waits for a
        command's outcome is told now; what services ask of each other, nobody waits for."""
        message = met.message
        if not is_command or not message.event.source.startswith(API_SOURCES):
            course.plan.rejected.append(met)
            return
        origin, original = message.origin, message.raw
        if original is None:
            origin, original = written_anew(message.event, origin)
        record = dead_letter_of(
            self._handler.service,
            origin,
            original,
            code=met.code,
            detail=met.detail,
            failed_at=course.failed_at,
        )
        course.plan.bugs.append(met)
        entry = Entry(message.event, message.origin, 500, INTERNAL, (record,), message.origin.offset)
        course.enter(entry)

    def _context(self, course: Course[S], message: Message) -> Context:
        return Context(
            course.clock,
            partial(self._derived.new_id, message.event),
            partial(self._derived.secret, message.event),
            course.plan.counters.used,
            message.origin.text,
        )

    def _dead_letter(self, retract: Retract, failed_at: datetime) -> Record:
        """The dead letter of an event accepted earlier. It is counted when it is published: a batch may
        be planned more than once."""
        origin, record = written_anew(retract.event, Origin.parse(retract.origin))
        return dead_letter_of(
            self._handler.service,
            origin,
            record,
            code=retract.code,
            detail=retract.detail,
            failed_at=failed_at,
        )
