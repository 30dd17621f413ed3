"""The making of a plan: messages and due timers go through a domain in their order. Pure.

Records and timers of a partition merge by time, a timer first at equal times, those that the batch
itself creates too: so the result does not depend on where the batches were cut.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Generic

from shared.domain import ERASED, Context, Handler, Kind, Outcome, RefusedError, Retract, S, Unseen
from shared.facts.erased import entry_mark, erased_hash, erasure_key
from shared.journal.counters import Counters
from shared.journal.course import Course, LiftTooSoonError, whole_milliseconds
from shared.journal.derived import Derived
from shared.journal.plan import Entry, Plan, StoredState, Timer
from shared.journal.refusals import BUG, UNSTORABLE, Refusal, Rejected, dead_letter, said
from shared.kafka.publisher import Record
from shared.merging.relays import erased_with
from shared.runtime.words import words
from shared.schemas.customers import ErasureLifted
from shared.schemas.event import Event, key_of
from shared.schemas.timer import TimerFired
from shared.worker.dead_letters import DETAIL_CHARACTERS, dead_letter_of, written_anew
from shared.worker.processing import COMMANDS, TIMER_TOPIC, Message, Origin

LAST = "\U0010ffff"
"""After every timer's key."""


class Planner(Generic[S]):
    """Plans batches for one handler."""

    def __init__(
        self, handler: Handler[S], secret_key: bytes, *, stream: bool, erased_by: bytes | None = None
    ) -> None:
        """``erased_by``: the key under which erased ids are kept; by default one made of ``secret_key``."""
        self._handler = handler
        self._stream = stream
        self._source = f"/rapport/{handler.service}"
        self._derived = Derived(self._source, secret_key)
        self._erased_by = erased_by or erasure_key(secret_key)

    def hash_of(self, state_id: str) -> str:
        """What is kept of the id once it is erased."""
        return erased_hash(self._erased_by, state_id)

    def mark_of(self, uid: str, state_id: str) -> str:
        """What the journal's entry keeps of whom it is about, once nothing else is to say that."""
        return entry_mark(self._erased_by, uid, state_id)

    def told_of(self, event: Event, state: S) -> tuple[str, ...]:
        """The customers of whom the event tells somebody else, and whose its state is."""
        data = event.data
        others = data.others() if data.tells_of and not data.told_anyway else ()
        decides = self._handler.of(event.state_id)
        owner = decides.owner(state) if isinstance(decides, Kind) and decides.owner is not None else None
        return others if owner is None else (*others, owner)

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
        unstorable: str | None = None,
        gone: Collection[str] = frozenset(),
    ) -> Plan[S]:
        """Apply ``messages`` (in order) and the ``due`` timers, and those set meanwhile that are due by
        ``horizon``; of its own instant only those up to ``last_key``, where that is given: later ones may be
        due that are not among ``due``.

        ``seen(message)`` tells of events handled before the plan: they, and a uid's second event in the plan,
        have no effect; nor has a timer's firing that was seen, set again for the same instant.
        ``counters`` are shared counters as just read, None for one without a document; when the result's
        ``counters.unread`` names others, read those and plan again. ``failed_at`` (``now`` unless given)
        is the wall clock for dead letters. ``unstorable`` is what the store said of the only event there is,
        which is then refused without asking the domain. ``gone``: of those of whom the messages tell others
        (``told_of``), the hashes of the erased.
        """
        plan: Plan[S] = Plan(counters=Counters(counters or {}))
        limit = (horizon, LAST if last_key is None else last_key)
        failed_at = whole_milliseconds(failed_at or now)
        timers = {t.key: t for t in due}
        course = Course(plan, stored, now, limit, failed_at, unstorable, seen, timers, gone=gone)
        for message in messages:
            self._fire_until(course, message.at)
            if self._stream:
                course.clock = max(course.clock, message.at)
            uid = message.event.uid
            entry = course.entries.get(uid)
            if entry is not None and course.knows(uid, message.event.state_id):
                handled = entry.covers(message.origin)
            else:
                handled = seen(message) and uid not in plan.forgotten
            if handled:
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
        subject = key_of(timer.subject)
        of = None if subject == timer.subject else timer.subject
        event = Event(
            id=f"{timer.key}|{due_at.isoformat()}",
            source=f"{self._source}/timers",
            subject=subject,
            time=due_at,
            data=TimerFired(name=timer.name, due_at=due_at, payload=dict(timer.payload), of=of),
        )
        return Message(-1, due_at, event, Origin(TIMER_TOPIC, -1, -1))

    def _apply(self, course: Course[S], message: Message) -> None:
        if course.unstorable is not None:
            self._reject(course, message, UNSTORABLE, course.unstorable)
            return
        plan, event = course.plan, message.event
        state_id = event.state_id
        is_command = event.data.topic == COMMANDS
        if course.is_erased(state_id):
            self._apply_erased(course, message)
            return
        before, decides = course.state(state_id), self._handler.of(state_id)
        gone = self._gone(course, self.told_of(event, before))
        if gone and not isinstance(event.data, decides.judges) and not gone.isdisjoint(event.data.others()):
            self._enter(course, self._untold(message))
            return
        try:
            context = self._context(course, message, gone)
            effects = decides.apply(before, event, context)
            emitted = self._derived.records(event, effects.emits)
            dead_letters = tuple(self._dead_letter(retract, course.failed_at) for retract in effects.retracts)
            plan.counters.take(effects.takes)
        except RefusedError as refusal:
            if is_command:
                self._enter(course, Entry(event, message.origin, refusal.status, said(refusal), ()))
            else:
                self._reject(course, message, refusal.code, refusal.reason)
            return
        except Exception as bug:  # a poison event stops nothing: it goes aside with its reason
            self._reject(course, message, BUG, words(bug))
            return
        if effects.state is not before:
            plan.states[state_id] = effects.state
        course.keep_rows(effects.rows)
        course.keep_timers(state_id, effects.timers)
        if effects.erase:
            course.erase(state_id, self.hash_of(state_id), message)
        taken_back: tuple[Retract | Unseen, ...] = (*effects.retracts, *effects.unseen)
        emitted = (*course.take_back(taken_back, event.uid), *emitted, *dead_letters)
        plan.retracted += effects.retracts
        outcome = effects.outcome if is_command else None
        status, body = (outcome.status, outcome.body) if outcome else (None, None)
        # One that takes itself back is handled, but its id is free for a replay or an event put right.
        own = any(one.event.uid == event.uid for one in taken_back)
        self._enter(course, Entry(event, message.origin, status, body, emitted, taken_back=own))

    def _apply_erased(self, course: Course[S], message: Message) -> None:
        """What is told of somebody who was erased has no effect, but for what the service still does without
        knowing them, and for their return."""
        event, heard = message.event, None
        hash = self.hash_of(event.state_id)
        if isinstance(event.data, ErasureLifted):
            course.lift(event.state_id, hash)
            self._enter(course, Entry(event, message.origin, None, None, ()))
            return
        outcome: Outcome | None = Outcome(ERASED.status, said(ERASED()))
        emits = erased_with(self._handler.service, event)
        emitted: tuple[Record, ...] = ()
        try:
            if self._handler.of_erased is not None:
                heard = self._handler.of_erased(hash, event, self._context(course, message))
            if heard is not None:
                emits, outcome = (*heard.emits, *emits), heard.outcome
                course.keep_rows(heard.rows)
                if heard.lift:
                    course.lift(event.state_id, hash)
            emitted = self._derived.records(event, emits)
        except RefusedError as refusal:
            outcome = Outcome(refusal.status, said(refusal))
        except LiftTooSoonError:
            raise
        except Exception as bug:  # as of any other event
            self._reject(course, message, BUG, words(bug))
            return
        if event.data.topic != COMMANDS:
            outcome = None
            course.plan.nameless.add(event.uid)
        status, body = (outcome.status, outcome.body) if outcome else (None, None)
        mark = self.mark_of(event.uid, event.state_id)
        entry = Entry(event, message.origin, status, body, emitted, erased=mark, skipped=heard is None)
        self._enter(course, entry)

    def _untold(self, message: Message) -> Entry:
        """The entry of what has no effect, as it tells of somebody erased."""
        event, status, body = message.event, None, None
        if event.data.topic == COMMANDS:
            status, body = ERASED.status, said(ERASED())
        mark = self.mark_of(event.uid, event.state_id)
        return Entry(event, message.origin, status, body, (), erased=mark, skipped=True)

    def _gone(self, course: Course[S], others: tuple[str, ...]) -> frozenset[str]:
        """Those of them who are erased by now."""
        if not others:  # as of nearly all events
            return frozenset()
        plan = course.plan
        return frozenset(
            id
            for id in others
            if id in plan.erased or (id not in plan.lifted and self.hash_of(id) in course.gone)
        )

    def _reject(self, course: Course[S], message: Message, code: str, detail: str) -> None:
        """The event is a dead letter, for a replay or a corrected one under its id; its place in the log is
        kept, as it would be judged on another state if it were read again. Whoever waits for a command's
        outcome is told."""
        refusal = Refusal(code, detail[:DETAIL_CHARACTERS], course.failed_at)
        rejected = Rejected(message, refusal)
        status, body = (500, refusal.answer) if rejected.awaited else (None, None)
        # No record brings a timer's firing again.
        fired = message.origin.topic == TIMER_TOPIC
        emitted = (dead_letter(self._handler.service, rejected),) if fired else ()
        self._enter(course, Entry(message.event, message.origin, status, body, emitted, refusal))
        course.plan.rejected.append(rejected)

    def _enter(self, course: Course[S], entry: Entry) -> None:
        """Where one of its id was rejected earlier in the plan, or took itself back, this one stands for it,
        and keeps what is still to be published of it."""
        before = course.entries.pop(entry.event.uid, None)
        if before is not None:
            emitted = before.emitted  # of one that took itself back with its dead letter
            if before.refusal is not None:
                told = [r for r in course.plan.rejected if r.message.event.uid == entry.event.uid]
                emitted = (*emitted, dead_letter(self._handler.service, told[-1]))
            entry = replace(entry, emitted=(*emitted, *entry.emitted))
        course.enter(entry)

    def _context(self, course: Course[S], message: Message, gone: frozenset[str] = frozenset()) -> Context:
        return Context(
            course.clock,
            partial(self._derived.new_id, message.event),
            partial(self._derived.secret, message.event),
            course.plan.counters.used,
            message.origin.text,
            partial(self._derived.event_id, message.event),
            gone,
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
            detail=retract.reason,
            failed_at=failed_at,
            about=retract.event.data.others(),
        )
