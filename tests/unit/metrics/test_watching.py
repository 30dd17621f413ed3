"""What a worker tells of figures, on a real store: restated ones, and those that left what is usual."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from services.metrics.config import load
from services.metrics.domain.policy import MetricsPolicy
from services.metrics.domain.themes import Matcher
from services.metrics.figures_store import FiguresStore
from services.metrics.journal import watching
from services.metrics.journal.processor import CompactProcessor
from services.metrics.journal.store import WorkerStore
from services.metrics.journal.watching import Watching
from services.metrics.store import MetricsStore
from shared.kafka.keys import partition_of
from shared.kafka.publisher import Record
from shared.schemas.codec import parse_cloudevent
from shared.schemas.complaints import ComplaintReopened, ComplaintResolved
from shared.schemas.customers import CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.insights import KpiAnomaly, KpiRestated
from shared.schemas.times import micros
from shared.worker.processing import Batch, Message, Origin

from .story import answered, opened, profile

Client = AsyncMongoClient[dict[str, Any]]
NOW = datetime(2026, 6, 18, 12, tzinfo=UTC)
"""A Thursday."""
TWO = datetime(2026, 6, 16, tzinfo=UTC)


class Worker:
    """A worker of two partitions under the wall clock, which is asked to look every second."""

    def __init__(
        self,
        client: Client,
        name: str,
        now: datetime = NOW,
        *,
        stream: bool = False,
        policy: MetricsPolicy | None = None,
    ) -> None:
        self.now = now
        policy = policy or load()
        self.behind = timedelta()
        """So far the wall clock went back."""
        self.told: list[Event] = []
        self.offsets = [0, 0]
        self.processor = CompactProcessor(
            WorkerStore(client[name], client),
            self._publish,
            stream=stream,
            erased_by=b"key",
            clock=lambda: micros(self.now) / 1e6,
            wall_clock=lambda: self.now - self.behind,
            watching=Watching(
                MetricsStore(client[name], policy.churn), FiguresStore(client[name]), policy, stream=stream
            ),
            themes=Matcher(policy.themes),
        )

    async def _publish(self, records: Sequence[Record]) -> None:
        self.told += [parse_cloudevent(record.value, self.now) for record in records if record.value]

    async def begin(self, *partitions: int) -> None:
        await self.processor.assigned(frozenset(partitions or (0, 1)), 2)
        await self.pass_on(2)

    async def tell(self, *events: Event) -> None:
        for number in (0, 1):
            some = [e for e in events if partition_of(e.subject.encode(), 2) == number]
            start = self.offsets[number]
            messages = tuple(
                Message(number, e.time, e, Origin("feedback", number, start + i)) for i, e in enumerate(some)
            )
            self.offsets[number] = start + len(some)
            offsets = {("feedback", number): start + len(some)}
            wall = self.now - self.behind
            await self.processor.process(Batch(number, 2, messages, wall, wall, offsets))

    async def pass_on(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += timedelta(seconds=1)
            await self.processor.idle()

    @property
    def restated(self) -> list[tuple[Any, ...]]:
        found = [e.data for e in self.told if isinstance(e.data, KpiRestated)]
        return [(d.kpi, d.day, d.from_, d.to, d.cause) for d in found]

    @property
    def anomalies(self) -> list[KpiAnomaly]:
        return [e.data for e in self.told if isinstance(e.data, KpiAnomaly)]


_numbers = count()


def at(data: Any, when: datetime, subject: str = "c1") -> Event:
    return Event(id=f"w{next(_numbers)}", source="/test", subject=subject, time=when, data=data)


ANSWERED = "rapport.survey.answered.v1"


async def test_a_late_fact_restates_a_day_that_is_closed_for_an_hour(
    client: Client, database_name: str
) -> None:
    worker = Worker(client, database_name)
    await worker.begin()
    await worker.tell(at(answered("nps", 10), TWO), at(answered("nps", 3), NOW))
    await worker.pass_on(6)
    assert worker.restated == [("nps", "2026-06-16", None, 100.0, f"1 {ANSWERED}")]
    await worker.tell(at(answered("nps", 0), TWO, "c2"), at(answered("nps", 0), TWO, "c3"))
    await worker.pass_on(30)
    assert len(worker.restated) == 1, "a KPI's day is told once a minute"
    await worker.pass_on(30)
    assert worker.restated[1:] == [("nps", "2026-06-16", 100.0, -100 / 3, f"2 {ANSWERED}")]
    await worker.pass_on(70)
    assert len(worker.restated) == 2
    assert len({e.uid for e in worker.told}) == len(worker.told)


async def test_yesterday_is_open_until_one(client: Client, database_name: str) -> None:
    yesterday = NOW - timedelta(days=1)
    worker = Worker(client, database_name, NOW.replace(hour=0, minute=59, second=0))
    await worker.begin()
    await worker.tell(at(answered("csat", 5), yesterday))
    await worker.pass_on(50)
    assert worker.restated == []
    await worker.pass_on(15)
    await worker.tell(at(answered("csat", 1), yesterday, "c2"))
    await worker.pass_on(10)
    assert [one[:4] for one in worker.restated] == [("csat", "2026-06-17", 1.0, 0.5)]


async def test_a_backfill_is_silent_and_a_late_fact_after_it_is_told(
    client: Client, database_name: str
) -> None:
    worker = Worker(client, database_name)
    await worker.begin()
    for second in range(4):
        loaded = (at(answered("nps", 9), TWO - timedelta(days=n), f"c{second}{n}") for n in range(20))
        await worker.tell(*loaded)
        await worker.pass_on(1)
    await worker.pass_on(10)
    assert worker.restated == []
    await worker.tell(at(answered("nps", 0), TWO))
    await worker.pass_on(10)
    assert [one[:4] for one in worker.restated] == [("nps", "2026-06-16", 100.0, 60.0)]


async def test_who_moves_to_another_segment_moves_no_figure(client: Client, database_name: str) -> None:
    worker = Worker(client, database_name)
    await worker.begin()
    await worker.tell(at(answered("nps", 10), TWO))
    await worker.pass_on(70)
    worker.told.clear()
    await worker.tell(at(profile("vip"), NOW), at(CustomerUpdated(name="Ann"), TWO))
    await worker.pass_on(10)
    assert worker.told == []


async def test_a_reopening_takes_back_what_was_told(client: Client, database_name: str) -> None:
    worker = Worker(client, database_name)
    await worker.begin()
    await worker.tell(
        at(opened("k1"), TWO),
        at(ComplaintResolved(complaint_id="k1", resolution="."), TWO + timedelta(hours=1)),
    )
    await worker.pass_on(70)
    before = {(one[0], one[1]) for one in worker.restated}
    assert ("resolution_s.p50", "2026-06-16") in before
    worker.told.clear()
    await worker.tell(at(ComplaintReopened(complaint_id="k1", reason="."), NOW))
    await worker.pass_on(10)
    found = {one[0]: one for one in worker.restated}
    assert found["resolution_s.p50"][3:] == (None, "facts of other days")
    assert "open_complaints" not in found


async def test_whoever_takes_over_goes_on(client: Client, database_name: str) -> None:
    """What waits for the next minute is told by the next owner, and nothing twice."""
    first = Worker(client, database_name)
    await first.begin()
    await first.tell(at(answered("nps", 10), TWO))
    await first.pass_on(6)
    await first.tell(at(answered("nps", 0), TWO, "c2"))
    await first.pass_on(6)
    assert len(first.restated) == 1
    second = Worker(client, database_name, first.now)
    second.offsets = [*first.offsets]
    await second.begin()
    await second.pass_on(60)
    assert [one[:4] for one in second.restated] == [("nps", "2026-06-16", 100.0, 0.0)]
    third = Worker(client, database_name, second.now)
    await third.begin()
    await third.pass_on(70)
    assert third.told == []


async def test_a_bug_in_the_watching_stops_no_counting(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(client, database_name)
    await worker.begin()

    def broken(*_: Any) -> Any:
        raise KeyError("a bug")

    monkeypatch.setattr(watching, "changed", broken)
    await worker.tell(at(answered("nps", 10), TWO))
    await worker.pass_on(6)
    assert worker.told == []
    monkeypatch.undo()
    await worker.pass_on(70)
    assert [one[:4] for one in worker.restated] == [("nps", "2026-06-16", None, 100.0)]


async def test_each_kpi_has_one_worker_that_tells(client: Client, database_name: str) -> None:
    one, other = Worker(client, database_name), Worker(client, database_name)
    await one.begin(0)
    await other.begin(1)
    facts = [at(answered(s, 5), TWO, c) for s in ("nps", "csat", "ces") for c in ("c1", "c2", "c3")]
    await one.tell(*(f for f in facts if partition_of(f.subject.encode(), 2) == 0))
    await other.tell(*(f for f in facts if partition_of(f.subject.encode(), 2) == 1))
    for _ in range(8):
        await one.pass_on(1)
        await other.pass_on(1)
    told = {number: {data[0] for data in worker.restated} for number, worker in ((0, one), (1, other))}
    assert told[0] | told[1] == {"nps", "csat", "ces"}
    assert all(partition_of(name.encode(), 2) == number for number, names in told.items() for name in names)
    assert len(one.restated) + len(other.restated) == 3


async def test_a_figure_that_leaves_what_is_usual_is_told_once_with_who_moved_it(
    client: Client, database_name: str
) -> None:
    """Eight Wednesdays of 20 answers at most; on the ninth the segment ``new`` is in anger."""
    worker = Worker(client, database_name, NOW - timedelta(hours=13))
    await worker.begin()
    people = [f"p{n}" for n in range(20)]
    joined = NOW - timedelta(days=90)
    await worker.tell(*(at(profile("new" if n < 10 else "old"), joined, p) for n, p in enumerate(people)))
    wednesday = NOW - timedelta(days=1)
    for week in range(1, 9):
        when = wednesday - timedelta(days=7 * week)
        scores = [5 if n % 10 else week % 2 + 3 for n in range(20)]
        await worker.tell(*(at(answered("csat", n), when, p) for n, p in zip(scores, people, strict=True)))
        await worker.pass_on(1)
    worst = [at(answered("csat", 1 if n < 10 else 5), wednesday, p) for n, p in enumerate(people)]
    await worker.tell(*worst)
    await worker.pass_on(10)
    assert worker.anomalies == []
    worker.now += timedelta(hours=2, minutes=30)
    await worker.pass_on(10)
    (found,) = worker.anomalies
    assert (found.kpi, found.day, found.direction) == ("csat", "2026-06-17", "down")
    assert found.moved_by == {"segment": "new"}
    assert (found.value, found.usual) == (0.5, 0.95)
    await worker.pass_on(60)
    assert len(worker.anomalies) == 1
    rows = await FiguresStore(client[database_name]).anomalies(first=0, limit=10)
    assert [(row["figure"], row["value"], row["stands"]) for row in rows] == [("csat", 0.5, True)]


async def test_a_late_fact_can_take_an_anomaly_back(client: Client, database_name: str) -> None:
    worker = Worker(client, database_name)
    await worker.begin()
    people = [f"p{n}" for n in range(40)]
    wednesday = NOW - timedelta(days=1)
    for week in range(1, 9):
        when = wednesday - timedelta(days=7 * week)
        await worker.tell(*(at(answered("nps", 10 if n % 4 else 0), when, p) for n, p in enumerate(people)))
    await worker.tell(*(at(answered("nps", 0), wednesday, p) for p in people[:20]))
    await worker.pass_on(10)
    assert [(one.kpi, one.direction) for one in worker.anomalies] == [("nps", "down")]
    for _ in range(3):
        await worker.tell(*(at(answered("nps", 10), wednesday, p) for p in people[20:]))
        await worker.pass_on(1)
    await worker.pass_on(10)
    assert await FiguresStore(client[database_name]).anomalies(first=0, limit=10) == []
    assert len(worker.anomalies) == 1
