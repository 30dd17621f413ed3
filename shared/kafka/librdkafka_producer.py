"""A ``ProducerClient`` on librdkafka: idempotent, acknowledged by all in-sync replicas."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from threading import Thread
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from shared.kafka.brokers import Brokers
from shared.kafka.clients import BrokerAwayError, ProducerBrokenError, Record, RecordTooLargeError
from shared.kafka.librdkafka_thread import LOGGER, CallThread, within
from shared.kafka.librdkafka_trouble import Trouble

log = structlog.get_logger(__name__)

FULL_SECONDS = 0.01


def producer_options(*, timeout: float, largest: int, queue_bytes: int = 32 * 1024 * 1024) -> dict[str, Any]:
    """``timeout``: seconds until a record that is not acknowledged has failed. ``largest``: bytes of a
    record, ``queue_bytes`` of all that are not acknowledged."""
    milliseconds = int(timeout * 1000)
    return {
        "client.id": "rapport",
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 1,
        "batch.size": 256 * 1024,
        "message.max.bytes": largest,
        "queue.buffering.max.kbytes": queue_bytes // 1024,
        "delivery.timeout.ms": milliseconds,
        "request.timeout.ms": milliseconds,
        "socket.timeout.ms": milliseconds + 1000,
        "reconnect.backoff.max.ms": 1000,
    }


class LibrdkafkaProducer:
    """Implements ``ProducerClient``. Delivery reports come in one thread, what is asked runs in another."""

    def __init__(self, brokers: Brokers, options: Mapping[str, Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._fatal = False
        self._closed = False
        self._trouble = Trouble(brokers)
        self._producer = Producer({**brokers.librdkafka(), **options, "error_cb": self._error}, logger=LOGGER)
        self._asked = CallThread("kafka-producer")
        Thread(target=self._report, name="kafka-reports", daemon=True).start()

    def _report(self) -> None:
        while not self._closed:
            self._producer.poll(0.1)

    def _error(self, error: KafkaError) -> None:
        if error.fatal():
            self._fatal = True
        self._trouble.note(error)

    async def send(self, records: Sequence[Record], seconds: float) -> None:
        batch = _Batch(len(records), self._loop)
        deadline = self._loop.time() + seconds
        for record in records:
            while True:
                try:
                    self._producer.produce(
                        record.topic,
                        record.value,
                        record.key,
                        -1 if record.partition is None else record.partition,
                        batch.delivered,
                        headers=list(record.headers),
                    )
                    break
                except BufferError:
                    if self._loop.time() > deadline:
                        raise BrokerAwayError("too much waits to be acknowledged") from None
                    await asyncio.sleep(FULL_SECONDS)
                except KafkaException as error:
                    raise _raised(error.args[0], fatal=self._fatal) from error
        failed = await within(max(0.1, deadline - self._loop.time()), batch.done)
        if failed is not None:
            raise _raised(failed, fatal=self._fatal)

    async def counts(self) -> Mapping[str, int]:
        try:
            counts = await self._asked.ask(2.0, self._count)
        except BrokerAwayError as error:
            raise self._trouble.behind(error) from error
        self._trouble.over()
        return counts

    def _count(self) -> dict[str, int]:
        topics = self._producer.list_topics(timeout=1.8).topics.values()
        return {topic.topic: len(topic.partitions) for topic in topics if topic.error is None}

    async def close(self, seconds: float) -> bool:
        try:
            left = await self._asked.ask(seconds + 0.5, self._flush, seconds)
        except BrokerAwayError:
            left = 1
        self._closed = True
        self._asked.end()
        if left:
            log.warning("closed with records under way")
        return not left

    def _flush(self, seconds: float) -> int:
        left: int = self._producer.flush(seconds)
        if left:
            self._producer.purge()
            self._producer.flush(0.2)
        return left


class _Batch:
    """What is known of records that were sent together."""

    def __init__(self, count: int, loop: asyncio.AbstractEventLoop) -> None:
        self.done: asyncio.Future[KafkaError | None] = loop.create_future()
        self._loop = loop
        self._left = count
        self._failed: KafkaError | None = None

    def delivered(self, error: KafkaError | None, _: object) -> None:
        """In the thread of reports: once for each record."""
        # A record that is too large ever is told last: the others may be well if they are sent again.
        if error is not None and (self._failed is None or _too_large(self._failed)):
            self._failed = error
        self._left -= 1
        if self._left == 0:
            with contextlib.suppress(RuntimeError):  # nobody waits any more
                self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(self._failed)


def _too_large(error: KafkaError) -> bool:
    return bool(error.code() == KafkaError.MSG_SIZE_TOO_LARGE)


def _raised(error: KafkaError, *, fatal: bool) -> Exception:
    if fatal or error.fatal() or error.code() == KafkaError._FATAL:
        return ProducerBrokenError(str(error))
    if _too_large(error):
        return RecordTooLargeError(error.str())
    return BrokerAwayError(f"{error.name()}: {error.str()}")
