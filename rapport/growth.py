"""What growing topics has to move: the old records of keys that are on another partition from now on.

A key's old records stay where they were, on what is now the wrong partition for it, so whoever reads the log
from its beginning (a service that is built anew) would skip them. So each is copied to the partition that its
key has now: in its order, under the same event id, with its time of arrival, and with marks that say where it
was copied from and since how many partitions it is there. Services that have read it where it was skip the
copy by its mark.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition

from rapport import broker
from rapport.topics import CLOCK, RECORD_LIMIT, Growth
from shared.kafka.brokers import Brokers
from shared.kafka.keys import key_hash
from shared.schemas.topics import TOPICS
from shared.worker.intake import FORWARDED, GROWN

AT_ONCE = 1_000
"""Copies that wait to be acknowledged together."""
SEND_SECONDS = 30.0
SETTLE_SECONDS = 0.5
STAMPS = "message.timestamp.type"
MARKS_BYTES = 200
Headers = Sequence[tuple[str, bytes]]


@dataclass(slots=True)
class Copied:
    """What has been done so far."""

    total: int = 0
    """Records to look at."""
    looked_at: int = 0
    copied: int = 0
    too_large: int = 0
    """With the marks they would be larger than a record may be: no service could have read them."""


def targets(growth: Growth, topic: str, partition: int, key: bytes | None, headers: Headers) -> list[int]:
    """Where a record is to be copied to: nowhere, if it is in its place, or never was."""
    if _is_copy(headers, growth):
        return []
    if topic == CLOCK:  # told to each partition: a new one hears it as one does that it shares keys with
        new = [p for p in range(growth.before, growth.after) if p % growth.before == partition]
        return [partition, *new] if growth.after % growth.before else new
    if key is None:
        return []
    hashed = key_hash(key)
    now = hashed % growth.after
    return [now] if hashed % growth.before == partition and now != partition else []


def unread_originals(servers: Brokers, growth: Growth, unread: Mapping[TopicPartition, int]) -> list[str]:
    """The topics where, after these offsets of partitions that were there before, others than copies stand:
    services have not read them yet. Raises TroubleError."""
    before = {place: offset for place, offset in unread.items() if place.partition < growth.before}
    if not before:
        return []
    with broker.consumer(servers) as consumer:
        ends = consumer.end_offsets(list(before))
        return sorted(
            {record.topic for record in _read(consumer, ends, before) if not _is_copy(record.headers, growth)}
        )


def _is_copy(headers: Headers, growth: Growth) -> bool:
    mark = f"{growth.after}@".encode()
    return any(name == GROWN and bytes(value or b"").startswith(mark) for name, value in headers)


def copy(
    servers: Brokers, growth: Growth, *, resumed: bool, show: Callable[[Copied], None] = lambda copied: None
) -> Copied:
    """Copy all that has moved, and nothing twice. ``resumed``: some may have been copied already. Nobody may
    write meanwhile. Raises TroubleError."""
    with broker.admin(servers) as admin:
        # By the brokers' clocks, as what comes before and after it.
        now = broker.latest_stamp(admin, broker.partitions_of(admin, TOPICS)) + 1
        _stamp(admin, "CreateTime")
        try:
            return _copy_all(servers, growth, now, resumed, show)
        finally:
            _stamp(admin, "LogAppendTime")


def _stamp(admin: Any, kind: str) -> None:
    """Whose time a record of these topics has: its writer's, so that copies keep that of their originals
    and retention counts from it, or the broker's, as always."""
    broker.set_configs(admin, {topic: {STAMPS: kind} for topic in TOPICS})
    while any(found.configs[STAMPS] != kind for found in broker.find_topics(admin, TOPICS).values()):
        time.sleep(0.1)
    time.sleep(SETTLE_SECONDS)


