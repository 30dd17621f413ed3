"""A service as the simulation sees it, and those on the journal."""

from collections.abc import Coroutine, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, Protocol

from shared.domain import Handler
from shared.host import Runtime
from shared.journal.erasing import ERASING
from shared.journal.processor import JournalProcessor
from shared.journal.store import WorkerStore
from shared.kafka.keys import partition_of
from shared.kafka.publisher import Publisher
from shared.schemas.customers import CustomerErased
from shared.schemas.topics import DEAD_LETTER_SUFFIX
from shared.worker.intake import FORWARDED, Intake
from shared.worker.loop import RecordLoop
from shared.worker.merge import Slot
from shared.worker.processing import COMMANDS, Origin, Processor
from tests.simulation.broker import Broker
from tests.simulation.client import SimClient
from tests.simulation.erasing import is_lift
from tests.simulation.judge import SECRET, Result, Said, add, expected, found, in_order
from tests.simulation.logs import END
from tests.simulation.mail import LetterBox
from tests.simulation.replay import Replay
from tests.simulation.scheduler import Node, VirtualLoop
from tests.simulation.store import Store

ORIGIN = "rapport-origin"


class Ended(Protocol):
    """A run that is over, or under way."""

    loop: VirtualLoop
    broker: Broker
    store: Store
    box: LetterBox
    produced: set[Said]


@dataclass(frozen=True, slots=True)
class Process:
    """A worker's, without its record loop's own parts."""

    node: Node
    client: SimClient
    publisher: Publisher
    loop: RecordLoop
    processor: Processor
    box: LetterBox


class Subject(Protocol):
    """A service."""

    service: str
    topics: tuple[str, ...]

    def intake(self) -> Intake: ...

    def processor(self, client: SimClient, publisher: Publisher) -> Processor: ...

    def extras(self, process: Process) -> tuple[Runtime, Sequence[Coroutine[Any, Any, None]]] | None:
        """What runs beside the record loop, until the runtime stops."""

    def busy(self, run: Ended) -> bool:
        """Whether something is under way though all records are read."""

    def differences(self, run: Ended) -> list[str]:
        """From a run without trouble, in words."""


