"""Workers of metrics on a log in memory, where what they send comes back to them: for tests of merging."""

from collections.abc import Sequence
from contextlib import suppress

from msgspec.structs import replace

from services.metrics.domain.apply import CONSUMES
from services.metrics.domain.cells import Delta
from services.metrics.journal.looking import Looking
from shared.kafka.clients import KafkaRecord
from shared.kafka.keys import partition_of
from shared.kafka.publisher import Record
from shared.schemas.codec import encode
from shared.schemas.customers import CustomerMerged, CustomerUnmerged
from shared.schemas.event import Event
from shared.worker.intake import Intake
from shared.worker.processing import Batch, Message, Origin

from .memory import MemoryStore
from .rig import FAR, Rig
from .story import run

PARTITIONS = 2
ALL = frozenset(range(PARTITIONS))


class PublishFailedError(Exception):
    """The worker dies before what it wrote is published."""


def merged(into: str) -> CustomerMerged:
    return CustomerMerged(into=into, reason="same person")


def unmerged(survivor: str) -> CustomerUnmerged:
    return CustomerUnmerged.model_validate({"from": survivor, "reason": "two persons"})


class _Rig(Rig):
    """What it publishes goes into the log."""

    def __init__(self, world: "World") -> None:
        self.world = world
        super().__init__(world.store, looking=world.looking)

    async def publish(self, records: Sequence[Record]) -> None:
        await super().publish(records)
        for record in records:
            self.world.append(record)


class World:
    """A log of several topics and two partitions, and one worker after the other on it."""

    def __init__(self, *, looking: Looking | None = None) -> None:
        self.store = MemoryStore()
        self.logs: dict[tuple[str, int], list[Record]] = {}
        self.positions: dict[tuple[str, int], int] = {}
        self.intake = Intake("metrics", CONSUMES)
        self.looking = looking
        self.rig = _Rig(self)

    async def start(self) -> None:
        """A worker takes over all partitions."""
        time, now = self.rig.time, self.rig.now
        self.rig = _Rig(self)
        self.rig.time, self.rig.now = time, now
        offsets = await self.rig.processor.assigned(ALL, PARTITIONS)
        self.positions = {place: offsets.get(place, 0) for place in self.logs} | dict(offsets)

    def append(self, record: Record) -> None:
        place = (record.topic, partition_of(record.key or b"", PARTITIONS))
        self.logs.setdefault(place, []).append(record)

    def tell(self, event: Event) -> None:
        """Somebody puts an event into the log."""
        value, headers = encode(event)
        self.append(Record(event.data.topic, event.subject.encode(), value, tuple(headers)))

    def behind(self) -> list[tuple[str, int]]:
        """Topics and partitions with records that are not read."""
        return sorted(place for place, log in self.logs.items() if self.positions.get(place, 0) < len(log))

    async def read(self, place: tuple[str, int], most: int) -> None:
        """The next records of one."""
        topic, partition = place
        start = self.positions.get(place, 0)
        records = self.logs[place][start : start + most]
        messages = []
        for offset, record in enumerate(records, start):
            raw = KafkaRecord(topic, partition, offset, record.key, record.value, record.headers, 0)
            slot = self.intake.read(raw, PARTITIONS)
            if slot.event is not None:
                messages.append(
                    Message(partition, slot.event.time, slot.event, Origin(topic, partition, offset), raw)
                )
        end = start + len(records)
        self.positions[place] = end
        await self.rig.processor.process(
            Batch(partition, PARTITIONS, tuple(messages), FAR, FAR, {place: end})
        )

    async def flush(self) -> None:
        await self.rig.flush()

    async def die_before_publishing(self) -> None:
        """What is written stands, and nothing of it is published."""
        self.rig.fails = PublishFailedError()
        with suppress(PublishFailedError):
            await self.rig.flush()
        await self.start()

    async def settle(self) -> None:
        """All is read, and all that follows."""
        for _ in range(50):
            for place in self.behind():
                await self.read(place, 500)
            await self.flush()
            if not self.behind():
                return
        raise AssertionError("it goes on for ever")

    @property
    def survivors(self) -> dict[str, str]:
        """Whom each id that was merged means by now."""
        into = {id: row["into"] for (name, id), row in self.store.put.items() if name == "merged"}
        found = {}
        for id in into:
            end = id
            for _ in range(len(into) + 1):
                end = into.get(end) or end
            found[id] = end
        return found


def counted_as_one(history: Sequence[Event], survivors: dict[str, str]) -> Delta:
    """What the events come to where each is told of the survivor."""
    told = [
        replace(one, subject=survivors.get(one.subject, one.subject))
        for one in history
        if not isinstance(one.data, CustomerMerged | CustomerUnmerged)
    ]
    return run(told)[1]
