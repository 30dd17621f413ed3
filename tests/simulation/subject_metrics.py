"""Metrics under simulation, with its compact journal."""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.metrics.domain import apply as metrics
from services.metrics.domain.cells import Delta
from services.metrics.domain.looked import Looked
from services.metrics.domain.places import crossed, segment_and_channel
from services.metrics.domain.rows import COLLECTIONS, unpack_tail
from services.metrics.domain.state import Customer, decode, encode
from services.metrics.domain.tracked import Tracked
from services.metrics.journal.processor import CompactProcessor
from services.metrics.journal.seen import event_hash
from services.metrics.journal.store import WorkerStore as MetricsStore
from shared.facts.erased import ERASED_IDS, erased_hash
from shared.host import Runtime
from shared.kafka.publisher import Publisher
from shared.schemas.customers import CustomerErased, ErasureLifted
from shared.schemas.times import day_number, micros
from shared.worker.intake import Intake
from shared.worker.merge import Slot
from shared.worker.processing import Processor
from tests.simulation.broker import Broker
from tests.simulation.client import SimClient
from tests.simulation.erasing import completions
from tests.simulation.insights import LOOKING, chain, heard, told_nightly
from tests.simulation.judge import in_order
from tests.simulation.logs import END
from tests.simulation.server import Server
from tests.simulation.subject import Ended, Process

KEY = b"key"


class MetricsSubject:
    """Metrics, with its compact journal; it looks at its customers' health as of nights."""

    service = "metrics"
    topics = ("clock", "customers", "purchases")

    def intake(self) -> Intake:
        return Intake(self.service, metrics.CONSUMES, wall_clock=lambda: END)

    def processor(self, client: SimClient, publisher: Publisher) -> Processor:
        return CompactProcessor(
            MetricsStore(client["rapport_metrics"], client),  # type: ignore[arg-type]
            publisher.publish,
            stream=True,
            erased_by=KEY,
            clock=client.store.loop.time,
            wall_clock=lambda: END,
            looking=LOOKING,
        )

    def extras(self, process: Process) -> tuple[Runtime, Sequence[Coroutine[Any, Any, None]]] | None:
        return None

    def busy(self, run: Ended) -> bool:
        """Whether something is to be told, or, where all is over, somebody is to be looked at."""
        find = run.store.server.find
        over = {"watermark": {"$gte": END}}
        done = [(d.get("sweep") or {}).get("done") for d in find(("rapport_metrics", "partitions"), over)]
        late = any(night is None or night < day_number(END.date()) for night in done)
        return late or bool(find(("rapport_metrics", "outbox"), {}))

    def differences(self, run: Ended) -> list[str]:
        broker, delta, seen = run.broker, Delta(), set[int]()
        tracked: dict[str, Tracked] = {}
        erasures = Erasures()
        for slot in self._slots(broker):
            assert slot.event is not None
            h = event_hash(slot.event.uid)
            if slot.topic == "clock" or h in seen:
                continue
            if erasures.hear(slot):
                if slot.event.subject in erasures.gone:
                    tracked.pop(slot.event.subject, None)
                seen.add(h)
            elif slot.event.subject not in erasures.gone:
                one = tracked.setdefault(slot.event.subject, Tracked(Customer()))
                seen.update(metrics.apply(one, slot.event, micros(slot.event.time), delta, h))
        if erasures.ever and broker.grown:
            return []  # what is told again under a new count may come before or after that
        left = erasures.problems(run.store.server, broker)
        looked = {d["_id"]: _looked(d) for d in run.store.server.find(("rapport_metrics", "customers"), {})}
        problems = [*left, *self._told_otherwise(broker, tracked, looked, erasures.ever.keys())]
        for subject, one in tracked.items():
            one.trim()
            if subject in looked:
                one.data.looked = looked[subject]
                one.place_in(looked[subject].segment, delta)
        cells, customers = Counter(delta), {subject: encode(one.data) for subject, one in tracked.items()}
        # Which nights an erased one was looked at, and so by which segment they count, is not told.
        fold = _any_segment if erasures.ever else dict
        compared = self._compared(
            run.store.server, fold({k: n for k, n in cells.items() if n}), customers, fold
        )
        return [*compared, *problems]

    def _told_otherwise(
        self,
        broker: Broker,
        tracked: Mapping[str, Tracked],
        looked: Mapping[str, Looked],
        erased: Set[str],
    ) -> list[str]:
        """What of the insights is not what a run without trouble tells. Topics that grew have facts that came
        after their night, so there it is only what the records say, each once."""
        told, problems = heard(r for (t, _), log in broker.records.items() if t == "insights" for r in log)
        for subject, one in tracked.items():
            if subject in erased:
                continue
            events = told.get(subject, [])
            problems += chain(subject, events, looked.get(subject, Looked()))
            if not broker.grown:
                wanted = told_nightly(subject, one.data)
                if (mine := [f"{micros(e.time)} {e.data!r}" for e in events]) != wanted:
                    problems.append(f"insights of {subject}: {mine} instead of {wanted}")
        return [
            *problems,
            *(f"insights of {s}, who is nobody" for s in told.keys() - tracked.keys() - erased),
        ]

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

    def _compared(
        self,
        server: Server,
        cells: dict[Any, int],
        customers: dict[str, bytes],
        fold: Callable[[dict[Any, int]], dict[Any, int]],
    ) -> list[str]:
        got: Counter[Any] = Counter()
        for collection in ("days", "gaps"):
            for document in server.find(("rapport_metrics", collection), {}):
                got.update(_cells(document))
        for document in server.find(("rapport_metrics", "partitions"), {}):
            got.update(unpack_tail(bytes(document.get("tail", b""))))
        mine = fold({k: n for k, n in got.items() if n})
        keys = sorted(mine.keys() | cells.keys(), key=repr)
        problems = [
            f"cell {k}: {mine.get(k)} instead of {cells.get(k)}" for k in keys if mine.get(k) != cells.get(k)
        ]
        records = {d["_id"]: bytes(d["record"]) for d in server.find(("rapport_metrics", "customers"), {})}
        problems += [f"customer {s}: another record" for s in customers if records.get(s) != customers[s]]
        return problems