class JournalSubject:
    """A service on the journal."""

    def __init__(self, handler: Handler[Any], topics: Sequence[str], rows: Sequence[str]) -> None:
        self.handler = handler
        self.service = handler.service
        self.topics = tuple(sorted(topics))
        self.rows = rows

    def intake(self) -> Intake:
        everything = self.handler.reads_everything
        consumes = self.handler.consumes
        return Intake(self.service, consumes, reads_everything=everything, wall_clock=lambda: END)

    def processor(self, client: SimClient, publisher: Publisher) -> JournalProcessor[Any]:
        # Some processes write states in one form, some in the other, as in a rolling update. The client has
        # what the store calls of PyMongo's, and no more.
        compact = sum(client.node.name.encode()) % 2 == 0
        store: WorkerStore[Any] = WorkerStore(client, self.handler, compact=compact)  # type: ignore[arg-type]
        return JournalProcessor(
            self.handler,
            store,
            publisher,
            secret_key=SECRET,
            stream=True,
            wall_clock=lambda: END,
        )

    def extras(self, process: Process) -> tuple[Runtime, Sequence[Coroutine[Any, Any, None]]] | None:
        return None

    def busy(self, run: Ended) -> bool:
        return bool(run.store.server.find((f"rapport_{self.service}", ERASING.name), {}))

    def differences(self, run: Ended) -> list[str]:
        broker, logs = run.broker, run.broker.records
        # What is forwarded, or comes twice, may come late, when other topics have long been read. So may what
        # was told before somebody was erased, and has an effect when it is told again after they came back.
        lifted = any(is_lift(record.value) for log in logs.values() for record in log)
        if broker.grown or self.handler.reads_everything or lifted or self._is_late(run):
            return [*self.replayed(run), *_missing(self._put_out(broker), broker)]
        wanted = expected(self.handler, self.intake(), logs, broker.partitions, self.topics)
        got = found(run.store.server, self.handler, self.rows, logs, run.produced)
        return got.differences(wanted)

    def _is_late(self, run: Ended) -> bool:
        """Whether something about somebody who was erased may have come before or after that."""
        heard: set[str] = set()
        slots = [slot for _, slot in self._slots(run)]
        erased = {s.event.subject for s in slots if s.event and isinstance(s.event.data, CustomerErased)}
        for slot in slots:
            if slot.event is None or slot.raw is None or slot.event.subject not in erased:
                continue
            if slot.event.uid in heard or FORWARDED in dict(slot.raw.headers):
                return True
            heard.add(slot.event.uid)
        return False

    def emitted_by_others(self, value: bytes | None) -> bool:
        """Whether this record is of a part of the service that is not the handler."""
        return False

    def replayed(self, run: Ended) -> list[str]:
        """What is not as its transactions should have left it, in the order of their commits."""
        server, records = run.store.server, run.broker.records
        slots = list(self._slots(run))
        events: dict[str, list[Origin]] = {}
        for at, slot in slots:
            if slot.event is not None:
                events.setdefault(slot.event.uid, []).append(Origin.parse(at))
        replay = Replay(self.handler, SECRET, records, events, self.rows)
        replay.run(server)
        wanted = Result()
        add(wanted, replay, replay.published)
        # Rows of other collections are for somebody who takes them out.
        wanted.rows = {place: row for place, row in wanted.rows.items() if place[0] in self.rows}
        wanted.counters = {name: n for name, n in replay.store.used.items() if n}
        wanted.completed = replay.forgetting.completed
        got = found(server, self.handler, self.rows, records, run.produced)
        got.emitted = {said for said in got.emitted if not self.emitted_by_others(said[2])}
        # What is no event for the service never comes to a transaction: ``_missing`` looks after it.
        eventless = {at for at, slot in slots if slot.event is None}
        wanted.dead_letters |= {(code, at) for code, at in got.dead_letters if at in eventless}
        unread = _unread(slots, got, replay.forgetting.erased)
        return [*replay.problems, *got.differences(wanted), *unread]

    def _slots(self, run: Ended) -> Iterator[tuple[str, Slot]]:
        """All that the service reads, with where it stands."""
        intake, broker = self.intake(), run.broker
        for (topic, _), log in broker.records.items():
            if topic in self.topics:
                for record in log:
                    slot = intake.read(record, broker.count_at(record), broker.first_count)
                    yield f"{record.topic}/{record.partition}/{record.offset}", slot

    def _put_out(self, broker: Broker) -> list[Slot]:
        """Records that nobody can read, or on a wrong partition: with what is to become of them."""
        slots: list[Slot] = []
        for partition in range(broker.partitions if self.handler.reads_everything else 0):
            slots += in_order(
                self.intake(), broker.records, partition, broker.count_at, self.topics, eventless=True
            )
        return [slot for slot in slots if slot.event is None and slot.record is not None]


def _unread(slots: Sequence[tuple[str, Slot]], got: Result, erased: Set[str]) -> list[str]:
    """Good events of the log that the journal has not, and others that it has. Of facts about those who were
    ``erased`` it may have none."""
    said, refused = dict[str, bool](), {at for _, at in got.dead_letters}
    for at, slot in slots:
        if slot.event is not None and slot.topic != "clock":
            nameless = slot.event.state_id in erased and slot.topic != COMMANDS
            good = at not in refused and not nameless
            said[slot.event.uid] = said.get(slot.event.uid, False) or good
    known = {uid for uid, (origin, *_) in got.journal.items() if not origin.startswith("timers/")}
    lost = [f"{uid} has had no effect" for uid, good in said.items() if good and uid not in known]
    return lost + [f"{uid} was never said" for uid in sorted(known - said.keys())]


def _missing(put_out: Sequence[Slot], broker: Broker) -> list[str]:
    """Those that are not where their keys belong, or not among the dead letters."""
    there = {
        (record.topic, record.partition, value)
        for log in broker.records.values()
        for record in log
        for name, value in record.headers
        if name in (FORWARDED, ORIGIN)
    }
    problems = []
    for slot in put_out:
        assert slot.record is not None
        topic, headers = slot.record.topic, dict(slot.record.headers)
        right, mark = partition_of(slot.record.key or b"", broker.partitions), headers.get(FORWARDED)
        if topic.endswith(DEAD_LETTER_SUFFIX):
            right, mark = slot.record.partition or 0, headers[ORIGIN]
        if (topic, right, mark) not in there:
            problems.append(f"{slot.topic}/{slot.offset} did not come to {topic}/{right}")
    return problems
