"""What a worker sees of the in-memory Kafka: a consumer, a producer, and the publisher on it."""

import asyncio
import sys
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
    RecordTooLargeError,
    Revoked,
    TopicPartition,
)
from shared.kafka.publisher import MAX_RECORD_BYTES
from shared.schemas.topics import TOPICS
from tests.simulation.broker import Broker, Member
from tests.simulation.partition_log import size_of
from tests.simulation.scheduler import Node

LARGEST_BYTES = 2 * MAX_RECORD_BYTES + 64 * 1024


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

    async def poll(
        self, seconds: float, limit: int, room: Collection[TopicPartition], most_bytes: int = sys.maxsize
    ) -> Polled:
        until = self._loop.time() + seconds * self._broker.patience
        while True:
            changed = self._changed()
            if changed is not None:
                return changed
            records = [] if self._broker.away else self._fetch(limit, room, most_bytes)
            left = until - self._loop.time()
            if records or left <= 1e-6:
                await asyncio.sleep(0)
                return records
            self._waiting = self._loop.create_future()
            timer = self._loop.call_later(left, self.wake)
            try:
                await self._waiting
            finally:
                timer.cancel()

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

    def _fetch(self, limit: int, room: Collection[TopicPartition], most_bytes: int) -> list[KafkaRecord]:
        found: list[KafkaRecord] = []
        positions, log = self._positions, self._broker.log
        wanted = [tp for tp in room if tp in positions and log(tp).end > positions[tp]]
        wanted = sorted(tp for tp in wanted if not self._broker.out_of_reach(tp[1]))
        if len(wanted) > 1:
            self._loop.random.shuffle(wanted)
        for tp in wanted:
            part, positions[tp] = log(tp).read(positions[tp], limit - len(found), most_bytes)
            most_bytes -= sum(map(size_of, part))
            found += part
        if found:
            self._node.reach("before the transaction")
        return found

    async def start(self, taken: Assigned, offsets: Mapping[TopicPartition, int]) -> bool:
        await self._reach(5.0)
        if self._current is not taken:
            return False
        committed = self._broker.group.committed
        self._positions = {tp: offsets.get(tp, committed.get(tp, 0)) for tp in taken.held}
        return True

    async def _reach(self, seconds: float, of: Collection[TopicPartition] = ()) -> None:
        """The broker, or these partitions' leaders."""
        await asyncio.sleep(self._loop.random.uniform(0.0005, 0.003))
        if wait := self._out_of_reach(of):
            await asyncio.sleep(min(seconds, wait + 0.01))
        if self._out_of_reach(of):
            raise BrokerAwayError("the broker is away")

    def _out_of_reach(self, of: Collection[TopicPartition]) -> float:
        broker = self._broker
        now = max(0.0, broker.away_until - self._loop.time())
        return max([now, *(broker.out_of_reach(partition) for _, partition in of)])

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
        await self._reach(2.0, of)
        return [tp for tp in of if self._positions.get(tp, 1 << 60) < self._broker.log(tp).end]

    async def lags(self, of: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {tp: max(0, self._broker.log(tp).end - self._positions.get(tp, 1 << 60)) for tp in of}

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
        self._broken = self._stuck = False

    async def send(self, records: Sequence[Record], seconds: float) -> None:
        broker = self._broker
        broker.sends += 1
        fault = broker.send_faults.get(broker.sends)
        self._loop.note(f"{self._node.name} sends {len(records)}{f': {fault.kind}' if fault else ''}")
        if broker.closed:
            raise asyncio.CancelledError
        if any(len(r.key or b"") + len(r.value or b"") > LARGEST_BYTES for r in records):
            raise RecordTooLargeError
        kind = fault.kind if fault is not None else ""
        if kind:
            self._loop.hits[f"send {kind}"] += 1
        self._broken |= kind == "broken"
        self._stuck |= kind == "stuck"
        if self._broken:
            raise ProducerBrokenError("out of order sequence number")
        if self._stuck:
            await asyncio.sleep(seconds)
            raise BrokerAwayError("not acknowledged in time")
        await self._reach({r.partition or 0 for r in records}, seconds)
        kept = {"lose_request": 0, "half": len(records) // 2}.get(kind, len(records))
        await self._write(records[:kept], seconds, acknowledged=not kind)
        self._node.published()

    async def _reach(self, partitions: Collection[int], seconds: float) -> None:
        if wait := max(map(self._broker.out_of_reach, partitions)):
            await asyncio.sleep(min(seconds, wait + 0.01))
        if any(map(self._broker.out_of_reach, partitions)):
            raise BrokerAwayError("the broker is away")

    async def _write(self, records: Sequence[Record], seconds: float, *, acknowledged: bool) -> None:
        broker, written = self._broker, self._loop.create_future()

        def arrive() -> None:
            if broker.away:
                return
            for record in records:
                broker.append(record)
            if acknowledged and not written.done():
                written.set_result(None)

        self._loop.call_later(self._loop.random.uniform(0.0005, 0.004), arrive, context=Context())
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