@dataclass
class Erasures:
    """Who is erased as the log goes on."""

    gone: set[str] = field(default_factory=set)
    ever: Counter[str] = field(default_factory=Counter)

    def hear(self, slot: Slot) -> bool:
        """Whether it is of this; it stands then."""
        event = slot.event
        assert event is not None
        if isinstance(event.data, ErasureLifted):
            self.gone.discard(event.subject)
            return True
        if isinstance(event.data, CustomerErased) and event.subject not in self.gone:
            self.gone.add(event.subject)
            self.ever[event.subject] += 1
            return True
        return False

    def problems(self, server: Server, broker: Broker) -> list[str]:
        """What is left of them, and whether the end of each erasure was told."""
        kept = {d["_id"] for d in server.find(("rapport_metrics", ERASED_IDS), {})}
        wanted = {erased_hash(KEY, subject) for subject in self.gone}
        found = [f"erased: {kept} instead of {wanted}"] if kept != wanted else []
        for name in (one.name for one in COLLECTIONS if one.owners):
            rows = server.find(("rapport_metrics", name), {})
            found += [f"{name} {row['_id']} is of somebody erased" for row in rows if row["_id"] in self.gone]
        # Of two in one write the last one tells.
        told = Counter(who for who, *_ in completions("metrics", broker.records.values(), ()))
        for who in {*told, *self.ever}:
            if not min(1, self.ever[who]) <= told[who] <= self.ever[who]:
                found.append(f"{who}: {told[who]} erasures told of {self.ever[who]}")
        return found


def _any_segment(cells: dict[Any, int]) -> dict[Any, int]:
    """As if nobody had a segment."""
    found: Counter[Any] = Counter()
    for (day, place, *names), n in cells.items():
        both = segment_and_channel(place)
        found[day, place if both is None else crossed("", both[1]), *names] += n
    return {cell: n for cell, n in found.items() if n}


def _looked(row: Mapping[str, Any]) -> Looked:
    return decode(bytes(row["record"])).looked


def _cells(document: Mapping[str, Any]) -> Delta:
    day = day_number(date.fromisoformat(str(document["_id"]).partition(":")[0]))
    found = Delta()
    for place, fields in document.get("cells", {}).items():
        found.update({(day, place, name): n for name, n in fields.items()})
    return found
