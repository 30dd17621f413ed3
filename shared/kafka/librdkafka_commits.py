"""Commits of a group's consumer: asynchronous, one under way at a time, what comes meanwhile merged."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, TypeAlias

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as Place

from shared.kafka.clients import TopicPartition
from shared.kafka.librdkafka_thread import LOGGER

Tell: TypeAlias = Callable[[bool | Exception], None]
"""Takes the group's answer to whether a member still is one."""

AGAIN_SECONDS = 1.0
_NOT_A_MEMBER = frozenset(
    {
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.FENCED_INSTANCE_ID,
    }
)


class GroupCommits:
    """All of it is called in the consumer's thread; ``since`` may be read, and set, in any."""

    def __init__(self) -> None:
        self.since: float | None = None
        """When the oldest commit was asked for that is not acknowledged."""
        self._pending: dict[TopicPartition, int] = {}
        self._under_way = False
        self._at = 0.0
        self._asked: list[Tell] = []
        """Who waits for the acknowledgement of a commit that is not sent yet."""
        self._asking: list[Tell] = []
        """And of the one under way."""

    def add(self, offsets: Mapping[TopicPartition, int]) -> None:
        """To be sent with the next."""
        self._pending.update(offsets)
        if not self._pending and not self._under_way:
            self.since = None

    def send_due(self, consumer: Any) -> None:
        """Send what waits, if it may be."""
        if self._pending and not self._under_way and monotonic() >= self._at:
            self.send(consumer)

    def send(self, consumer: Any) -> None:
        """One at a time: what comes meanwhile is merged, so that an older one is hardly applied later."""
        if not self._pending:
            return
        places = [Place(topic, p, offset) for (topic, p), offset in self._pending.items()]
        if self.since is None:
            self.since = monotonic()
        try:
            consumer.commit(offsets=places, asynchronous=True)
        except KafkaException as error:
            LOGGER.warning("commit not sent: %s", error)
            self._at = monotonic() + AGAIN_SECONDS
            self._answer(error)
        else:
            self._under_way, self._pending = True, {}
            self._asking, self._asked = self._asking + self._asked, []

    def ask(self, consumer: Any, unchanged: Mapping[TopicPartition, int], tell: Tell) -> None:
        """Have the group say whether this still is a member, by a commit: of ``unchanged`` offsets, where
        nothing else is to be committed."""
        self._asked.append(tell)
        if self._under_way:
            return  # the one after it tells
        if not self._pending:
            self._pending.update(unchanged)
        self.send(consumer)

    def acknowledged(self, consumer: Any, error: Any, places: list[Any], held: Mapping[Any, Any]) -> None:
        """The one under way has been answered; of those ``held`` it is tried again."""
        self._under_way = False
        failed = error or next((p.error for p in places if p.error is not None), None)
        if failed is not None:
            LOGGER.info("commit refused: %s", failed)
            for p in places:
                if (p.topic, p.partition) in held:
                    self._pending.setdefault((p.topic, p.partition), p.offset)
            self._at = monotonic() + AGAIN_SECONDS
            self._answer(False if failed.code() in _NOT_A_MEMBER else KafkaException(failed))
        else:
            told, self._asking = self._asking, []
            for tell in told:
                tell(True)
            if self._asked and not self._pending:
                self._pending = {(p.topic, p.partition): p.offset for p in places}
            if self._pending:
                self.since = monotonic()
                self.send(consumer)
        if not self._pending and not self._under_way:
            self.since = None

    def forget(self, *, lost: bool = False) -> None:
        """What is not held is committed no more, and nothing waits for it. ``lost``: nor is anything under
        way."""
        self._pending = {}
        self.since = None
        self._under_way = self._under_way and not lost
        self._answer(False)

    def _answer(self, answer: bool | Exception) -> None:
        told, self._asked, self._asking = self._asking + self._asked, [], []
        for tell in told:
            tell(answer)
