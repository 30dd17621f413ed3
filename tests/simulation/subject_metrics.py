"""Metrics under simulation, with its compact journal."""

from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from services.metrics.domain import apply as metrics
from services.metrics.domain.cells import Delta
from services.metrics.domain.rows import unpack_tail
from services.metrics.domain.state import Customer, encode
from services.metrics.domain.tracked import Tracked
from services.metrics.journal.processor import CompactProcessor
from services.metrics.journal.seen import event_hash
from services.metrics.journal.store import WorkerStore as MetricsStore
from shared.host import Runtime
from shared.kafka.publisher import Publisher
from shared.schemas.times import day_number, micros
from shared.worker.intake import Intake
from shared.worker.merge import Slot
from shared.worker.processing import Processor
from tests.simulation.broker import Broker
from tests.simulation.client import SimClient
from tests.simulation.judge import in_order
from tests.simulation.logs import END
from tests.simulation.server import Server
from tests.simulation.subject import Ended, Process


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
        )

    def extras(self, process: Process) -> tuple[Runtime, Sequence[Coroutine[Any, Any, None]]] | None:
        return None

    def busy(self, run: Ended) -> bool:
        return False

    def differences(self, run: Ended) -> list[str]:
        broker, delta, seen = run.broker, Delta(), set[int]()
        tracked: dict[str, Tracked] = {}
        for slot in self._slots(broker):
            assert slot.event is not None
            h = event_hash(slot.event.uid)
            if slot.topic == "clock" or h in seen:
                continue
            one = tracked.setdefault(slot.event.subject, Tracked(Customer()))
            seen.update(metrics.apply(one, slot.event, micros(slot.event.time), delta, h))
        for one in tracked.values():
            one.trim()
        cells, customers = Counter(delta), {subject: encode(one.data) for subject, one in tracked.items()}
        return self._compared(run.store.server, {k: n for k, n in cells.items() if n}, customers)

    def _slots(self, broker: Broker) -> Iterator[Slot]:
        """What was written before a growth first, as it was read first."""
        records = broker.records
        for count in [*(count for count, _ in broker.grown), broker.partitions]:
            logs = {at: [r for r in log if broker.count_at(r) == count] for at, log in records.items()}
            for partition in range(count):
                yield from in_order(
                    self.intake(),
                    logs,
                    partition,
                    broker.count_at,
                    self.topics,
                    first_count=broker.first_count,
                )

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
    found = Delta()
    for place, fields in document.get("cells", {}).items():
        found.update({(day, place, name): n for name, n in fields.items()})
    return found
