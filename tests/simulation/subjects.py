"""The services under simulation: how each one's processor is made, and what its run must have come to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache, partial
from typing import Any, Protocol, TypeAlias

from services.loyalty.config import load
from services.loyalty.domain import apply as loyalty
from services.loyalty.domain.rows import COLLECTIONS
from services.loyalty.domain.state import MemberState
from services.metrics.domain import apply as metrics
from services.metrics.domain.cells import Delta
from services.metrics.domain.rows import segment_and_channel, unpack_tail
from services.metrics.domain.state import Customer, encode
from services.metrics.domain.tracked import Tracked
from services.metrics.journal.processor import CompactProcessor
from services.metrics.journal.seen import event_hash
from services.metrics.journal.store import WorkerStore as MetricsStore
from shared.domain import Handler
from shared.journal.processor import JournalProcessor
from shared.journal.store import WorkerStore
from shared.kafka.clients import KafkaRecord, TopicPartition
from shared.kafka.publisher import Publisher
from shared.schemas.times import day_number, micros
from shared.worker.intake import Intake
from shared.worker.processing import Processor
from tests.simulation.client import SimClient
from tests.simulation.judge import Said, expected, found, in_order
from tests.simulation.logs import END
from tests.simulation.server import Server
from tests.unit.journal.kiosk import KIOSK
from tests.unit.journal.memory import HANDLER

Logs: TypeAlias = Mapping[TopicPartition, Sequence[KafkaRecord]]
SECRET = b"k" * 16


class Subject(Protocol):
    """A service as the simulation sees it."""

    service: str
    topics: tuple[str, ...]

    def intake(self) -> Intake: ...

    def processor(self, client: SimClient, publisher: Publisher) -> Processor: ...

    def differences(self, server: Server, logs: Logs, partitions: int, produced: set[Said]) -> list[str]:
        """From a run without trouble, in words."""


class JournalSubject:
    """A service on the journal."""

    def __init__(self, handler: Handler[Any], topics: tuple[str, ...], rows: tuple[str, ...]) -> None:
        self.handler = handler
        self.service = handler.service
        self.topics = topics
        self._rows = rows

    def intake(self) -> Intake:
        return Intake(self.service, self.handler.consumes, wall_clock=lambda: END)

    def processor(self, client: SimClient, publisher: Publisher) -> Processor:
        store: WorkerStore[Any] = WorkerStore(client, self.handler)  # type: ignore[arg-type]
        return JournalProcessor(
            self.handler,
            store,
            publisher,
            secret_key=SECRET,
            stream=True,
            wall_clock=lambda: END,
        )

    def differences(self, server: Server, logs: Logs, partitions: int, produced: set[Said]) -> list[str]:
        wanted = expected(self.handler, self.intake(), logs, partitions, self.topics)
        got = found(server, f"rapport_{self.service}", self._rows, logs, produced)
        return got.differences(wanted)


class MetricsSubject:
    """Metrics, with its compact journal."""

    service = "metrics"
    topics = ("clock", "purchases")

    def intake(self) -> Intake:
        return Intake(self.service, metrics.CONSUMES, wall_clock=lambda: END)

    def processor(self, client: SimClient, publisher: Publisher) -> Processor:
        return CompactProcessor(
            MetricsStore(client["rapport_metrics"], client),  # type: ignore[arg-type]
            publisher.publish,
            stream=True,
            clock=client.store.loop.time,
            wall_clock=lambda: END,
            warm_customers=3,
        )

    def differences(self, server: Server, logs: Logs, partitions: int, produced: set[Said]) -> list[str]:
        cells: Counter[Any] = Counter()
        customers: dict[str, bytes] = {}
        for partition in range(partitions):
            delta: Delta = {}
            tracked: dict[str, Tracked] = {}
            seen = set[int]()
            for slot in in_order(self.intake(), logs, partition, partitions, self.topics):
                assert slot.event is not None
                h = event_hash(slot.event.uid)
                if slot.topic == "clock" or h in seen:
                    continue
                seen.add(h)
                one = tracked.setdefault(slot.event.subject, Tracked(Customer()))
                metrics.apply(one, slot.event, micros(slot.event.time), delta)
            cells.update(delta)
            for subject, one in tracked.items():
                one.trim()
                customers[subject] = encode(one.data)
        return self._compared(server, {k: n for k, n in cells.items() if n}, customers)

    def _compared(self, server: Server, cells: dict[Any, int], customers: dict[str, bytes]) -> list[str]:
        got: Counter[Any] = Counter()
        for collection in ("days", "gaps"):
            for document in server.find(("rapport_metrics", collection), {}):
                got.update(_cells(document))
        for document in server.find(("rapport_metrics", "partitions"), {}):
            got.update(unpack_tail(bytes(document.get("tail", b""))))
        mine = {k: n for k, n in got.items() if n}
        keys = sorted(mine.keys() | cells.keys(), key=repr)
        problems = [
            f"cell {k}: {mine.get(k)} instead of {cells.get(k)}" for k in keys if mine.get(k) != cells.get(k)
        ]
        records = {d["_id"]: bytes(d["record"]) for d in server.find(("rapport_metrics", "customers"), {})}
        problems += [f"customer {s}: another record" for s in customers if records.get(s) != customers[s]]
        return problems


def _cells(document: Mapping[str, Any]) -> Delta:
    day = day_number(date.fromisoformat(str(document["_id"]).partition(":")[0]))
    found: Delta = {}
    for cell, fields in document.get("cells", {}).items():
        segment, channel = segment_and_channel(cell)
        found |= {(day, segment, channel, name): n for name, n in fields.items()}
    return found


@cache
def subject(name: str) -> Subject:
    """By the name that a scenario has."""
    match name:
        case "kiosk":
            return JournalSubject(KIOSK, ("clock", "purchases"), ("ledger", "days"))
        case "tally":
            return JournalSubject(HANDLER, ("clock", "purchases"), ("ledger",))
        case "loyalty":
            new = MemberState()
            handler = Handler(
                "loyalty",
                loyalty.CONSUMES,
                MemberState,
                lambda customer: new,
                partial(loyalty.apply, load()),
                COLLECTIONS,
            )
            topics = ("clock", "commands", "complaints", "purchases")
            return JournalSubject(handler, topics, tuple(c.name for c in COLLECTIONS))
        case "metrics":
            return MetricsSubject()
    raise ValueError(name)
