"""Where a replay goes: Kafka, or a file of JSON lines."""

import asyncio
import contextlib
import logging
from types import TracebackType
from typing import IO, Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from rapport.replay.record import CONTENT_TYPE, Record
from rapport.trouble import TroubleError
from shared.kafka.brokers import Brokers
from shared.kafka.clients import BrokerRefusedError
from shared.kafka.librdkafka_trouble import why_away
from shared.kafka.tokens import TokenRefusedError

_CONNECT_S = 15.0
_STALL_S = 60.0
"""Seconds that a broker may take to answer at the start, and to take a chunk later: it may be restarting."""


class SendFailedError(TroubleError):
    """The broker did not take a record; what was flushed before is in the log."""


class KafkaSink:
    """An idempotent, pipelined producer: each record is in the log once, in order within its partition.

    aiokafka's, on a loop of its own: measured here at 15 to 18 microseconds of CPU per record, where the
    synchronous kafka-python takes 220. Its default partitioner is the Java client's murmur2, so a
    customer's records meet on one partition.
    """

    def __init__(self, brokers: Brokers, *, stall_s: float = _STALL_S) -> None:
        self._brokers = brokers
        self._stall_s = stall_s
        self._loop = asyncio.new_event_loop()
        self._waiting: list[Record] = []
        self._producer: AIOKafkaProducer | None = None

    def __enter__(self) -> "KafkaSink":
        """Raises SendFailedError if no broker answers."""
        # It warns ten times a second while a broker is away; what matters is raised here as a sentence.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        try:
            self._producer = self._loop.run_until_complete(self._connect())
        except BaseException:
            self._loop.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, _: Any, __: TracebackType | None) -> None:
        try:
            self._loop.run_until_complete(self._stop(None if kind is None else 1.0))
        finally:
            self._loop.close()

    def send(self, record: Record) -> None:
        """Keeps the record for the next ``flush``: a chunk goes as a whole."""
        self._waiting.append(record)

    def flush(self) -> None:
        """Raises SendFailedError."""
        records, self._waiting = self._waiting, []
        if records:
            try:
                self._loop.run_until_complete(self._send(records))
            except (KafkaError, TimeoutError) as error:
                reason = str(error) or f"no answer for {self._stall_s:.0f} s"
                raise SendFailedError(
                    f"The broker at {self._brokers.servers} took no more: {reason}."
                ) from error

    async def _connect(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._brokers.aiokafka(),
            client_id="rapport-replay",
            acks="all",
            enable_idempotence=True,
            max_batch_size=256 * 1024,
            max_request_size=4 * 1024 * 1024,
        )
        try:
            await asyncio.wait_for(producer.start(), _CONNECT_S)
        except (KafkaError, TokenRefusedError, TimeoutError, OSError) as error:
            await producer.stop()
            away = await asyncio.to_thread(why_away, self._brokers)
            if isinstance(away, BrokerRefusedError):
                raise SendFailedError(away.refusal.sentence) from error
            reason = str(error) or "no answer"
            raise SendFailedError(f"No broker answers at {self._brokers.servers}: {reason}.") from error
        return producer

    async def _send(self, records: list[Record]) -> None:
        assert self._producer is not None
        acknowledged = [
            await self._producer.send(
                record.topic, record.value, key=record.key.encode(), headers=[CONTENT_TYPE]
            )
            for record in records
        ]
        # An idempotent producer tries for ever by itself.
        await asyncio.wait_for(asyncio.gather(*acknowledged), self._stall_s)

    async def _stop(self, seconds: float | None) -> None:
        """After a failure nothing is waited for: the broker may be away for good."""
        if self._producer is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._producer.stop(), seconds)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class FileSink:
    """JSON lines: one event per line."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def send(self, record: Record) -> None:
        self._file.write(record.value + b"\n")

    def flush(self) -> None:
        """The file's own buffer is flushed when it is closed."""
