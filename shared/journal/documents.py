"""A plan as MongoDB documents and writes, and journal documents read back. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateOne

from shared.domain import S
from shared.journal.counters import Counter
from shared.journal.erasing import ERASED_IDS, ERASING, nameless, timers_of
from shared.journal.later import size_of, state_data
from shared.journal.plan import (
    Entry,
    Plan,
    StoredState,
    Timer,
    Tombstone,
    beside,
    command_digest,
    is_covered,
)
from shared.journal.refusals import Refusal
from shared.kafka.keys import key_hash
from shared.kafka.publisher import Record
from shared.runtime.mongo import Document
from shared.schemas.event import Event, key_of
from shared.worker.processing import Origin

Change: TypeAlias = InsertOne[Document] | UpdateOne | ReplaceOne[Document] | DeleteOne | DeleteMany


@dataclass(slots=True)
class Writes:
    """What one transaction writes."""

    partition: Document
    """The change of the partition's document, which its epoch guards: which attempt this is, what is to be
    published of timers' entries, and the watermark. Written first."""
    journal: list[Document]
    states: list[Change]
    inserts: dict[str, list[Document]] = field(default_factory=dict)
    changes: dict[str, list[Change]] = field(default_factory=dict)
    forgotten: list[DeleteOne] = field(default_factory=list)
    """Journal entries that go before the new ones are inserted."""
    counters: list[Change] = field(default_factory=list)
    """One per shared counter. Each must find, or make, its document, else the plan does not hold."""


@dataclass(frozen=True, slots=True)
class Journalled:
    """What the journal says of an event handled before."""

    origin: Origin
    emitted: tuple[Record, ...]
    until: int | None = None
    """Set for one that was refused, or retracted later: where its record was, those up to this offset are
    known."""
    refusal: Refusal | None = None
    """Why its record became a dead letter, if it did at once."""

    @property
    def retracted(self) -> bool:
        return self.until is not None

    def covers(self, origin: Origin) -> bool:
        """Whether an event of this id that stands there is to have no effect (again)."""
        return is_covered(origin, self.origin, self.until)

    def published_by(self, origin: Origin) -> bool:
        """Whether its own record was read by the time that one there is: else it may yet come again, and
        what it emitted with it."""
        return beside(origin, self.origin) and self.origin.offset <= origin.offset


def writes_of(
    plan: Plan[S],
    stored: Mapping[str, StoredState[S]],
    *,
    partition: int,
    attempt: int,
    watermark: datetime | None,
    compact: bool = False,
) -> Writes:
    """The plan's writes. How large the new states are goes into ``plan.sizes``. ``compact``: states may be
    written in that form."""
    entries = plan.entries
    if plan.nameless:
        entries = [entry for entry in entries if entry.event.uid not in plan.nameless]
    states = {id: state_data(state, compact=compact) for id, state in plan.states.items()}
    plan.sizes = {id: size_of(data) for id, data in states.items()}
    writes = Writes(
        partition=_partition(attempt, plan.outbox, watermark),
        journal=[_entry(entry) for entry in entries] + [_tombstone(t) for t in plan.tombstones.values()],
        states=[_state(id, stored[id].version, data) for id, data in states.items()],
        inserts={name: [dict(d) for d in documents] for name, documents in plan.appends.items()},
        forgotten=[DeleteOne({"_id": uid}) for uid in sorted(plan.forgotten)],
        counters=[_counter(name, c) for name, c in plan.counters.asked.items() if c.taken],
    )
    for name, puts in plan.puts.items():
        writes.changes[name] = [ReplaceOne({"_id": d["_id"]}, dict(d), upsert=True) for d in puts.values()]
    for (name, key), sums in plan.increments.items():
        added = {"$inc": sums, "$setOnInsert": {"key": key}}
        change = UpdateOne({"_id": f"{partition}|{key}"}, added, upsert=True)
        writes.changes.setdefault(name, []).append(change)
    if plan.timers:
        changes = [_timer(key, timer, plan.fired.get(key)) for key, timer in plan.timers.items()]
        writes.changes["timers"] = changes
    if plan.erased or plan.lifted:
        _erase(writes, plan, stored)
    return writes


