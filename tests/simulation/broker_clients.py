"""What a worker sees of the in-memory Kafka: a consumer, a producer, and the publisher on it."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextvars import Context

from shared.kafka.clients import (
    Assigned,
    BrokerAwayError,
    KafkaRecord,
    Lost,
    Polled,
    ProducerBrokenError,
    Record,
    Revoked,
    TopicPartition,
)
from shared.schemas.topics import TOPICS
from tests.simulation.broker import Broker, Member
from tests.simulation.scheduler import Node


class SimConsumer:
    """Implements ``ConsumerClient``."""

    def __init__(self, broker: Broker, node: Node, topics: Collection[str]) -> None:
        self._broker = broker
        self._node = node
        self._loop = broker.loop
        broker.group.topics = tuple(sorted(topics))
        self._member: Member | None = None
        self._current: Assigned | None = None
        self._positions: dict[TopicPartition, int] = {}
        self._pending: dict[TopicPartition, int] = {}
        self._waiting: asyncio.Future[None] | None = None

    def wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def poll(self, seconds: float, limit: int, room: Collection[TopicPartition]) -> Polled:
        until = self._loop.time() + seconds
        while True:
            changed = self._changed()
            if changed is not None:
                return changed
            records = [] if self._broker.away else self._fetch(limit, room)
            left = until - self._loop.time()
            if records or left <= 1e-6:
                await asyncio.sleep(0)
                return records
            self._waiting = self._loop.create_future()
            await asyncio.wait({self._waiting}, timeout=left)

    def _changed(self) -> Assigned | Revoked | Lost | None:
        member, group = self._member, self._broker.group
        if member is None or (member not in group.members and not member.inbox):
            if self._broker.away:
                return None
            member = self._member = group.join(self._node, self)
        member.polled_at = self._loop.time()
        if not member.inbox:
            return None
        item = member.inbox.popleft()
        self._positions = {}
        self._current = item if isinstance(item, Assigned) else None
        return item

    def _fetch(self, limit: int, room: Collection[TopicPartition]) -> list[KafkaRecord]:
        found: list[KafkaRecord] = []
        wanted = [tp for tp in sorted(room) if self._broker.end(tp) > self._positions.get(tp, 1 << 60)]
        self._loop.random.shuffle(wanted)
        for tp in wanted:
            at = self._positions[tp]
            part = self._broker.logs[tp][at : at + limit - len(found)]
            self._positions[tp] = at + len(part)
            found += part
        return found

    async def start(self, taken: Assigned, offsets: Mapping[TopicPartition, int]) -> bool:
        await self._reach(5.0)
        if self._current is not taken:
            return False
        committed = self._broker.group.committed
        self._positions = {tp: offsets.get(tp, committed.get(tp, 0)) for tp in taken.held}
        return True

    async def _reach(self, seconds: float) -> None:
        await asyncio.sleep(self._loop.random.uniform(0.0005, 0.003))
        if self._broker.away:
            await asyncio.sleep(min(seconds, self._broker.away_until - self._loop.time() + 0.01))
        if self._broker.away:
            raise BrokerAwayError("the broker is away")

    async def confirm(self, taken: Assigned) -> bool:
        await self._reach(5.0)
        return self._current is taken and self._member in self._broker.group.members

    def release(self, revoked: Revoked, offsets: Mapping[TopicPartition, int]) -> None:
        if self._member is not None:
            mine = {} if self._broker.away else {**self._pending, **offsets}
            self._pending = {}
            self._broker.group.released(self._member, mine)

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self._pending.update(offsets)
        self.flush()

    def flush(self) -> None:
        """Send what waits to be committed; of a lost membership nothing is."""
        if self._pending and self._member is not None and not self._broker.away and self._node.awake:
            self._broker.group.commit(self._member, self._pending)
            self._pending = {}

    @property
    def uncommitted_for(self) -> float:
        return 0.0

    async def unread(self, of: Collection[TopicPartition]) -> Collection[TopicPartition]:
        await self._reach(2.0)
        return [tp for tp in of if self._positions.get(tp, 1 << 60) < self._broker.end(tp)]

    async def lags(self, of: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {tp: max(0, self._broker.end(tp) - self._positions.get(tp, 1 << 60)) for tp in of}

    async def partitions(self, topic: str) -> int:
        await self._reach(5.0)
        return self._broker.partitions

    async def close(self, seconds: float) -> bool:
        self.flush()
        if self._member is not None and not self._broker.away:
            self._broker.group.leave(self._member)
        return True


class SimProducer:
    """Implements ``ProducerClient``."""

    def __init__(self, broker: Broker, node: Node) -> None:
        self._broker = broker
        self._node = node
        self._loop = broker.loop
        self._broken = False

    async def send(self, records: Sequence[Record], seconds: float) -> None:
        broker = self._broker
        broker.sends += 1
        fault = broker.send_faults.get(broker.sends)
        self._loop.note(f"{self._node.name} sends {len(records)}{f': {fault.kind}' if fault else ''}")
        if broker.closed:
            raise asyncio.CancelledError
        if fault is not None and fault.kind == "broken":
            self._broken = True
        if self._broken:
            raise ProducerBrokenError("out of order sequence number")
        if broker.away:
            await asyncio.sleep(min(seconds, broker.away_until - self._loop.time() + 0.01))
            if broker.away:
                raise BrokerAwayError("the broker is away")
        kind = fault.kind if fault is not None else ""
        kept = {"lose_request": 0, "half": len(records) // 2}.get(kind, len(records))
        written: asyncio.Future[None] = self._loop.create_future()
        later = self._loop.random.uniform(0.0005, 0.004)

        def arrive() -> None:
            if broker.away:
                return
            for r in records[:kept]:
                broker.append(r.topic, r.key, r.value, r.headers, r.partition)
            if not kind and not written.done():
                written.set_result(None)

        self._loop.call_later(later, arrive, context=Context())
        try:
            async with asyncio.timeout(seconds):
                await written
        except TimeoutError:
            raise BrokerAwayError("not acknowledged in time") from None

    async def counts(self) -> Mapping[str, int]:
        if self._broker.away:
            raise BrokerAwayError("the broker is away")
        return dict.fromkeys([*TOPICS, *(f"{t}.dlq" for t in TOPICS)], self._broker.partitions)

    async def close(self, seconds: float) -> bool:
        return True