def _copy_all(
    servers: Brokers, growth: Growth, now: int, resumed: bool, show: Callable[[Copied], None]
) -> Copied:
    done = Copied()
    with broker.consumer(servers) as consumer, broker.producer(servers) as producer:
        places = {topic: [TopicPartition(topic, p) for p in range(growth.before)] for topic in TOPICS}
        ends = {topic: consumer.end_offsets(places[topic]) for topic in TOPICS}
        starts = {topic: consumer.beginning_offsets(places[topic]) for topic in TOPICS}
        done.total = sum(ends[t][p] - starts[t][p] for t in TOPICS for p in places[t])
        reached = {topic: _reached(consumer, topic, growth) for topic in TOPICS if resumed}
        when = max((at for of in reached.values() for _, at in of.values()), default=0) or now
        mark = f"{growth.after}@{when}"
        for topic in TOPICS:
            after = {way: offset for way, (offset, _) in reached.get(topic, {}).items()}
            _copy_topic(consumer, producer, growth, mark, ends[topic], after, done, show)
    return done


def _copy_topic(
    consumer: Any,
    producer: Any,
    growth: Growth,
    mark: str,
    ends: Mapping[TopicPartition, int],
    reached: Mapping[tuple[int, int], int],
    done: Copied,
    show: Callable[[Copied], None],
) -> None:
    waiting: list[Any] = []
    for record in _read(consumer, ends):
        done.looked_at += 1
        for partition in targets(growth, record.topic, record.partition, record.key, record.headers):
            if record.offset <= reached.get((record.partition, partition), -1):
                continue
            if _size(record) + MARKS_BYTES > RECORD_LIMIT:
                done.too_large += 1
                continue
            done.copied += 1
            waiting.append(_send(producer, record, partition, mark))
        if len(waiting) >= AT_ONCE:
            _acknowledged(waiting)
        if done.looked_at % AT_ONCE == 0:
            show(done)
    _acknowledged(waiting)
    show(done)


def _size(record: Any) -> int:
    sizes = [len(name) + len(value or b"") + 10 for name, value in record.headers]
    return len(record.key or b"") + len(record.value or b"") + sum(sizes)


def _send(producer: Any, record: Any, partition: int, mark: str) -> Any:
    marks = [
        (FORWARDED, f"{record.partition}/{record.offset}".encode()),
        (GROWN, f"{mark}/{record.partition}".encode()),
    ]
    return producer.send(
        record.topic,
        key=record.key,
        value=record.value,
        headers=[*record.headers, *marks],
        partition=partition,
        timestamp_ms=record.timestamp if record.timestamp >= 0 else None,
    )


def _acknowledged(waiting: list[Any]) -> None:
    for one in waiting:
        one.get(timeout=SEND_SECONDS)
    waiting.clear()


def _reached(consumer: Any, topic: str, growth: Growth) -> dict[tuple[int, int], tuple[int, int]]:
    """Of an earlier try: the last offset copied, by the partition from and the one to, and when that growth
    was. Copies are written in the order of their originals, so none is missing before it."""
    places = [TopicPartition(topic, p) for p in range(growth.after)]
    reached: dict[tuple[int, int], tuple[int, int]] = {}
    for record in _read(consumer, consumer.end_offsets(places)):
        if _is_copy(record.headers, growth):
            marks = dict(record.headers)  # the last of a name: a copy of a copy has two
            partition, _, offset = marks[FORWARDED].decode().partition("/")
            when = int(marks[GROWN].partition(b"@")[2].partition(b"/")[0])
            reached[int(partition), record.partition] = int(offset), when
    return reached


def _read(
    consumer: Any, ends: Mapping[TopicPartition, int], starts: Mapping[TopicPartition, int] | None = None
) -> Iterator[Any]:
    """All records before these offsets, from the beginning or from ``starts``, partition by partition."""
    for place in sorted(ends):
        consumer.assign([place])
        if starts is None:
            consumer.seek_to_beginning(place)
        else:
            consumer.seek(place, starts[place])
        while consumer.position(place) < ends[place]:
            for records in consumer.poll(timeout_ms=500, max_records=2_000).values():
                yield from (record for record in records if record.offset < ends[place])
