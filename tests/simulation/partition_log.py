"""One partition's log: records, and transactions of other writers that are open, committed or aborted."""

import sys
from collections.abc import Iterable, Sequence

from shared.kafka.clients import KafkaRecord


def size_of(record: KafkaRecord) -> int:
    """Bytes of key and value."""
    return len(record.key or b"") + len(record.value or b"")


class PartitionLog:
    """Offsets are given once, to markers and to what is aborted too. What a reader of committed records sees
    ends before the first record of a transaction that is open."""

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self._entries: list[KafkaRecord | None] = []
        """None for a transaction's end."""
        self._open: dict[int, list[int]] = {}
        """The offsets of each transaction that is open."""
        self._aborted: set[int] = set()

    def append(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: Iterable[tuple[str, bytes]],
        stamp: int,
        transaction: int | None = None,
    ) -> None:
        """``stamp``: when it came, in milliseconds."""
        offset, place = len(self._entries), (self.topic, self.partition)
        self._entries.append(KafkaRecord(*place, offset, key, value, tuple(headers), stamp))
        if transaction is not None:
            self._open.setdefault(transaction, []).append(offset)

    def finish(self, transaction: int, *, commit: bool) -> None:
        """End the transaction, if it wrote here."""
        offsets = self._open.pop(transaction, None)
        if offsets is None:
            return
        self._entries.append(None)
        if not commit:
            self._aborted.update(offsets)

    @property
    def end(self) -> int:
        """Where what may be read ends, for now."""
        if not self._open:
            return len(self._entries)
        return min(offsets[0] for offsets in self._open.values())

    def read(self, position: int, limit: int, most_bytes: int = sys.maxsize) -> tuple[list[KafkaRecord], int]:
        """Up to ``limit`` records from there, none after so many bytes, and the position behind them: markers
        are passed over."""
        found: list[KafkaRecord] = []
        while position < self.end and len(found) < limit and most_bytes > 0:
            record = self._entries[position]
            if record is not None and position not in self._aborted:
                most_bytes -= size_of(record)
                found.append(record)
            position += 1
        return found, position

    def unread(self, position: int) -> int:
        """How many records there are to read from there."""
        return len(self.read(position, len(self._entries))[0]) if position < self.end else 0

    @property
    def records(self) -> Sequence[KafkaRecord]:
        """All that can be read."""
        return self.read(0, len(self._entries))[0]
