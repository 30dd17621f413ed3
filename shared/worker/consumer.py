"""The record loop's consumer: how it is set up and connects, commits, and how far it is behind."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime
from time import perf_counter
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from shared.runtime import telemetry
from shared.worker import faults
from shared.worker.assignment import QUEUE_LIMIT
from shared.worker.merge import Queues
from shared.worker.processing import TopicOffset

log = structlog.get_logger(__name__)


def consumer_options(bootstrap: str, group: str, session_timeout_ms: int) -> dict[str, Any]:
    """Range assignment, so that a partition number is with one worker in every topic; no auto-commit."""
    return {
        "bootstrap_servers": bootstrap,
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "partition_assignment_strategy": [RangePartitionAssignor],
        "session_timeout_ms": session_timeout_ms,
        "heartbeat_interval_ms": session_timeout_ms // 4,
        "max_poll_interval_ms": 300_000,
        "fetch_max_wait_ms": 100,
        "max_poll_records": QUEUE_LIMIT,
        "metadata_max_age_ms": 30_000,
    }


async def connect(
    options: Mapping[str, Any], stopping: asyncio.Event, on_try: Callable[[], None]
) -> AIOKafkaConsumer | None:
    """A started consumer, however long the broker takes; None if ``stopping`` is set first."""
    delay = 0.2
    while not stopping.is_set():
        consumer = AIOKafkaConsumer(**options)
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            on_try()
            log.warning("waiting for a dependency", dependency="kafka", error=str(error), retry_in=delay)
            with contextlib.suppress(Exception):
                await consumer.stop()
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)
        else:
            return consumer
    return None


async def unread_topics(
    consumer: AIOKafkaConsumer, queues: Mapping[int, Queues]
) -> dict[int, frozenset[str]]:
    """Of the partitions that have records waiting, the topics with records in the log which no queue holds
    yet. Full queues count too: a topic that a batch drains must hold the others back from there on."""
    asked = [
        TopicPartition(topic, partition)
        for partition, topics in queues.items()
        if any(topics.values())
        for topic in topics
    ]
    if not asked:
        return {}
    ends = await consumer.end_offsets(asked)
    unread: dict[int, set[str]] = {}
    for tp, end in ends.items():
        if await consumer.position(tp) < end:
            unread.setdefault(tp.partition, set()).add(tp.topic)
    return {p: frozenset(topics) for p, topics in unread.items()}


async def commit(consumer: AIOKafkaConsumer, service: str, durable: Mapping[TopicOffset, int]) -> None:
    """Commit the offsets of the partitions assigned; a refusal after a rebalance does no harm."""
    assigned = consumer.assignment()
    # A store may know of a topic that is not read now, such as `clock` after a change of clocks: one
    # such offset would have all of them refused.
    offsets = {
        tp: offset
        for (topic, partition), offset in durable.items()
        if (tp := TopicPartition(topic, partition)) in assigned
    }
    if not offsets:
        return
    started = perf_counter()
    try:
        await consumer.commit(offsets)
    except (CommitFailedError, IllegalStateError):
        log.info("commit refused after a rebalance; what is handled is known as such when it is read again")
        return
    faults.point("after_commit")
    telemetry.BATCH_SECONDS.labels(service, "commit").observe(perf_counter() - started)


async def measure_lag(
    consumer: AIOKafkaConsumer, service: str, queues: Mapping[int, Queues], wall_now: datetime
) -> None:
    """Set the lag gauges: records that have not taken effect, and the age of the oldest event waiting."""
    oldest = wall_now
    for partition, topics in queues.items():
        for topic, queue in topics.items():
            tp = TopicPartition(topic, partition)
            high = consumer.highwater(tp)
            lag = max(0, high - await consumer.position(tp)) + len(queue) if high is not None else 0
            telemetry.LAG_RECORDS.labels(service, topic, str(partition)).set(lag)
            head = queue.head()
            if head is not None and head.at is not None:
                oldest = min(oldest, head.at)
    telemetry.LAG_SECONDS.labels(service).set((wall_now - oldest).total_seconds())