def _erase(writes: Writes, plan: Plan[S], stored: Mapping[str, StoredState[S]]) -> None:
    """Of those that go, what the store has of them goes at once as far as it would act; it is kept that they
    went, and what is left to remove. Of those that may come back this is forgotten."""
    known = [(id, stored[id].version) for id in plan.erased if stored[id].version]
    writes.states += [DeleteOne({"_id": id, "version": version}) for id, version in known]
    ids: list[Change] = [DeleteOne({"_id": hash}) for hash in plan.lifted.values()]
    for id, chore in plan.erased.items():
        kept = {"_id": chore.hash}
        ids.append(ReplaceOne(kept, kept, upsert=True))
        writes.changes.setdefault(ERASING.name, []).append(ReplaceOne(kept, chore.document(), upsert=True))
        writes.changes.setdefault("timers", []).append(timers_of(id))
    writes.changes[ERASED_IDS.name] = ids


def _partition(attempt: int, outbox: Sequence[str], watermark: datetime | None) -> Document:
    change: Document = {"$set": {"attempt": attempt}}
    if outbox:
        change["$push"] = {"outbox": {"$each": list(outbox)}}
    if watermark is not None:
        change["$max"] = {"watermark": watermark}
    return change


def _state(id: str, version: int, data: str | bytes) -> Change:
    # As text or bytes: no server or driver needs to take a state apart, which cost more than all else.
    if version == 0:
        return InsertOne({"_id": id, "version": 1, "data": data})
    return UpdateOne({"_id": id, "version": version}, {"$set": {"version": version + 1, "data": data}})


def _counter(name: str, counter: Counter) -> Change:
    taken = {"$inc": {"used": counter.taken}}
    if counter.taken < 0 or counter.room is None:
        return UpdateOne({"_id": name}, taken, upsert=True)
    if counter.stored is None:  # an upsert would insert where the condition fails
        return InsertOne({"_id": name, "used": counter.taken})
    return UpdateOne({"_id": name, "used": {"$lte": counter.room}}, taken)


def _timer(key: str, timer: Timer | None, fired: datetime | None) -> Change:
    if timer is None:
        return DeleteOne({"_id": key} if fired is None else {"_id": key, "due_at": fired})
    document = {
        "_id": key,
        "subject": timer.subject,
        "name": timer.name,
        "due_at": timer.due_at,
        "key_hash": key_hash(key_of(timer.subject).encode()),
        "payload": dict(timer.payload),
    }
    return ReplaceOne({"_id": key}, document, upsert=True)


def _place(event: Event, origin: Origin) -> Document:
    return {
        "_id": event.uid,
        "type": event.type,
        "subject": event.state_id,
        "at": event.time,
        "topic": origin.topic,
        "partition": origin.partition,
        "offset": origin.offset,
    }


def _entry(entry: Entry) -> Document:
    document = _place(entry.event, entry.origin)
    if entry.erased is not None:
        document |= nameless(entry.erased)
    if entry.status is not None:
        document["outcome"] = {"status": entry.status, "body": dict(entry.body or {})}
        if (digest := command_digest(entry)) is not None:
            document["digest"] = digest
    if entry.until is not None:
        document["retracted_until"] = entry.until
    if entry.refusal is not None:
        document["refusal"] = asdict(entry.refusal)
    return _with_emitted(document, entry.emitted)


def _tombstone(tombstone: Tombstone) -> Document:
    document = _place(tombstone.event, tombstone.origin) | {"retracted_until": tombstone.until}
    return _with_emitted(document, tombstone.emitted)


def _with_emitted(document: Document, emitted: Sequence[Record]) -> Document:
    if emitted:
        document["emitted"] = [_stored(record) for record in emitted]
    return document


def _stored(record: Record) -> Document:
    headers = [list(header) for header in record.headers]
    document: Document = {"topic": record.topic, "key": record.key, "value": record.value, "headers": headers}
    if record.partition is not None:  # a dead letter keeps the partition that its record was on
        document["partition"] = record.partition
    if record.about:  # what it tells of them goes with them
        document["about"] = list(record.about)
    return document


def journalled(document: Mapping[str, Any]) -> Journalled:
    """What a journal document says."""
    origin = Origin(document["topic"], document["partition"], document["offset"])
    emitted = tuple(_record(r) for r in document.get("emitted", ()))
    refusal = document.get("refusal")
    return Journalled(
        origin, emitted, document.get("retracted_until"), Refusal(**refusal) if refusal else None
    )


def _record(stored: Mapping[str, Any]) -> Record:
    headers = tuple((name, bytes(value)) for name, value in stored["headers"])
    key, value = bytes(stored["key"]), bytes(stored["value"])
    return Record(
        stored["topic"], key, value, headers, stored.get("partition"), tuple(stored.get("about", ()))
    )
