"""How far each service is behind: per group, topic and partition, in records."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kafka import TopicPartition

from rapport import broker


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is behind on one partition."""

    group: str
    topic: str
    partition: int
    committed: int | None
    """None: this group has not committed here yet, and will start at the first record."""
    end: int
    lag: int
    """Records not yet handled."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def behind(
    group: str,
    committed: Mapping[TopicPartition, int],
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> list[Lag]:
    """One row per partition of the topics that the group reads."""
    topics = {partition.topic for partition in committed}
    return [
        Lag(
            group,
            partition.topic,
            partition.partition,
            at,
            end,
            max(0, end - max(starts.get(partition, 0), at if at is not None else 0)),
        )
        for partition, end in sorted(ends.items())
        if partition.topic in topics
        for at in [committed.get(partition)]
    ]


def measure(client: Any) -> list[Lag]:
    """The lag of every group ``rapport-<service>``."""
    groups = broker.group_ids(client)
    if not groups:
        return []
    # One at a time: a broker answers several groups at once only in newer versions.
    committed = {group: _committed(client, group) for group in groups}
    topics = {partition.topic for offsets in committed.values() for partition in offsets}
    partitions = broker.partitions_of(client, topics)
    starts = broker.start_offsets(client, partitions)
    ends = broker.end_offsets(client, partitions)
    return [row for group in groups for row in behind(group, committed[group], starts, ends)]


def _committed(client: Any, group: str) -> dict[TopicPartition, int]:
    offsets = client.list_group_offsets({group: None})[group]
    return {partition: found.offset for partition, found in offsets.items() if found.offset >= 0}


def total(rows: Iterable[Lag]) -> int:
    return sum(row.lag for row in rows)
