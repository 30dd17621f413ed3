"""What a partition has to tell: insights go out exactly once, in the order in which they were decided.

The order of steps, each whole before the next:

1. An insight is decided, and ``tell`` keeps it in memory beside what else changes by it: a customer's record,
   a row (``put``). Nobody outside knows of it.
2. The flush writes all that in its one transaction, which only the partition's owner can (epoch and version
   are matched): the changes, and the events as they will go out, in documents of ``outbox``.
3. After the commit the documents are published in their order; each record's acknowledgement is waited for.
4. The next flush's transaction takes the documents away that are published.
5. A takeover raises the epoch, so nobody can add to what the partition has left; then it reads what stands in
   ``outbox`` and goes on with 3, before anything new is decided.

Killed before 2 has committed, nothing was told, and it is decided again from what stands. Killed between 2
and 4, step 5 publishes what stands, perhaps once more: the same bytes under the same ids, by which every
reader knows a copy. An id follows from what is told of whom, and which one of its kind it is (``cause``), not
from when it was decided: history that is replayed tells the same events.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

import msgspec

from services.metrics.domain.rows import outbox_id
from services.metrics.journal import SERVICE
from shared.domain import Emit
from shared.kafka.publisher import MAX_RECORD_BYTES, Record
from shared.schemas.base import Data
from shared.schemas.codec import encode
from shared.schemas.event import Event
from shared.schemas.times import Micros, micros, moment
from shared.worker import faults
from shared.worker.retry import retry

Publish = Callable[[Sequence[Record]], Awaitable[None]]

SOURCE = f"/rapport/{SERVICE}"
DOCUMENT_RECORDS = 1_000
"""So many in one document: about a megabyte."""


@dataclass(frozen=True, slots=True)
class Put:
    """A row that is written with what is told: it replaces the one with its ``_id``."""

    collection: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Leaving:
    """What a flush writes for the outbox."""

    put: tuple[Put, ...] = ()
    told: tuple[tuple[str, tuple[Record, ...]], ...] = ()
    """New documents: each its id and its records, in their order."""
    published: tuple[str, ...] = ()
    """Documents to take away."""

    def __bool__(self) -> bool:
        return bool(self.put or self.told or self.published)


NOTHING = Leaving()


@dataclass(slots=True, eq=False)
class Outbox:
    """Of one partition. Nothing here does I/O but ``publish``."""

    partition: int
    standing: dict[str, tuple[Record, ...]] = field(default_factory=dict)
    """Documents in the store that are not known to be published, in their order."""
    _published: list[str] = field(default_factory=list)
    """Those that are, and still stand."""
    _told: list[Record] = field(default_factory=list)
    _rows: dict[tuple[str, Any], Put] = field(default_factory=dict)

    def tell(self, data: Data, subject: str, at: Micros, cause: str) -> None:
        """Tell an event of this subject (a customer, a KPI), with this time, once what is decided stands.
        ``cause`` tells it from the others of its type and subject: the same again is the same event. Raises
        ``ValueError`` for one that no broker would take."""
        event = Event(event_id(data, subject, cause), SOURCE, subject, moment(at), data)
        value, headers = encode(event)
        if len(value) > (most := MAX_RECORD_BYTES + data.room):
            raise ValueError(f"{data.event_type} would have {len(value)} bytes; {most} is the most")
        self._told.append(Record(data.topic, subject.encode(), value, tuple(headers)))

    def follow(self, event: Event, emits: Iterable[Emit]) -> None:
        """What follows from an event, as ``tell`` does."""
        for place, emit in enumerate(emits):
            self.tell(emit.data, emit.subject or event.subject, micros(emit.time), f"{event.uid} {place}")

    def put(self, collection: str, document: Mapping[str, Any]) -> None:
        """Write this row with the next flush, in place of the one with its ``_id``; the last one holds."""
        self._rows[collection, document["_id"]] = Put(collection, document)

    def drop(self, customer: str, about: Callable[[str, Mapping[str, Any]], bool]) -> None:
        """Nothing that is not written yet is told of a customer who was erased, nor any row kept of those
        that are ``about`` them, by collection and document."""
        self._told = [record for record in self._told if record.key != customer.encode()]
        self._rows = {at: put for at, put in self._rows.items() if not about(put.collection, put.document)}

    @property
    def dirty(self) -> bool:
        return bool(self._told or self._rows or self._published or self.standing)

    def leaving(self, version: int) -> Leaving:
        """What the next write has of it; ``version``: the partition's, which no two writes have in common."""
        told = self._told
        parts = [told[n : n + DOCUMENT_RECORDS] for n in range(0, len(told), DOCUMENT_RECORDS)]
        documents = [(outbox_id(self.partition, version, n), tuple(part)) for n, part in enumerate(parts)]
        return Leaving(tuple(self._rows.values()), tuple(documents), tuple(self._published))

    def left(self, leaving: Leaving) -> None:
        """The write stands. ``publish`` must follow."""
        self.standing.update(leaving.told)
        del self._told[: sum(len(records) for _, records in leaving.told)]
        for put in leaving.put:
            self._rows.pop((put.collection, put.document["_id"]), None)
        del self._published[: len(leaving.published)]

    async def publish(self, publish: Publish) -> None:
        """All that stands. Kafka is waited for while it is in trouble; cut short, it is done again."""
        if self.standing:
            faults.point("insights_written")
        while self.standing:
            id, records = next(iter(self.standing.items()))
            await retry(SERVICE, "kafka", partial(publish, records))
            self._published.append(id)
            del self.standing[id]
            faults.point("insights_published")


def event_id(data: Data, subject: str, cause: str) -> str:
    """32 hex digits: 128 bits, so that no two are ever the same."""
    return sha256(f"{SOURCE} {data.event_type} {subject} {cause}".encode()).hexdigest()[:32]


def pack_records(records: Sequence[Record]) -> bytes:
    """Records as a document of ``outbox`` holds them (MessagePack)."""
    return msgspec.msgpack.encode([(r.topic, r.key, r.value, r.headers) for r in records])


def unpack_records(packed: bytes) -> tuple[Record, ...]:
    rows = msgspec.msgpack.decode(packed, type=list[tuple[str, bytes, bytes, tuple[tuple[str, bytes], ...]]])
    return tuple(Record(*row) for row in rows)
