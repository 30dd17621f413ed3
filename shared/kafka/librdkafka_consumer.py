"""A ``ConsumerClient`` on librdkafka: one thread owns the consumer, and a change of the group is what a poll
returns."""

import asyncio
import sys
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any

import structlog

from shared.kafka.brokers import Brokers
from shared.kafka.clients import Assigned, KafkaRecord, Polled, Revoked, TopicPartition
from shared.kafka.librdkafka_group import Change, GroupConsumer
from shared.kafka.librdkafka_thread import CallThread, within
from shared.runtime.words import words

log = structlog.get_logger(__name__)

CONFIRM_SECONDS = 5.0
HANGS_SECONDS = 10.0
"""A poll that takes so much longer than it was given (a release included) will not end."""


HEARTBEAT_MS = 500
"""A member hears by the answer to a heartbeat that another came or went: until then nobody serves what the
other had."""


def consumer_options(
    group: str,
    *,
    session_seconds: float,
    poll_seconds: float,
    fetch_bytes: int = 4 * 1024 * 1024,
) -> dict[str, Any]:
    """Range assignment, so that a partition number is with one worker in every topic; no auto-commit.

    ``fetch_bytes``, 1 MiB or more: what it holds ready for all of its partitions together, beside as much
    from each broker that is just answering. A single record may be larger.
    """
    session = int(session_seconds * 1000)
    return {
        "group.id": group,
        "client.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "partition.assignment.strategy": "range",
        "session.timeout.ms": session,
        "heartbeat.interval.ms": min(session // 4, HEARTBEAT_MS),
        "max.poll.interval.ms": max(int(poll_seconds * 1000), session),
        "fetch.wait.max.ms": 100,
        "fetch.message.max.bytes": 1024 * 1024,
        "fetch.max.bytes": fetch_bytes,
        # What it fetches ahead, and how soon it goes on once that is taken: a second by default.
        "queued.min.messages": 5000,
        "queued.max.messages.kbytes": fetch_bytes // 1024,
        "fetch.queue.backoff.ms": 10,
        "topic.metadata.refresh.interval.ms": 30_000,
        "socket.timeout.ms": 10_000,
        "reconnect.backoff.max.ms": 1000,
    }


class LibrdkafkaConsumer:
    """Implements ``ConsumerClient``."""

    def __init__(self, brokers: Brokers, options: Mapping[str, Any], topics: Collection[str]) -> None:
        self._thread = CallThread("kafka-consumer")
        self._group = GroupConsumer(brokers, options, topics, partial(self._thread.tell, self._take))
        self._changes: deque[Change] = deque()
        self._waiting: asyncio.Future[Sequence[KafkaRecord]] | None = None
        self._thread.put(self._group.open)

    def _take(self, change: Change) -> None:
        """At a revoke the thread waits within its poll: the change itself is what ends that."""
        self._changes.append(change)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(())

    async def poll(
        self, seconds: float, limit: int, room: Collection[TopicPartition], most_bytes: int = sys.maxsize
    ) -> Polled:
        if not self._changes:
            self._waiting = self._thread.begin(self._group.poll, seconds, limit, frozenset(room), most_bytes)
            records = await within(seconds + HANGS_SECONDS, self._waiting)
            if not self._changes:
                return records
        return self._changes.popleft()  # records beside it were of the assignment that is over

    async def start(self, taken: Assigned, offsets: Mapping[TopicPartition, int]) -> bool:
        return await self._thread.ask(5.0, self._group.start, taken, dict(offsets))

    async def confirm(self, taken: Assigned) -> bool:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def tell(confirmed: bool | Exception) -> None:
            self._thread.tell(_settle, answer, confirmed)

        self._thread.put(partial(self._group.confirm, taken, tell))
        return await within(CONFIRM_SECONDS, answer)

    def release(self, revoked: Revoked, offsets: Mapping[TopicPartition, int]) -> None:
        self._group.release(offsets)

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        if self._group.commits.since is None:
            self._group.commits.since = monotonic()
        self._thread.put(partial(self._group.commit, dict(offsets)))

    @property
    def uncommitted_for(self) -> float:
        since = self._group.commits.since
        return 0.0 if since is None else max(monotonic() - since, 1e-9)

    async def unread(self, of: Collection[TopicPartition]) -> Collection[TopicPartition]:
        return await self._thread.ask(2.0, self._group.unread, tuple(of))

    async def lags(self, of: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        return await self._thread.ask(2.0, self._group.lags, tuple(of))

    async def partitions(self, topic: str) -> int:
        return await self._thread.ask(5.0, self._group.count, topic)

    async def close(self, seconds: float) -> bool:
        self._group.hurry()
        try:
            await self._thread.ask(seconds, self._group.close)
        except Exception as error:  # the process goes on to its end: the group learns of it by itself
            log.warning("the consumer did not leave its group", error=words(error))
            return False
        else:
            return True
        finally:
            self._thread.end()


def _settle(answer: "asyncio.Future[bool]", confirmed: bool | Exception) -> None:
    if answer.done():
        return
    if isinstance(confirmed, Exception):
        answer.set_exception(confirmed)
    else:
        answer.set_result(confirmed)
