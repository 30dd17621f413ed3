"""A plan as MongoDB documents and writes, and journal documents read back. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne

from shared.runtime.effects import S
from shared.runtime.keys import key_hash
from shared.runtime.plan import Entry, Held, Plan, Timer, command_digest
from shared.runtime.processing import Origin
from shared.runtime.publisher import Record

Document: TypeAlias = dict[str, Any]
Change: TypeAlias = InsertOne[Document] | UpdateOne | ReplaceOne[Document] | DeleteOne

OUTBOX = "outbox"


@dataclass(slots=True)
class Writes:
    """What one transaction writes."""

    journal: list[Document]
    states: list[Change]
    inserts: dict[str, list[Document]] = field(default_factory=dict)
    changes: dict[str, list[Change]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Journalled:
    """What the journal says of an event handled before."""

    origin: Origin
    emitted: tuple[Record, ...]


def writes_of(
    plan: Plan[S], held: Mapping[str, Held[S]], *, partition: int, watermark: datetime | None
) -> Writes:
    """The plan's writes; ``OUTBOX`` is among the changes if timers' events are to be published."""
    writes = Writes(
        journal=[_entry(entry) for entry in plan.entries],
        states=[_state(s, held[s].version, state.model_dump()) for s, state in plan.states.items()],
        inserts={name: [dict(d) for d in documents] for name, documents in plan.appends.items()},
    )
    for name, puts in plan.puts.items():
        writes.changes[name] = [ReplaceOne({"_id": d["_id"]}, dict(d), upsert=True) for d in puts.values()]
    if plan.timers:
        writes.changes["timers"] = [_timer(key, timer) for key, timer in plan.timers.items()]
    fired = [e.event.uid for e in plan.entries if e.origin.offset < 0 and e.emitted]
    if fired:
        document = {"_id": partition, "entries": fired}
        writes.changes[OUTBOX] = [ReplaceOne({"_id": partition}, document, upsert=True)]
    if watermark is not None:
        reached = UpdateOne({"_id": partition}, {"$max": {"to": watermark}}, upsert=True)
        writes.changes["watermarks"] = [reached]
    return writes


def _state(subject: str, version: int, data: Document) -> Change:
    if version == 0:
        return InsertOne({"_id": subject, "version": 1, "data": data})
    return UpdateOne({"_id": subject, "version": version}, {"$set": {"version": version + 1, "data": data}})


def _timer(key: str, timer: Timer | None) -> Change:
    if timer is None:
        return DeleteOne({"_id": key})
    document = {
        "_id": key,
        "subject": timer.subject,
        "name": timer.name,
        "due_at": timer.due_at,
        "key_hash": key_hash(timer.subject.encode()),
        "payload": dict(timer.payload),
    }
    return ReplaceOne({"_id": key}, document, upsert=True)


def _entry(entry: Entry) -> Document:
    event, origin = entry.event, entry.origin
    document: Document = {
        "_id": event.uid,
        "type": event.type,
        "subject": event.subject,
        "at": event.time,
        "topic": origin.topic,
        "partition": origin.partition,
        "offset": origin.offset,
    }
    if entry.status is not None:
        document["outcome"] = {"status": entry.status, "body": dict(entry.body or {})}
        document["digest"] = command_digest(entry)
    if entry.emitted:
        document["emitted"] = [
            {"topic": r.topic, "key": r.key, "value": r.value, "headers": [list(h) for h in r.headers]}
            for r in entry.emitted
        ]
    return document


def journalled(document: Mapping[str, Any]) -> Journalled:
    """What a journal document says."""
    origin = Origin(document["topic"], document["partition"], document["offset"])
    return Journalled(origin, tuple(_record(r) for r in document.get("emitted", ())))


def _record(stored: Mapping[str, Any]) -> Record:
    headers = tuple((name, bytes(value)) for name, value in stored["headers"])
    return Record(stored["topic"], bytes(stored["key"]), bytes(stored["value"]), headers)
