"""What Rapport needs of Kafka: one reader that is a member of a group, and one writer.

Every call returns within its bound, whatever the broker does. The broker itself (``librdkafka_*.py``)
and the simulator's stand behind these. Nothing here is called from more than one task at a time, but
for ``ProducerClient.send``, which many may be in at once, and ``ConsumerClient.confirm``, beside which it
is polled.
"""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from msgspec import Struct

from shared.runtime.refusal import Refusal

TopicPartition: TypeAlias = tuple[str, int]


class BrokerAwayError(Exception):
    """The broker did not answer in time. Of records that were sent, some may be in the log."""


class BrokerRefusedError(BrokerAwayError):
    """The broker did not let this client in, or is not to be trusted: ``refusal`` says what is to be done."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal


class ProducerBrokenError(BrokerAwayError):
    """This producer can never write again; a new one can."""


class RecordTooLargeError(Exception):
    """The broker takes no record of this size, now or later."""


@dataclass(frozen=True, slots=True)
class Record:
    """A Kafka record to be written."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None
    about: tuple[str, ...] = ()
    """The customers of whom it tells somebody else, for whoever keeps it."""


RECORD_BYTES, HEADER_BYTES = 300, 200
"""What a record takes in memory beside its key, value and headers; and each header beside its text."""


class KafkaRecord(Struct, frozen=True, gc=False):
    """A record as it was read. ``headers`` in the order written, names may repeat."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    stamp: int = -1
    """When it came to the broker, in milliseconds."""

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, about."""
        size = RECORD_BYTES + len(self.key or b"") + len(self.value or b"")
        for name, value in self.headers:
            size += HEADER_BYTES + len(name) + len(value or b"")
        return size


class Assigned(Struct, frozen=True, eq=False):
    """All that this member holds from now on, perhaps nothing: nothing of it is read until ``start``.

    Compared by identity: two of the same partitions are two assignments.
    """

    held: frozenset[TopicPartition]


class Revoked(Struct, frozen=True, eq=False):
    """All that was held is about to go: the group waits for ``release``, up to ``RELEASE_SECONDS``."""

    held: frozenset[TopicPartition]


class Lost(Struct, frozen=True, eq=False):
    """All that was held is gone, perhaps to somebody else already: nothing of it can be committed."""

    held: frozenset[TopicPartition]


Polled: TypeAlias = Sequence[KafkaRecord] | Assigned | Revoked | Lost

RELEASE_SECONDS = 8.0
"""How long a group waits for a ``release``; well under the poll interval. The record loop needs less."""


class ConsumerClient(Protocol):
    """A member of a consumer group. Range assignment: a partition number is with one member in every
    topic. Only committed records are read. It joins with the first ``poll``."""

    async def poll(
        self, seconds: float, limit: int, room: Collection[TopicPartition], most_bytes: int = sys.maxsize
    ) -> Polled:
        """The next change of the group; else up to ``limit`` records of the partitions in ``room``, about
        ``most_bytes`` or one that is larger, in order per partition; else nothing after ``seconds``. It is
        also what keeps the member in its group, so it is called in every state, more often than the poll
        interval.

        After ``Revoked`` or ``Lost`` nothing is held until the next ``Assigned``. Raises
        ``BrokerAwayError`` only where the client itself can go on no more: it is to be closed, and a new
        one made. A broker that is away brings nothing, as if there were nothing new.
        """

    async def start(self, taken: Assigned, offsets: Mapping[TopicPartition, int]) -> bool:
        """Read all of ``taken``, from ``offsets``; where there is none, from what the group has committed,
        else from the beginning. False where ``taken`` is over already: its successor is on its way.
        Also to read again what was read. Raises ``BrokerAwayError`` within 5 s: nothing is read yet."""

    async def confirm(self, taken: Assigned) -> bool:
        """Whether the group says, now, that ``taken`` is this member's: it takes a commit from it, of no
        news. False where it says no: a change is on its way, which polls will bring. The answer comes with a
        poll, so it is polled meanwhile. Raises ``BrokerAwayError`` within 5 s: nobody knows."""

    def release(self, revoked: Revoked, offsets: Mapping[TopicPartition, int]) -> None:
        """Let go. ``offsets`` are committed before anybody else is assigned these partitions, where the
        broker can be reached. Never waits, never raises."""

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit as soon as it is possible, merged with what waits to be committed; of partitions that
        are not held, nothing. Never waits, never raises: what is read again is known as handled."""

    @property
    def uncommitted_for(self) -> float:
        """Seconds since the oldest of the commits that are not acknowledged; 0 when all are."""

    async def unread(self, of: Collection[TopicPartition]) -> Collection[TopicPartition]:
        """Those of these (all held) that have records in the log now which no poll has brought. Raises
        ``BrokerAwayError`` within 2 s."""

    async def lags(self, of: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Records in the log that no poll has brought, as of the last fetch; for the gauges, 0 if not
        known. Asks nobody."""

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has; 0 if there is none. Raises ``BrokerAwayError`` within 5 s."""

    async def close(self, seconds: float) -> bool:
        """Leave the group, after what waits to be committed. False if that took longer than ``seconds``
        and was given up: the group then waits for the session's end. Never raises."""


class ProducerClient(Protocol):
    """One idempotent producer; acknowledged is what all in-sync replicas have."""

    async def send(self, records: Sequence[Record], seconds: float) -> None:
        """Write the records, each with its ``partition``, in order per partition; all are acknowledged
        on return. Raises ``BrokerAwayError`` within ``seconds`` and a little, ``ProducerBrokenError``
        where sending again by the same producer is of no use, ``RecordTooLargeError``."""

    async def counts(self) -> Mapping[str, int]:
        """Every topic's number of partitions, asked of the broker. Raises ``BrokerAwayError`` within 2 s,
        ``BrokerRefusedError`` where it is known why."""

    async def close(self, seconds: float) -> bool:
        """False if records were under way still: they may be lost. Never raises."""


ConsumerFactory: TypeAlias = Callable[[], ConsumerClient]
ProducerFactory: TypeAlias = Callable[[], ProducerClient]
"""Make a client anew, where the one before can go on no more. Called within a running event loop."""
