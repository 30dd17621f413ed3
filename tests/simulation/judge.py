"""What a run must have come to: that of one worker in memory that reads the same log without any trouble."""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.domain import Handler
from shared.journal.erasing import ERASED_IDS
from shared.journal.later import read_state
from shared.journal.testing import DeadLetter, InMemoryWorker
from shared.journal.testing_results import Published
from shared.journal.testing_store import InMemoryStore
from shared.kafka.clients import KafkaRecord, Record, TopicPartition
from shared.schemas.clock import ClockAdvanced
from shared.worker.intake import Intake
from shared.worker.merge import Queue, Queues, Slot, merge
from shared.worker.processing import Origin
from tests.simulation.documents import freeze, thaw
from tests.simulation.erasing import Completed, Forgetting, completions, is_told_of_erasing
from tests.simulation.server import Server

SECRET = b"k" * 32
Said = tuple[str, bytes | None, bytes | None]
"""Topic, key, value."""


@dataclass(slots=True)
class Result:
    """All that can be seen of a run from outside, timing apart."""

    states: dict[str, str] = field(default_factory=dict)
    journal: dict[str, tuple[str, bool, int | None]] = field(default_factory=dict)
    """Origin, whether it was retracted, the status that a command was answered, by uid."""
    timers: dict[str, Any] = field(default_factory=dict)
    rows: dict[tuple[str, Any], dict[str, Any]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    emitted: set[Said] = field(default_factory=set)
    """What the eraser tells apart."""
    dead_letters: set[tuple[str, str]] = field(default_factory=set)
    """Code and origin."""
    erased: set[str] = field(default_factory=set)
    """What is kept of the ids of those who are."""
    completed: set[Completed] = field(default_factory=set)

    @property
    def origins(self) -> set[str]:
        """Where the journal's entries stood in the log."""
        return {origin for origin, _, _ in self.journal.values()}

    def differences(self, other: "Result") -> list[str]:
        """In words, at most a few of each kind; ``other`` is what it should be."""
        found: list[str] = []
        for name in ("states", "journal", "timers", "rows", "counters"):
            mine, wanted = getattr(self, name), getattr(other, name)
            for key in sorted(mine.keys() | wanted.keys(), key=repr):
                if mine.get(key) != wanted.get(key):
                    found.append(f"{name} {key}: {mine.get(key)} instead of {wanted.get(key)}")
        for name in ("emitted", "dead_letters", "erased", "completed"):
            mine, wanted = getattr(self, name), getattr(other, name)
            found += [f"{name}: {one} is lost" for one in sorted(wanted - mine, key=repr)]
            found += [f"{name}: {one} is one too many" for one in sorted(mine - wanted, key=repr)]
        return found


def in_order(
    intake: Intake,
    logs: Mapping[TopicPartition, Sequence[KafkaRecord]],
    partition: int,
    count: Callable[[KafkaRecord], int],
    topics: Iterable[str],
    *,
    eventless: bool = False,
    first_count: int = sys.maxsize,
) -> list[Slot]:
    """The events of a partition that the service reads, its topics merged by time; ``eventless``: and what
    is no event for it. ``count``: under how many partitions a record is read; ``first_count``: under how
    many the service began. Copies of a later growth it skips: not each would be a duplicate, as the id of an
    event that had no effect stays free."""
    queues: Queues = {
        topic: Queue(lambda record: intake.read(record, count(record), first_count))
        for topic in sorted(topics)
    }
    for topic, queue in queues.items():
        queue.extend(logs.get((topic, partition), ()))
    slots: list[Slot] = []
    while left := sum(map(len, queues.values())):
        slots += merge(queues, left)  # up to where the copies of a growth begin or end
    return [slot for slot in slots if eventless or slot.event is not None]


def expected(
    handler: Handler[Any],
    intake: Intake,
    logs: Mapping[TopicPartition, Sequence[KafkaRecord]],
    partitions: int,
    topics: Iterable[str],
) -> Result:
    """What comes of these logs. Each partition's topics are read in the order of time."""
    result, used = Result(), dict[str, int]()
    for partition in range(partitions):
        worker = InMemoryWorker(
            handler, clock="stream", counters=used, loopback=False, strict=False, secret_key=SECRET
        )
        forgetting = Forgetting(worker.store, handler, [c.name for c in handler.collections])
        for slot in in_order(intake, logs, partition, lambda _: partitions, topics, eventless=True):
            if slot.event is None:
                if slot.record is not None and slot.record.topic.endswith(".dlq"):
                    result.dead_letters.add(_reason(slot.record))
            elif isinstance(slot.event.data, ClockAdvanced):
                worker.advance(slot.event.data.to)
            else:
                forgetting.before(slot.event)
                worker.send(slot.event, origin=Origin(slot.topic, partition, slot.offset))
        forgetting.end()
        add(result, worker, worker._published, partition)
        result.completed |= forgetting.completed
    result.counters = {name: n for name, n in used.items() if n}
    return result


class Kept(Protocol):
    """What a worker in memory has come to."""

    @property
    def store(self) -> InMemoryStore[Any]: ...

    @property
    def states(self) -> dict[str, Any]: ...

    @property
    def dead_letters(self) -> list[DeadLetter]: ...


def add(result: Result, worker: Kept, published: Published, partition: int | None = None) -> None:
    """Add what it has come to. Its sums are those of this ``partition``, or of the one that they name.

    What is promised of a row, and of what a timer carries, is that the store gives back what it would after a
    run without trouble. So they are compared as it gives them back: it has no tuples and no microseconds.
    """
    store = worker.store
    result.states |= {s: state.model_dump_json() for s, state in worker.states.items()}
    for uid, entry in store.journal.items():
        outcome = store.outcomes.get(uid)
        result.journal[uid] = entry.origin.text, entry.retracted, outcome.status if outcome else None
    result.timers |= {key: (t.due_at, thaw(freeze(t.payload))) for key, t in store.timers.items()}
    for collection, rows in store.rows.items():
        result.rows |= {(collection, id): thaw(freeze(row)) for id, row in rows.items()}
    for (collection, key), sums in store.sums.items():
        name = key if partition is None else f"{partition}|{key.partition('|')[2]}"
        row = {field: n for field, n in sums.items() if n}
        if row:
            result.rows[collection, name] = {"_id": name, "key": key.partition("|")[2], **row}
    result.erased |= {*store.gone.values()}
    result.emitted |= {
        (r.topic, r.key, r.value) for r in published._records if not is_told_of_erasing(r.value)
    }
    result.dead_letters |= {(d.code, d.origin.text) for d in worker.dead_letters}


def found(
    server: Server,
    handler: Handler[Any],
    collections: Collection[str],
    logs: Mapping[TopicPartition, Sequence[KafkaRecord]],
    produced: set[Said],
) -> Result:
    """What is in the store, and on the topics besides what was ``produced``."""
    result = Result()
    database = f"rapport_{handler.service}"
    result.states = {
        id: read_state(handler.of(id).state, d["data"]).model_dump_json()
        for d in server.find((database, "state"), {})
        if (id := d["_id"])
    }
    result.journal = {
        d["_id"]: (
            f"{d['topic']}/{d['partition']}/{d['offset']}",
            d.get("retracted_until") is not None,
            d.get("outcome", {}).get("status"),
        )
        for d in server.find((database, "journal"), {})
    }
    result.timers = {d["_id"]: (d["due_at"], d["payload"]) for d in server.find((database, "timers"), {})}
    for collection in collections:
        for row in server.find((database, collection), {}):
            kept = {k: v for k, v in row.items() if not (type(v) is int and v == 0)}
            if kept.keys() - {"_id", "key"}:
                result.rows[collection, row["_id"]] = kept if "key" in row else row
    result.counters = {d["_id"]: d["used"] for d in server.find((database, "counters"), {}) if d["used"]}
    for (topic, _), log in logs.items():
        if topic.endswith(".dlq"):
            result.dead_letters |= {_reason(record) for record in log}
        else:
            emitted = {(r.topic, r.key, r.value) for r in log if not is_told_of_erasing(r.value)}
            result.emitted |= emitted - produced
    result.erased = {d["_id"] for d in server.find((database, ERASED_IDS.name), {})}
    result.completed = completions(database.removeprefix("rapport_"), logs.values(), collections)
    return result


def _reason(record: KafkaRecord | Record) -> tuple[str, str]:
    headers = dict(record.headers)
    return headers["rapport-error"].decode(), headers["rapport-origin"].decode()
