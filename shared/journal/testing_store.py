"""What a worker has read and written, in memory: the collections of ``store`` without a server.

A write is a transaction: ``InMemoryStore.keep`` first looks at all that the real store would not take, then
writes. Part of the kit (see ``testing``); nothing that runs in production imports it.
"""

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Generic

import bson
from bson.codec_options import CodecOptions

from shared.domain import Handler, Outcome, S
from shared.journal.documents import Journalled
from shared.journal.erasing import Chore
from shared.journal.later import read_state, state_data
from shared.journal.plan import Plan, StoredState, Timer
from shared.schemas.event import Event
from shared.worker.processing import Message, Origin

CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=UTC)
"""How the services read."""


class NotStorableError(AssertionError):
    """The real store would not take this, or would not give it back as it was."""


class Log:
    """What a worker has read of its partition."""

    def __init__(self, reached: datetime) -> None:
        self.reached = reached
        """The highest event time."""
        self.offsets: dict[str, int] = {}
        """The highest offset, by topic."""

    def read(self, event: Event, origin: Origin | None) -> Message:
        """The next record; it stands at ``origin``, or else behind all others of its topic."""
        self.reached = max(self.reached, event.time)
        topic = event.data.topic
        origin = origin or Origin(topic, 0, self.offsets.get(topic, -1) + 1)
        self.offsets[origin.topic] = max(self.offsets.get(origin.topic, -1), origin.offset)
        return Message(0, self.reached, event, origin)


class _States(dict[str, StoredState[S]]):
    """One that was never seen has the initial state, at version 0."""

    def __init__(self, handler: Handler[S], erased: Mapping[str, str]) -> None:
        super().__init__()
        self._handler, self._erased = handler, erased

    def __missing__(self, id: str) -> StoredState[S]:
        return StoredState(self._handler.of(id).initial(id), 0, erased=id in self._erased)


