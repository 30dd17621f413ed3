"""A consumer of librdkafka as its one thread sees it: the group's callbacks, positions, commits.

Two of its calls are never waited for, as they take as long as a broker is frozen: a synchronous commit,
and ``close`` behind a commit.
"""

from collections.abc import Callable, Collection, Mapping
from threading import Event, Thread
from typing import Any, TypeAlias

from confluent_kafka import Consumer, IsolationLevel, KafkaException
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from shared.kafka.brokers import Brokers
from shared.kafka.clients import (
    RECORD_BYTES,
    RELEASE_SECONDS,
    Assigned,
    BrokerAwayError,
    KafkaRecord,
    Lost,
    Revoked,
    TopicPartition,
)
from shared.kafka.former_member import Farewell
from shared.kafka.librdkafka_commits import GroupCommits, Tell
from shared.kafka.librdkafka_found import FoundAgain
from shared.kafka.librdkafka_thread import LOGGER

Change: TypeAlias = Assigned | Revoked | Lost
EARLIEST, LATEST = OffsetSpec.earliest(), OffsetSpec.latest()  # type: ignore[no-untyped-call]


class GroupConsumer:
    """All of it is called in one thread, but for ``release``, ``hurry`` and ``commits.since``."""

    def __init__(
        self,
        brokers: Brokers,
        options: Mapping[str, Any],
        topics: Collection[str],
        tell: Callable[[Change], None],
    ) -> None:
        self._brokers = brokers
        self._options = {**brokers.librdkafka(), **options}
        self._topics = sorted(topics)
        self._tell = tell
        self._consumer: Any = None
        self._admin: Any = None
        self._current: Assigned | None = None
        self._member_id = ""
        """Under which the group knows it."""
        self._farewell: Farewell | None = None
        """To the member that it was before."""
        self._begin: dict[TopicPartition, int] = {}
        """What is read, and from where it was begun."""
        self._paused: set[TopicPartition] = set()
        self.commits = GroupCommits()
        self._fatal: str | None = None
        self._released = Event()
        self._last: Mapping[TopicPartition, int] = {}
        self._leaving = False
        self._found = FoundAgain(self._topics[0])

    # From another thread

    def release(self, offsets: Mapping[TopicPartition, int]) -> None:
        """End the wait in a revoke: these are the last offsets."""
        self._last = dict(offsets)
        self._released.set()

    def hurry(self) -> None:
        """No revoke waits any more."""
        self._leaving = True
        self._released.set()

    # In its own

    def open(self) -> None:
        try:
            self._admin = AdminClient(self._brokers.librdkafka(), logger=LOGGER)
            self._join()
        except Exception as error:  # in the client's thread: told by the next poll
            self._fatal = f"{type(error).__name__}: {error}"

    def _join(self) -> None:
        """By a client that is new: one that lost its group may have lost its brokers for good."""
        former, mine = self._consumer, None

        def acknowledged(error: Any, places: list[Any]) -> None:
            if mine is self._consumer:
                self.commits.acknowledged(mine, error, places, self._begin)

        options = {**self._options, "on_commit": acknowledged, "error_cb": self._error}
        mine = self._consumer = Consumer(options, logger=LOGGER)
        if former is not None:  # it waits for as long as its broker is frozen
            Thread(target=former.close, name="kafka-former", daemon=True).start()
        self._consumer.subscribe(
            self._topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
        )

    def _error(self, error: Any) -> None:
        if error.fatal():
            self._fatal = str(error)

    def poll(
        self, seconds: float, limit: int, room: frozenset[TopicPartition], most_bytes: int
    ) -> list[KafkaRecord]:
        if self._fatal is not None:
            raise BrokerAwayError(f"the consumer can go on no more: {self._fatal}")
        if self._farewell is not None and self._farewell.over:
            self._farewell = None
            self._join()
        if self._current is None or not self._current.held:
            self._found.ask(self._consumer)
        self.commits.send_due(self._consumer)
        self._make_room(room)
        self._admin.poll(0)  # which is how its log is told
        first = self._consumer.poll(seconds)
        if first is None:
            return []
        records: list[KafkaRecord] = []
        messages, asked = [first], 1
        largest, left = RECORD_BYTES, most_bytes
        while True:
            for message in messages:
                if message.error() is None:
                    records.append(_record(message))
                else:
                    self._met(message.error())
            sizes = [*map(len, messages)]
            largest = max(largest, RECORD_BYTES + max(sizes, default=0))
            left -= sum(sizes) + RECORD_BYTES * len(sizes)
            if len(messages) < asked:
                return records
            # How large the next are is not known before: as many as fit if they are like the largest so far.
            asked = min(limit - len(records), left // largest)
            if asked <= 0:
                return records
            messages = self._consumer.consume(asked, 0)

    def _met(self, error: Any) -> None:
        if error.fatal():
            self._fatal = str(error)
        else:
            LOGGER.warning("%s", error)

    def _make_room(self, room: frozenset[TopicPartition]) -> None:
        """Pausing throws away what was fetched ahead, so nothing is paused that need not be."""
        full = self._begin.keys() - room
        if full == self._paused:
            return
        if pause := full - self._paused:
            self._consumer.pause(_places(pause))
        if resume := self._paused - full:
            self._consumer.resume(_places(resume))
        self._paused = set(full)

    def _assigned(self, consumer: Any, places: list[Any]) -> None:
        consumer.assign([])  # nothing is fetched until `start` says from where
        self._current = Assigned(frozenset((p.topic, p.partition) for p in places))
        self._member_id = consumer.memberid()
        self._tell(self._current)

    def _revoked(self, consumer: Any, places: list[Any]) -> None:
        self._released.clear()
        self._last = {}
        self._current = None
        self._tell(Revoked(frozenset((p.topic, p.partition) for p in places)))
        if not self._leaving:
            self._released.wait(RELEASE_SECONDS)
        # It leaves before the member joins again, on the same connection.
        self.commits.add(self._held(self._last))
        self.commits.send(self._consumer)
        self._begin, self._paused = {}, set()
        self.commits.forget()
        consumer.unassign()

    def _lost(self, consumer: Any, places: list[Any]) -> None:
        self._current = None
        self._begin, self._paused = {}, set()
        self.commits.forget(lost=True)
        self._tell(Lost(frozenset((p.topic, p.partition) for p in places)))
        former, self._member_id = self._member_id, ""
        if former and consumer.memberid() != former:  # it joins once the coordinator has answered
            consumer.unsubscribe()
            self._farewell = Farewell(self._brokers, self._options["group.id"], former, self._reachable)
        consumer.unassign()

    def _reachable(self) -> bool:
        try:
            self._admin.list_topics(timeout=1.0)
        except KafkaException:
            return False
        return True

    def start(self, taken: Assigned, offsets: dict[TopicPartition, int]) -> bool:
        if self._current is not taken:
            return False
        lows = self._ends(taken.held, EARLIEST, 2.0)
        begin = {place: offsets[place] for place in taken.held if place in offsets}
        begin |= self._committed(taken.held - begin.keys())
        # What has run out of its retention is as good as read.
        self._begin = {place: max(offset, lows[place]) for place, offset in begin.items()}
        paused, self._paused = self._paused, set()
        self._consumer.assign([Place(topic, p, offset) for (topic, p), offset in self._begin.items()])
        if left := paused & self._begin.keys():
            self._consumer.resume(_places(left))
        return True

    def _committed(self, of: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """What the group has committed; negative where it has nothing."""
        found = self._consumer.committed(_places(of), timeout=2.0) if of else []
        for place in found:
            if place.error is not None:
                raise KafkaException(place.error)
        return {(place.topic, place.partition): place.offset for place in found}

    def confirm(self, taken: Assigned, tell: Tell) -> None:
        """Have the group say whether ``taken`` still is this member's."""
        if self._current is not taken:
            tell(False)
            return
        try:
            place, offset = max(self._committed(taken.held).items(), key=lambda found: found[1])
            unchanged = offset if offset >= 0 else self._ends([place], EARLIEST, 2.0)[place]
        except (KafkaException, TimeoutError) as error:
            tell(BrokerAwayError(str(error)))
        else:
            self.commits.ask(self._consumer, {place: unchanged}, tell)

    def _ends(self, of: Collection[TopicPartition], spec: Any, seconds: float) -> dict[TopicPartition, int]:
        """By a connection of its own: the consumer's has a fetch that waits. Raises ``TimeoutError``."""
        asked = self._admin.list_offsets(
            dict.fromkeys(_places(of), spec),
            isolation_level=IsolationLevel.READ_COMMITTED,
            request_timeout=seconds,
        )
        try:
            ends = {(p.topic, p.partition): future.result(seconds).offset for p, future in asked.items()}
        except KafkaException:  # a leader that was away has another epoch: this client would never notice
            self._admin.list_topics(timeout=0.5)
            raise
        if min(ends.values(), default=0) < 0:  # no error, and no answer either
            raise TimeoutError("The broker did not say where the log begins and ends.")
        return ends

    def _positions(self, of: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The next offset to be polled, of what is held."""
        held = [place for place in of if place in self._begin]
        found = {(p.topic, p.partition): p.offset for p in self._consumer.position(_places(held))}
        return {place: found[place] if found[place] >= 0 else self._begin[place] for place in held}

    def unread(self, of: Collection[TopicPartition]) -> list[TopicPartition]:
        positions = self._positions(of)
        ends = self._ends(positions, LATEST, 1.5) if positions else {}
        return [place for place, end in ends.items() if positions[place] < end]

    def lags(self, of: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        lags = {}
        for place, position in self._positions(of).items():
            marks = self._consumer.get_watermark_offsets(Place(*place), cached=True)
            lags[place] = max(0, marks[1] - position) if marks else 0
        return lags

    def count(self, topic: str) -> int:
        found = self._consumer.list_topics(topic, timeout=2.0).topics.get(topic)
        return len(found.partitions) if found is not None and found.error is None else 0

    def commit(self, offsets: dict[TopicPartition, int]) -> None:
        self.commits.add(self._held(offsets))
        self.commits.send_due(self._consumer)

    def _held(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        return {place: offset for place, offset in offsets.items() if place in self._begin}

    def close(self) -> None:
        if self._farewell is not None:
            self._farewell.end()
        if self._consumer is not None:
            self._consumer.close()


def _places(of: Collection[TopicPartition]) -> list[Any]:
    return [Place(topic, partition) for topic, partition in of]


def _record(message: Any) -> KafkaRecord:
    headers = message.headers()
    return KafkaRecord(
        message.topic(),
        message.partition(),
        message.offset(),
        message.key(),
        message.value(),
        tuple(headers) if headers else (),
        message.timestamp()[1],
    )
