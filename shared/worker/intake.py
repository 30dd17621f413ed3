"""From a Kafka record to a slot: decode, skip, forward or dead-letter."""

import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from shared.kafka.clients import KafkaRecord, Record
from shared.kafka.keys import partition_of
from shared.merging.relays import opened, relay_class
from shared.runtime import telemetry
from shared.schemas.base import Data
from shared.schemas.clock import ClockAdvanced
from shared.schemas.codec import AHEAD, BadRecordError, Envelope, decode, open_envelope
from shared.schemas.event import Event
from shared.schemas.quick.records import IGNORED, Ignored, QuickReader
from shared.schemas.topics import TYPES
from shared.schemas.upcast import current_type
from shared.worker.dead_letters import MOST_BYTES, dead_letter, size
from shared.worker.merge import Copied, Slot
from shared.worker.processing import COMMANDS, Origin

FORWARDED = "rapport-forwarded"
FOR = "rapport-for"
GROWN = "rapport-grown"
"""On a copy that ``rapport topics grow`` made: ``<count>@<when>/<from>``, the number of partitions since
which its key is there, when the topics grew (in milliseconds), and the partition it was copied from. It is
for services that are built anew from the log: the others have handled the original."""

_MARK = re.compile(rb"(\d{1,9})@(\d{1,15})/(\d{1,9})")

_TOPIC_OF = {kind: cls.topic for kind, cls in TYPES.items()}
"""Type -> the one topic that carries it."""


class Intake:
    """Reads a service's records."""

    def __init__(
        self,
        service: str,
        consumes: Sequence[type[Data]],
        *,
        reads_everything: bool = False,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.service = service
        self._name = service.encode()
        self._types = frozenset(c.event_type for c in consumes) | {ClockAdvanced.event_type}
        self._relay = relay_class(service)
        self._everything = reads_everything
        self._own_source = f"/rapport/{service}"
        self._wall_clock = wall_clock
        self._quick = QuickReader()
        self._latest = datetime.min.replace(tzinfo=UTC)
        """The latest time of an event that was good when the clock was last looked at."""
        self._skipped = telemetry.EVENTS.labels(service, "any", "skipped")
        self._forwarded = telemetry.EVENTS.labels(service, "any", "forwarded")

    def read(self, record: KafkaRecord, partitions: int, first_count: int = sys.maxsize) -> Slot:
        """Decide about one record. ``partitions`` is the partition count of every topic, ``first_count`` the
        smallest under which this service has read."""
        wanted_by = None
        copied: Copied | None = None
        for name, value in record.headers:
            if name == FOR:
                wanted_by = value
            elif name == GROWN:
                count, copied = _growth(value)
                if first_count < count:
                    return self._skip(record)
        if wanted_by is not None and wanted_by != self._name:
            return self._skip(record)
        try:
            event = self._quickly(record, partitions)
            if event is IGNORED and wanted_by is None:
                return self._skip(record)
            if event is None or event is IGNORED:
                envelope = open_envelope(record.key, record.value, record.headers)
                clock = record.topic == ClockAdvanced.topic
                if not clock and partition_of(record.key or b"", partitions) != record.partition:
                    return self._skip(record) if copied else self._misplaced(record, envelope)
                kind = current_type(envelope.type)
                if kind not in self._types and not self._everything:
                    if kind in TYPES:
                        self._quick.ignore(TYPES[kind])
                    return self._skip(record)
                _check_topic(kind, record.topic)
                event = decode(envelope, wall_now=self._wall_clock())
                if event.data.__class__ is self._relay:
                    event = opened(event)
                elif not clock:
                    self._quick.learn(event.data.__class__)
        except BadRecordError as bad:
            if self._everything or wanted_by is not None:
                return self._dead(record, bad)
            return self._skip(record)
        if isinstance(event.data, ClockAdvanced):
            return Slot(record.topic, record.offset, event.data.to, event, stamp=record.stamp, copied=copied)
        if event.type not in self._types:
            return self._skip(record)
        # Its own facts took effect when they were decided; its own commands are about other customers.
        if event.source == self._own_source and record.topic != COMMANDS:
            return self._skip(record)
        return Slot(record.topic, record.offset, event.time, event, record, None, record.stamp, copied)

    def _quickly(self, record: KafkaRecord, partitions: int) -> Event | Ignored | None:
        """The event of a record that is as most are, of a type that was met before; None for all others.
        ``IGNORED``, where this service has nothing to do with the type: it is skipped, be it good or bad."""
        event = self._quick.read(record.key, record.value, record.headers)
        if event is None or event is IGNORED:
            return event
        if event.data.topic != record.topic:
            return None
        if partition_of(record.key or b"", partitions) != record.partition:
            return None
        if event.time > self._latest:  # the clock only goes on: mostly there is no need to look
            self._latest = self._wall_clock() + AHEAD
            if event.time > self._latest:
                return None
        return event

    def _misplaced(self, record: KafkaRecord, envelope: Envelope) -> Slot:
        """On the wrong partition for its key: interactions forwards it, once; the others skip it."""
        if not self._everything:
            return self._skip(record)
        if any(name == FORWARDED for name, _ in record.headers):
            return self._dead(
                record, BadRecordError("key", "still on the wrong partition for its key after forwarding")
            )
        _check_topic(current_type(envelope.type), record.topic)
        decode(envelope, wall_now=self._wall_clock())
        headers = (*record.headers, (FORWARDED, f"{record.partition}/{record.offset}".encode()))
        if size(record.key, record.value, headers) > MOST_BYTES:
            raise BadRecordError("key", "on the wrong partition for its key, and too large to be forwarded")
        self._forwarded.inc()
        copy = Record(record.topic, record.key, record.value, headers)
        return Slot(record.topic, record.offset, None, record=copy)

    def _dead(self, record: KafkaRecord, bad: BadRecordError) -> Slot:
        aside = dead_letter(
            self.service,
            Origin(record.topic, record.partition, record.offset),
            record,
            code=bad.code,
            detail=str(bad),
            failed_at=self._wall_clock(),
        )
        return Slot(record.topic, record.offset, None, record=aside)

    def _skip(self, record: KafkaRecord) -> Slot:
        self._skipped.inc()
        return Slot(record.topic, record.offset, None)


def _growth(mark: bytes) -> tuple[int, Copied | None]:
    """What a mark says; nothing where it is none of ours."""
    found = _MARK.fullmatch(mark)
    if found is None:
        return 0, None
    count, when, partition = map(int, found.groups())
    return count, (when, partition)


def _check_topic(kind: str, topic: str) -> None:
    """Who may write one topic could otherwise do what only another's writers may: give points, move the
    clock. Raises ``BadRecordError``: topic. A type that nobody knows passes; it is no event at all."""
    if _TOPIC_OF.get(kind, topic) != topic:
        raise BadRecordError("topic", f"{kind} belongs on {_TOPIC_OF[kind]}", "type")
