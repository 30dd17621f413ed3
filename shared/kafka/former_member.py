"""Farewell to a member that its client has given up.

A client that hears nothing of its coordinator for a session gives its membership up, to join under another
name. A broker that was restarted has read the old member from its log, and has the new one wait for it, for a
session more; so the old one is taken out by request. And a broker that was frozen finds the client's request
to join among what it has not answered, and waits for its sender, who has given up on that too; so nobody
joins before the coordinator has answered. librdkafka has no such request; kafka-python's admin client has.
"""

import logging
from collections.abc import Callable
from contextlib import closing
from threading import Event, Thread
from time import monotonic

from shared.kafka.brokers import Brokers

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.3
ANSWER_SECONDS = 2.0
GIVE_UP_SECONDS = 4.0
"""After a broker answers, but not this: it is not allowed."""
NOT_YET = ("NotCoordinatorError", "CoordinatorNotAvailableError", "CoordinatorLoadInProgressError")
"""The group's coordinator is not there yet, so that nobody can join either."""


class Farewell:
    """Tries until the group has answered, in a thread of its own. ``reachable``: whether the broker answers
    at all; asked in that thread."""

    def __init__(self, brokers: Brokers, group: str, member: str, reachable: Callable[[], bool]) -> None:
        self._brokers = brokers
        self._group = group
        self._member = member
        self._reachable = reachable
        self._over = Event()
        Thread(target=self._run, name="kafka-farewell", daemon=True).start()

    @property
    def over(self) -> bool:
        """From now on it can be joined."""
        return self._over.is_set()

    def end(self) -> None:
        self._over.set()

    def _run(self) -> None:
        since: float | None = None
        while not self._over.wait(PAUSE_SECONDS):
            if not self._reachable():
                continue
            since = since or monotonic()
            try:
                answer = self._ask()
            except Exception as error:  # whatever it is: not all is there yet, or this is not allowed
                answer = type(error).__name__
                if answer in NOT_YET:
                    since = None
                if since is None or monotonic() - since < GIVE_UP_SECONDS:
                    continue
            log.info("farewell to a former member: %s", answer)
            self._over.set()

    def _ask(self) -> str:
        """The name of the group's answer."""
        from kafka import KafkaAdminClient  # few workers ever need it
        from kafka.admin import MemberToRemove

        logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it tells of each try while a broker is away
        milliseconds = int(ANSWER_SECONDS * 1000)
        client = KafkaAdminClient.__new__(KafkaAdminClient)
        client._closed = False  # else `close` leaves the connections open that one without an answer has
        with closing(client):
            KafkaAdminClient.__init__(
                client,
                **self._brokers.kafka_python(),
                bootstrap_timeout_ms=milliseconds,
                request_timeout_ms=milliseconds,
                client_id="rapport-farewell",
            )
            answers = client.remove_group_members(self._group, [MemberToRemove(self._member)])
            (answer,) = answers.values()
            return str(answer.__name__)
