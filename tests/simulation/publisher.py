"""The publisher of today's processors, on a producer of the in-memory broker."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from shared.kafka import clients
from shared.kafka.keys import partition_of
from shared.kafka.publisher import BrokerAwayError, Record

SECONDS = 5.0


class SimPublisher:
    """Publishes as ``Publisher`` does; a producer that broke is replaced."""

    def __init__(self, make: Callable[[], clients.ProducerClient], partitions: int) -> None:
        self._make = make
        self._producer = make()
        self._partitions = partitions

    async def publish(self, records: Sequence[Record]) -> None:
        if not records:
            return
        placed = [
            r
            if r.partition is not None
            else replace(r, partition=partition_of(r.key or b"", self._partitions))
            for r in records
        ]
        try:
            await self._producer.send(placed, SECONDS)  # type: ignore[arg-type]
        except clients.ProducerBrokenError as error:
            self._producer = self._make()
            raise BrokerAwayError(str(error)) from error
        except clients.BrokerAwayError as error:
            raise BrokerAwayError(str(error)) from error
