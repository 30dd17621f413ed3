"""What the transactions of a run must have come to, one by one in the order of their commits.

Where what comes in depends on when the workers did something (reports of mails), or where a customer's
events move to another partition, no run without trouble has the same log in the same order. So the log is
read in the order in which the journal has it: each transaction is planned again, from the states that those
before it left.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from math import gcd
from typing import Any

from shared.domain import Handler, Kind
from shared.journal.documents import Journalled, journalled
from shared.journal.erasing import ERASING
from shared.journal.plan import Timer
from shared.journal.planner import Planner
from shared.journal.testing import LONG_AGO
from shared.journal.testing_results import DeadLetter, Published
from shared.journal.testing_store import InMemoryStore
from shared.kafka.clients import KafkaRecord, TopicPartition
from shared.kafka.keys import partition_of
from shared.schemas.codec import decode, open_envelope
from shared.schemas.event import Event
from shared.schemas.topics import DEAD_LETTER_SUFFIX
from shared.worker.processing import TIMER_TOPIC, Message, Origin
from tests.simulation.documents import Document, thaw
from tests.simulation.erasing import LIFTS, Forgetting
from tests.simulation.logs import END
from tests.simulation.server import Place, Server


class Replay:
    """Plans the commits of one service's database again."""

    def __init__(
        self,
        handler: Handler[Any],
        secret: bytes,
        records: Mapping[TopicPartition, Sequence[KafkaRecord]],
        events: Mapping[str, Sequence[Origin]],
        rows: Collection[str],
    ) -> None:
        """``events``: where the service's events stand in the log, by uid; ``rows``: what is compared."""
        self.store: InMemoryStore[Any] = InMemoryStore(handler)
        self.forgetting = Forgetting(self.store, handler, rows)
        self._chores: set[str] = set()
        """Of those in the run's own store."""
        self.published = Published()
        self.problems: list[str] = []
        self._handler, self._planner = handler, Planner(handler, secret, stream=True)
        self._database = f"rapport_{handler.service}"
        self._records = {Origin(r.topic, r.partition, r.offset): r for log in records.values() for r in log}
        self._events = events
        self._good = {origin for origins in events.values() for origin in origins}
        self._lifted: set[str] = set()
        """Customers whose erasure was."""
        self._handled: set[Origin] = set()
        self._highest: dict[TopicPartition, int] = {}
        """The highest offset handled."""
        self._told: dict[str, Journalled] = {}
        """What the run's own journal had, by uid."""
        self._watermarks: dict[int, datetime] = {}
        self._counts: dict[int, set[int]] = {}
        """Numbers of partitions under which each was taken over."""
        self._before_growth: dict[int, dict[int, datetime]] = {}
        """The watermarks when topics had grown to a number."""

    @property
    def states(self) -> dict[str, Any]:
        return {subject: stored.state for subject, stored in self.store.stored.items()}

    @property
    def dead_letters(self) -> list[DeadLetter]:
        return self.published.dead_letters

    def run(self, server: Server) -> None:
        for writes in server.commits:
            if self._is_erasers(writes):
                continue
            for partition in self._documents(writes, "partitions"):
                self._commit(partition, self._documents(writes, "journal"))
        self.forgetting.end()
        late = [timer for timer in self.store.timers.values() if timer.due_at <= END]
        self.problems += [f"{_name(timer)} has never fired" for timer in late]

    def _is_erasers(self, writes: Mapping[Place, bytes | None]) -> bool:
        """Whether it is about those who were erased before it: what it removes is what ``Forgetting`` does,
        at whatever time."""
        mine = {id: raw for (name, id), raw in writes.items() if name == (self._database, ERASING.name)}
        old = self._chores & mine.keys()
        self._chores = self._chores - mine.keys() | {id for id, raw in mine.items() if raw is not None}
        return bool(old)

    def _documents(self, writes: Mapping[Place, bytes | None], collection: str) -> list[Document]:
        wanted = (self._database, collection)
        return [thaw(raw) for (name, _), raw in writes.items() if name == wanted and raw is not None]

    def _commit(self, partition: Document, journal: Sequence[Document]) -> None:
        number, stored = partition["_id"], partition.get("watermark", LONG_AGO)
        before = max(self._watermarks.get(number, LONG_AGO), self._inherited(number, partition["counts"]))
        self._watermarks[number] = stored
        named = {d["_id"]: d for d in journal}
        at, messages = before, []
        reached = dict(self._highest)
        for origin in self._read(journal):
            event = self._event(origin)
            self.forgetting.before(event)
            if isinstance(event.data, LIFTS):
                self._lifted.add(event.subject)
            at = max([at, event.time, *self._passed_over(origin, reached)])
            messages.append(Message(number, at, event, origin))
        fired = [(due_at, key) for key, due_at in map(_timer, named) if due_at is not None]
        horizon, last_key = self._limit(fired, stored, moves=bool(messages) or stored > before)
        count = partition["counts"][-1]
        mine = [t for t in self.store.timers.values() if partition_of(t.subject.encode(), count) == number]
        due = [t for t in mine if (t.due_at, t.key) <= (horizon, last_key)]
        plan = self._planner.plan(
            messages,
            due,
            self.store.stored,
            now=before,
            horizon=horizon,
            last_key=last_key,
            seen=self.store.seen,
            counters=dict(self.store.used),
            gone=self._gone(messages, named),
        )
        entered = {e.event.uid for e in plan.entries} | plan.tombstones.keys()
        # Told again in this very transaction, after its customer was erased, it is not journalled at all.
        free = {uid for uid, one in plan.tombstones.items() if one.event.state_id in plan.erased}
        if wrong := sorted((entered ^ named.keys()) - free):
            self.problems.append(f"a transaction of partition {number} should have, or not have: {wrong}")
        for entry in plan.entries:  # only now: an earlier one may have erased whom it is about
            if (entry.erased is None) == ("erased" in named.get(entry.event.uid, ())):
                self.problems.append(f"{entry.event.uid} is, or is not, about somebody erased")
        self.store.keep(plan, number, strict=False)
        self.published.add(plan)

    def _gone(self, messages: Sequence[Message], named: Mapping[str, Document]) -> set[str]:
        """The hashes of those who are erased, as far as the run's own transaction could know: another one
        may have erased somebody while it was under way."""
        gone = dict(self.store.gone)
        for message in messages:
            event = message.event
            decides = self._handler.of(event.state_id)
            judges = isinstance(decides, Kind) and isinstance(event.data, decides.judges)
            if not judges and "erased" not in named.get(event.uid, ()):
                for id in {*event.data.others()} & gone.keys():
                    del gone[id]
        return {*gone.values()}

    @staticmethod
    def _limit(
        fired: Sequence[tuple[datetime, str]], stored: datetime, *, moves: bool
    ) -> tuple[datetime, str]:
        """Up to when, and in that instant up to which key, timers fire in a transaction: all that are due by
        then, in their order. ``stored`` is the watermark that it left; ``moves``: it brought it there.

        A partition that a growth has made, or given others' keys, begins at a watermark that their timers are
        behind. Steps of those alone go as far as the last of them; ``run`` sees to it that none is left.
        """
        if moves:
            return stored, max((key for due_at, key in fired if due_at == stored), default="")
        return max(fired, default=(LONG_AGO, ""))

    def _read(self, journal: Sequence[Document]) -> list[Origin]:
        """Where the records stand that were handled, in their order."""
        origins: list[Origin] = []
        moved: list[Origin] = []
        for d in journal:
            origin = Origin(d["topic"], d["partition"], d["offset"])
            known = self.store.journal.get(d["_id"])
            if d["topic"] == TIMER_TOPIC or (known is not None and known.origin == origin):
                continue  # the latter is a tombstone in its place: another event takes it back
            # One that takes itself back has its dead letter with it, a tombstone what others emitted.
            own = d.get("retracted_until") is not None and "refusal" not in d
            (moved if own and origin not in _letters(d) else origins).append(origin)
        moved += self._replaced(journal, {*origins, *moved})
        moved += self._unnamed(journal, {*origins, *moved})
        for origin in sorted(moved, key=lambda o: o.offset):
            origins.insert(self._place(origins, origin), origin)
        self._handled.update(origins)
        for origin in origins:
            at = origin.topic, origin.partition
            self._highest[at] = max(origin.offset, self._highest.get(at, -1))
        self._told |= {d["_id"]: journalled(d) for d in journal}
        return origins

    def _passed_over(self, origin: Origin, reached: dict[TopicPartition, int]) -> list[datetime]:
        """The times of events before this one that no journal has: of those who were erased. The clock was
        there. ``reached`` is the highest offset by then, and is moved on."""
        at = origin.topic, origin.partition
        before = [Origin(*at, offset) for offset in range(reached.get(at, -1) + 1, origin.offset)]
        reached[at] = max(origin.offset, reached.get(at, -1))
        return [self._event(one).time for one in before if one in self._good]

    def _replaced(self, journal: Sequence[Document], named: Collection[Origin]) -> list[Origin]:
        """Records that were handled, and refused or taken back, before another one of their ids came in the
        same step and stands in the journal for both: their dead letters tell where they were."""
        told = dict.fromkeys(origin for d in journal for origin in _letters(d))
        return [o for o in told if o not in named and o not in self._handled and o in self._records]

    def _unnamed(self, journal: Sequence[Document], named: Collection[Origin]) -> list[Origin]:
        """Records that were handled, and whose events were taken back without a dead letter, before another
        one of their ids came in the same step and stands in the journal for both. An earlier step that had
        read one would have named it, or have known it."""
        found: list[Origin] = []
        for d in journal:
            at, before = (d["topic"], d["partition"]), self._told.get(d["_id"])
            if before is not None and "retracted_until" not in d:
                continue  # had one come in this step it would be the one that stands
            if d["subject"] in self._lifted:
                continue  # they were told of while they were erased
            for origin in self._events.get(d["_id"], ()):
                beside = (origin.topic, origin.partition) == at
                known = before is not None and before.covers(origin)
                if beside and not known and self._highest.get(at, -1) < origin.offset < d["offset"]:
                    found.append(origin)
        return [origin for origin in found if origin not in named]

    def _place(self, origins: Sequence[Origin], new: Origin) -> int:
        """Where a record was handled. Tombstones are written last: an event of this very step that was taken
        back in it stood where the merge by time puts it."""
        topic = [n for n, o in enumerate(origins) if o.topic == new.topic]
        place = max((n + 1 for n in topic if origins[n].offset < new.offset), default=0)
        end = min((n for n in topic if origins[n].offset > new.offset), default=len(origins))
        mine = self._event(new).time, new.topic
        while place < end and (self._event(origins[place]).time, origins[place].topic) < mine:
            place += 1
        return place

    def _inherited(self, number: int, counts: Sequence[int]) -> datetime:
        """Taken over under another number of partitions, it begins at the latest watermark of those that its
        keys may come from (``shared.journal.epoch``)."""
        known = self._counts.setdefault(number, set())
        latest = LONG_AGO
        for count in set(counts) - known:
            before = self._before_growth.setdefault(count, dict(self._watermarks))
            others = {n for p in before for n in self._counts.get(p, ()) if n < count}
            shares = [p for p in before for n in others if (p - number) % gcd(n, count) == 0]
            latest = max([latest, *(before[p] for p in shares)])
        known.update(counts)
        return latest

    def _event(self, origin: Origin) -> Event:
        record = self._records[origin]
        return decode(open_envelope(record.key, record.value, record.headers), wall_now=END)


def _letters(entry: Document) -> list[Origin]:
    """Where the records stand whose dead letters an entry of the journal emitted."""
    dead = [r for r in entry.get("emitted", ()) if r["topic"].endswith(DEAD_LETTER_SUFFIX)]
    return [Origin.parse(bytes(dict(r["headers"])["rapport-origin"]).decode()) for r in dead]


def _timer(uid: str) -> tuple[str, datetime | None]:
    """Of a firing's uid, the timer's key and when it was due; of another event's, nothing."""
    _, firing, name = uid.partition("/timers ")
    key, _, due_at = name.rpartition(" ")[0].rpartition("|")  # without the subject
    return (key, datetime.fromisoformat(due_at)) if firing else ("", None)


def _name(timer: Timer) -> str:
    return f"the timer {timer.key} of {timer.due_at}"