class InMemoryStore(Generic[S]):
    """The state, journal, timers, rows and shared counters of one service."""

    def __init__(self, handler: Handler[S], counters: dict[str, int] | None = None) -> None:
        """``counters`` is used as it is given, so that workers may share it."""
        self._collections = {collection.name for collection in handler.collections}
        self.gone: dict[str, str] = {}
        """The hashes of those that were erased, by id."""
        self.chores: dict[str, Chore] = {}
        """What is still to be removed of them, by hash."""
        self.stored: dict[str, StoredState[S]] = _States(handler, self.gone)
        """By id, of those that were written; indexed by another it gives the initial state."""
        self.journal: dict[str, Journalled] = {}
        """By uid."""
        self.subjects: dict[str, str | None] = {}
        """The states that the journal's entries are about, by uid."""
        self.outcomes: dict[str, Outcome] = {}
        """The answers of the journal's commands, by uid."""
        self.timers: dict[str, Timer] = {}
        """By key."""
        self.rows: dict[str, dict[Any, Mapping[str, Any]]] = {}
        """What was appended and put: by collection, then by ``_id``."""
        self.sums: dict[tuple[str, str], Counter[str]] = {}
        """What was added up, by collection and ``_id`` (``<partition>|<key>``)."""
        self.used: dict[str, int] = {} if counters is None else counters
        """How much of each shared counter is taken."""
        self._heap: list[tuple[datetime, str]] = []

    def seen(self, message: Message) -> bool:
        """Whether the journal has it: a duplicate or a redelivery."""
        entry = self.journal.get(message.event.uid)
        return entry is not None and entry.covers(message.origin)

    def due(self, horizon: datetime) -> list[Timer]:
        """The timers due by ``horizon``, the earliest first."""
        found = []
        while (timer := self.next_timer()) is not None and timer.due_at <= horizon:
            heapq.heappop(self._heap)
            found.append(timer)
        for timer in found:  # they go only when a plan that fires them is written
            heapq.heappush(self._heap, (timer.due_at, timer.key))
        return found

    def next_timer(self) -> Timer | None:
        """The one that is due first."""
        while self._heap:
            due_at, key = self._heap[0]
            timer = self.timers.get(key)
            if timer is not None and timer.due_at == due_at:
                return timer
            heapq.heappop(self._heap)  # moved, cancelled or fired since
        return None

    def keep(self, plan: Plan[S], partition: int = 0, *, strict: bool = True) -> None:
        """Write all of the plan. Raises ``NotStorableError``, and has then written nothing.

        ``strict``: states go to each of their forms and back, rows and what timers carry to BSON and back, as
        they do in the real store (a tuple is a list then, a time has milliseconds), and rows into collections
        that the handler declares, where it declares any; without it they are kept as they are, which is
        faster.
        """
        for collection, documents in plan.appends.items():
            kept, ids = self.rows.get(collection, {}), [d["_id"] for d in documents]
            if len(set(ids)) < len(ids) or any(id in kept for id in ids):
                raise NotStorableError(f"{collection} has a document of that _id already, among {ids}")
        appends, puts, timers = plan.appends, plan.puts, plan.timers
        if strict:
            _check_states(plan)
            appends = {where: [_stored(d) for d in documents] for where, documents in appends.items()}
            puts = {where: {id: _stored(d) for id, d in changed.items()} for where, changed in puts.items()}
            timers = {k: t and replace(t, payload=_stored(t.payload)) for k, t in timers.items()}
            named = {*plan.appends, *plan.puts, *(collection for collection, _ in plan.increments)}
            if self._collections and not named <= self._collections:
                raise NotStorableError(f"The handler's collections lack {sorted(named - self._collections)}")
        self._write_journal(plan)
        for id, state in plan.states.items():
            self.stored[id] = StoredState(state, self.stored[id].version + 1)
        self._write_timers(timers, plan.fired)
        self._erase(plan)
        for collection, documents in appends.items():
            self.rows.setdefault(collection, {}).update((d["_id"], d) for d in documents)
        for collection, changed in puts.items():
            self.rows.setdefault(collection, {}).update(changed)
        for (collection, key), added in plan.increments.items():
            self.sums.setdefault((collection, f"{partition}|{key}"), Counter()).update(added)
        for name, counter in plan.counters.asked.items():
            if counter.taken:
                self.used[name] = self.used.get(name, 0) + counter.taken

    def documents(self, collection: str) -> list[dict[str, Any]]:
        """All of a collection as the real store has them, in the order in which they were first written."""
        found = [dict(document) for document in self.rows.get(collection, {}).values()]
        for (where, id), sums in self.sums.items():
            if where == collection:
                found.append({"_id": id, "key": id.partition("|")[2], **sums})
        return found

    def _write_journal(self, plan: Plan[S]) -> None:
        for uid in plan.forgotten:
            self.journal.pop(uid, None)
            self.outcomes.pop(uid, None)
            self.subjects.pop(uid, None)
        for entry in plan.entries:
            uid = entry.event.uid
            if uid in plan.nameless:
                continue
            self.subjects[uid] = None if entry.erased else entry.event.state_id
            self.journal[uid] = Journalled(entry.origin, entry.emitted, entry.until, entry.refusal)
            if entry.status is not None:
                self.outcomes[uid] = Outcome(entry.status, entry.body or {})
        for uid, tombstone in plan.tombstones.items():
            self.journal[uid] = Journalled(tombstone.origin, tombstone.emitted, tombstone.until)
            self.subjects[uid] = tombstone.event.state_id

    def _erase(self, plan: Plan[S]) -> None:
        for id in plan.lifted:
            del self.gone[id]
        self.gone |= {id: chore.hash for id, chore in plan.erased.items()}
        self.chores |= {chore.hash: chore for chore in plan.erased.values()}
        for id in plan.erased:
            self.stored.pop(id, None)
        for key in [key for key, timer in self.timers.items() if timer.subject in plan.erased]:
            del self.timers[key]

    def _write_timers(self, timers: Mapping[str, Timer | None], fired: Mapping[str, datetime]) -> None:
        for key, timer in timers.items():
            if timer is None:
                row = self.timers.get(key)
                if row is not None and fired.get(key) in (None, row.due_at):
                    del self.timers[key]
            else:
                self.timers[key] = timer
                heapq.heappush(self._heap, (timer.due_at, key))


def _check_states(plan: Plan[S]) -> None:
    for subject, state in plan.states.items():
        for compact in (False, True):
            back = read_state(type(state), state_data(state, compact=compact))
            if back != state:
                raise NotStorableError(
                    f"The state of {subject} comes back from the store as {back!r}, not {state!r}"
                )


def _stored(document: Mapping[str, Any]) -> dict[str, Any]:
    """As the real store gives it back."""
    try:
        return bson.decode(bson.encode(document), CODEC)
    except (bson.errors.BSONError, OverflowError) as error:
        raise NotStorableError(f"MongoDB cannot keep {document!r}: {error}") from error
