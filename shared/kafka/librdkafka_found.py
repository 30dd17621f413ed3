"""A consumer that lost its broker finds it again.

A broker that was frozen, or cut off, answers before its cluster has it back, and then names no brokers at
all: librdkafka forgets the one that it has, and asks the addresses that it was given again only where a call
asks it for metadata. Without that it was seen to stay alone for as long as it was watched.
"""

import contextlib
from collections.abc import Callable
from time import monotonic
from typing import Any

from confluent_kafka import KafkaException

EVERY_SECONDS = 1.0
ANSWER_SECONDS = 0.3
"""So long the poll of a member that holds nothing waits for it at most."""


class FoundAgain:
    """Asks for the metadata of a topic, now and then. Called in the consumer's thread."""

    def __init__(self, topic: str, clock: Callable[[], float] = monotonic) -> None:
        self._topic = topic
        self._clock = clock
        self._next = 0.0

    def ask(self, consumer: Any) -> None:
        """If it is time. Whether it is answered shows in what the consumer does next."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + EVERY_SECONDS
        with contextlib.suppress(KafkaException):
            consumer.list_topics(self._topic, timeout=ANSWER_SECONDS)
