"""The record loop's consumer: how it is set up, how it connects, and how far it is behind."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from shared.runtime import telemetry
from shared.worker.merge import Queues

log = structlog.get_logger(__name__)

QUEUE_LIMIT = 2000
"""Records of a topic and partition that wait in memory; beyond that no more are fetched."""


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
            log.warning("waiting for a part", part="kafka", error=str(error), retry_in=delay)
            with contextlib.suppress(Exception):
                await consumer.stop()
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)
        else:
            return consumer
    return None


async def measure_lag(
    consumer: AIOKafkaConsumer, service: str, queues: Mapping[int, Queues], wall_now: datetime
) -> None:
    """Set the lag gauges: records that have not taken effect, and the age of the oldest event waiting."""
    oldest = wall_now
    # A copy: a rebalance may clear the queues while a position is asked for.
    for partition, topics in list(queues.items()):
        for topic, queue in list(topics.items()):
            tp = TopicPartition(topic, partition)
            high = consumer.highwater(tp)
            lag = max(0, high - await consumer.position(tp)) + len(queue) if high is not None else 0
            telemetry.LAG_RECORDS.labels(service, topic, str(partition)).set(lag)
            head = queue.head()
            if head is not None and head.at is not None:
                oldest = min(oldest, head.at)
    telemetry.LAG_SECONDS.labels(service).set((wall_now - oldest).total_seconds())
