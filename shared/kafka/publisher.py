"""Publishing records: one idempotent producer at a time, acknowledged by all replicas."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from time import monotonic

import structlog

from shared.kafka.brokers import Brokers
from shared.kafka.clients import (
    BrokerAwayError,
    BrokerRefusedError,
    ProducerBrokenError,
    ProducerClient,
    ProducerFactory,
    Record,
    RecordTooLargeError,
)
from shared.kafka.keys import partition_of
from shared.kafka.librdkafka_producer import LibrdkafkaProducer, producer_options
from shared.runtime.refusal import Refusal, end_process
from shared.runtime.words import words

__all__ = ["MAX_RECORD_BYTES", "BrokerAwayError", "Publisher", "Record", "RecordTooLargeError"]

log = structlog.get_logger(__name__)

MAX_RECORD_BYTES = 1024 * 1024
"""The largest record value Rapport writes or accepts."""

WATCH_SECONDS = 2.0
FRESH_SECONDS = 60.0
"""How old what is known of a topic's partitions may be while the broker answers."""
STUCK_TIMEOUTS = 3.0
"""A producer that writes nothing for so many of its timeouts, while the broker answers, is stuck."""
LOST_SECONDS, LONGEST_LOST_SECONDS = 5.0, 60.0
"""A producer with nothing to send that has not reached the broker for so long is made anew, later each time:
after its broker hung, librdkafka was seen to stay without a connection for minutes where nothing is sent."""
REFUSED_SECONDS = 3.0
"""A refusal at the start stands after so long: a user may be made at the same moment."""
TELL_SECONDS = 30.0
"""Between two lines of the log about the same trouble."""
CLOSE_SECONDS = 0.3


class Publisher:
    """Writes records; ``start`` returns at once and connects in the background."""

    def __init__(
        self,
        brokers: Brokers,
        *,
        timeout: float = 5.0,
        queue_bytes: int = 32 * 1024 * 1024,
        producer: ProducerFactory | None = None,
        refused: Callable[[Refusal], object] = end_process,
    ) -> None:
        """``timeout``: seconds. ``queue_bytes``: of records that are not acknowledged. ``producer`` in place
        of one for ``brokers``. ``refused`` is called where these refuse before they ever answered."""
        options = producer_options(
            timeout=timeout, largest=2 * MAX_RECORD_BYTES + 64 * 1024, queue_bytes=queue_bytes
        )
        self._make = producer or (lambda: LibrdkafkaProducer(brokers, options))
        self._refused = refused
        self._told: str | None = None
        """The code of the trouble that the log has told of last."""
        self._told_at = 0.0
        self._refused_since: float | None = None
        self._timeout = timeout
        self._producer: ProducerClient | None = None
        self._counts: Mapping[str, int] = {}
        self._counted_at = 0.0
        self._reachable = False
        self._failing_since: float | None = None
        self._failed_at = 0.0
        self._sending = 0
        self._met = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[bool]] = set()

    @property
    def ready(self) -> bool:
        """Whether the broker answered lately, and took what was written lately."""
        failing = self._failing_since is not None and monotonic() - self._failed_at < 2 * self._timeout
        return self._reachable and not failing

    async def start(self) -> None:
        self._producer = self._make()
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        """Ask the broker every few seconds, so that readiness tells of one that went away later."""
        reached, patience = monotonic(), LOST_SECONDS
        while (producer := self._producer) is not None:
            try:
                await self._count(producer)
                self._answered()
                reached, patience = monotonic(), LOST_SECONDS
            except BrokerAwayError as error:
                self._reachable = False
                self._tell(error)
                if monotonic() - reached > patience and not self._sending:
                    self._replace(producer, "it does not reach the broker")
                    reached, patience = monotonic(), min(2 * patience, LONGEST_LOST_SECONDS)
            await asyncio.sleep(WATCH_SECONDS if self._reachable else WATCH_SECONDS / 10)

    def _answered(self) -> None:
        if self._told is not None and self._met.is_set():
            log.info("a dependency is back", dependency="kafka")
        self._told, self._reachable = None, True
        self._met.set()

    def _tell(self, error: BrokerAwayError) -> None:
        """Each trouble once in a while; at the start a refusal is the last that is told."""
        if isinstance(error, BrokerRefusedError) and not self._met.is_set():
            self._refused_since = self._refused_since or monotonic()
            if monotonic() - self._refused_since > REFUSED_SECONDS:
                self._refused(error.refusal)
        else:
            self._refused_since = None
        code = error.refusal.code if isinstance(error, BrokerRefusedError) else "kafka_away"
        if code != self._told or monotonic() - self._told_at > TELL_SECONDS:
            log.warning("waiting for a dependency", dependency="kafka", code=code, error=words(error))
            self._told, self._told_at = code, monotonic()

    async def _count(self, producer: ProducerClient) -> None:
        self._counts = await producer.counts()
        self._counted_at = monotonic()

    async def connected(self) -> None:
        """Wait until the broker has been reached once."""
        await self._met.wait()

    async def stop(self) -> None:
        """What was not acknowledged by now may be lost: ``publish`` has not returned for it. Takes
        ``CLOSE_SECONDS`` and a little at most."""
        producer, self._producer = self._producer, None
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        self._reachable = False
        if producer is not None:
            await producer.close(CLOSE_SECONDS)

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has. Raises ``BrokerAwayError``."""
        producer = self._require()
        if topic not in self._counts or monotonic() - self._counted_at > FRESH_SECONDS:
            await self._count(producer)
        if topic not in self._counts:
            raise BrokerAwayError(f"there is no topic {topic}")
        return self._counts[topic]

    def _require(self) -> ProducerClient:
        if self._producer is None or not self._met.is_set():
            raise BrokerAwayError("not connected to the broker")
        return self._producer

    async def publish(self, records: Sequence[Record]) -> None:
        """Write the records, in order per partition, and wait until all are acknowledged.

        Raises ``BrokerAwayError`` when that takes too long; publishing the same again is safe for readers,
        since every record carries the id of its event. Raises ``RecordTooLargeError``.
        """
        if not records:
            return
        producer = self._require()
        counts = {topic: await self.partitions(topic) for topic in {r.topic for r in records}}
        placed = [_placed(record, counts[record.topic]) for record in records]
        self._sending += 1
        try:
            await producer.send(placed, self._timeout + 1.0 + len(records) / 2000)
        except ProducerBrokenError as error:
            self._failed()
            self._replace(producer, str(error))
            raise
        except BrokerAwayError:
            if self._failed() > STUCK_TIMEOUTS * self._timeout and self._reachable:
                self._replace(producer, "it writes nothing, though the broker answers")
            raise
        finally:
            self._sending -= 1
        self._failing_since = None

    def _failed(self) -> float:
        """Seconds since the first failure with no success after it."""
        self._failed_at = monotonic()
        if self._failing_since is None:
            self._failing_since = self._failed_at
        return self._failed_at - self._failing_since

    def _replace(self, producer: ProducerClient, reason: str) -> None:
        """Make a new one; sending again by it is safe, as every record carries its id."""
        if self._producer is not producer:
            return  # another of its senders has
        log.warning("the producer is replaced", reason=reason)
        self._producer = self._make()
        self._failing_since = None
        closing = asyncio.create_task(producer.close(0.0))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def _placed(record: Record, partitions: int) -> Record:
    """With its partition: by its key, as the Java client does it."""
    if record.partition is not None:
        return record
    partition = partition_of(record.key or b"", partitions)
    return Record(record.topic, record.key, record.value, record.headers, partition)
