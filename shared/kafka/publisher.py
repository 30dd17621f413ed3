"""Publishing records: one idempotent producer, acknowledged by all replicas."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from shared.kafka.keys import partition_of

log = structlog.get_logger(__name__)

MAX_RECORD_BYTES = 1024 * 1024
"""The largest record value Rapport writes or accepts."""

WATCH_SECONDS = 2.0


class BrokerAwayError(Exception):
    """The broker did not acknowledge in time. Some of the records may be in the log."""


@dataclass(frozen=True, slots=True)
class Record:
    """A Kafka record to be written."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


class Publisher:
    """Writes records; ``start`` returns at once and connects in the background."""

    def __init__(self, bootstrap: str, *, timeout: float = 5.0) -> None:
        self._bootstrap = bootstrap
        self._timeout = timeout
        self._producer: AIOKafkaProducer | None = None
        self._reachable = False
        self._connecting: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether the broker answered lately."""
        return self._reachable

    async def start(self) -> None:
        self._connecting = asyncio.create_task(self._connect())
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        """Ask the broker every few seconds, so that readiness tells of one that went away later."""
        await self.connected()
        while self._producer is not None:
            try:
                await asyncio.wait_for(self._producer.client.fetch_all_metadata(), WATCH_SECONDS)
                self._reachable = True
            except (KafkaError, TimeoutError, OSError):
                self._reachable = False
            await asyncio.sleep(WATCH_SECONDS)

    async def _connect(self) -> None:
        delay = 0.2
        while True:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                acks="all",
                enable_idempotence=True,
                linger_ms=1,
                max_batch_size=256 * 1024,
                max_request_size=2 * MAX_RECORD_BYTES,
                request_timeout_ms=int(self._timeout * 1000),
                metadata_max_age_ms=60_000,
            )
            try:
                await producer.start()
            except (KafkaError, OSError) as error:
                log.warning("waiting for a dependency", dependency="kafka", error=str(error), retry_in=delay)
                with contextlib.suppress(Exception):
                    await producer.stop()
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
                continue
            self._producer = producer
            self._reachable = True
            return

    async def connected(self) -> None:
        """Wait until the broker has been reached once."""
        if self._connecting is not None:
            await self._connecting

    async def stop(self) -> None:
        """What was not acknowledged by now may be lost: ``publish`` has not returned for it."""
        for task in (self._watching, self._connecting):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        self._reachable = False
        if self._producer is not None:
            producer, self._producer = self._producer, None
            with contextlib.suppress(KafkaError, asyncio.TimeoutError):
                await asyncio.wait_for(producer.stop(), self._timeout)

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has. Raises ``BrokerAwayError``."""
        producer = self._require()
        try:
            found = await asyncio.wait_for(producer.partitions_for(topic), self._timeout)
        except (KafkaError, TimeoutError) as error:
            raise BrokerAwayError(str(error)) from error
        return len(found)

    def _require(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise BrokerAwayError("not connected to the broker")
        return self._producer

    async def publish(self, records: Sequence[Record]) -> None:
        """Write the records, in order per partition, and wait until all are acknowledged.

        Raises ``BrokerAwayError`` when that takes too long; publishing the same again is safe for readers,
        since every record carries the id of its event.
        """
        if not records:
            return
        producer = self._require()
        try:
            async with asyncio.timeout(self._timeout + len(records) / 2000):
                topics = {r.topic for r in records}
                counts = {topic: len(await producer.partitions_for(topic)) for topic in topics}
                futures = []
                for r in records:
                    partition = r.partition
                    if partition is None and r.key is not None:
                        partition = partition_of(r.key, counts[r.topic])
                    futures.append(
                        await producer.send(
                            r.topic, r.value, key=r.key, partition=partition, headers=list(r.headers)
                        )
                    )
                # Every future is looked at, so that none is left to complain when collected.
                for failure in await asyncio.gather(*futures, return_exceptions=True):
                    if isinstance(failure, BaseException):
                        raise failure
        except MessageSizeTooLargeError:
            raise
        except (KafkaError, TimeoutError, ConnectionError) as error:
            raise BrokerAwayError(f"{type(error).__name__}: {error}") from error
