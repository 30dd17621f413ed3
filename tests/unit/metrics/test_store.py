"""The store against a real server: what is written is what is read, once, by its owner alone."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from services.metrics.domain.acts import ACTS, ANSWERS
from services.metrics.domain.cells import Delta
from services.metrics.domain.fits import Fit
from services.metrics.domain.places import Selection
from services.metrics.domain.rows import ANOMALIES, COLLECTIONS, MOVED, OWED, RAISED, RISING, TOLD, fit_row
from services.metrics.domain.themes import Matcher
from services.metrics.journal import known, library, runs
from services.metrics.journal import partition as partition_module
from services.metrics.journal.looking import Looking
from services.metrics.journal.outbox import Publish
from services.metrics.journal.partition import NO_THEMES
from services.metrics.journal.processor import CompactProcessor
from services.metrics.journal.seen import FAN_OUT
from services.metrics.journal.store import WorkerStore
from services.metrics.store import MetricsStore
from shared.facts.erased import ERASED_IDS, ERASING, KEYS
from shared.kafka.keys import partition_of
from shared.kafka.publisher import Record
from shared.merging.rows import MERGED
from shared.schemas.complaints import ComplaintResolved
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.insights import SegmentChanged
from shared.schemas.times import day_number
from shared.worker.processing import Batch, FencedError, Message, Origin

from .judging import LOOKING
from .story import START, event, opened, profile, purchase, run

Client = AsyncMongoClient[dict[str, Any]]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY0 = day_number(START.date())


async def no_dead_letters(records: Sequence[Record]) -> None:
    assert [record.topic for record in records if record.topic.endswith(".dlq")] == []


class Worker:
    def __init__(
        self,
        client: Client,
        name: str,
        recent_ids: int = 1_000_000,
        publish: Publish = no_dead_letters,
        looking: Looking | None = None,
        themes: Matcher = NO_THEMES,
        stream: bool = True,
    ) -> None:
        self.time = 0.0
        self.processor = CompactProcessor(
            WorkerStore(client[name], client),
            publish,
            stream=stream,
            erased_by=b"key",
            recent_ids=recent_ids,
            clock=lambda: self.time,
            looking=looking,
            themes=themes,
        )

    async def process(
        self, events: Sequence[Event], *, start: int, partition: int = 0, now: datetime = NOW
    ) -> None:
        messages = tuple(
            Message(partition, e.time, e, Origin("feedback", partition, start + i))
            for i, e in enumerate(events)
        )
        offsets = {("feedback", partition): start + len(events)}
        await self.processor.process(Batch(partition, 2, messages, now, now, offsets))
        self.time += 1_000.0


def history() -> list[Event]:
    told = [event(profile("new.$|% ü"), subject="c1"), event(opened("k1", "email"), days=1, subject="c1")]
    told += [event(purchase(f"o{i}"), days=i, subject=f"c{i % 4}") for i in range(30)]
    told += [event(SurveyAnswered(survey="nps", score=i % 11), days=i % 9, subject="c2") for i in range(20)]
    told += [event(opened("k2", "chat"), days=3, subject="c3")]
    told += [event(ComplaintResolved(complaint_id="k1", resolution="."), days=5, subject="c1")]
    return told


def by_day(delta: Delta, segment: str | None = None, channel: str | None = None) -> dict[int, dict[str, int]]:
    days: dict[int, dict[str, int]] = {}
    chosen = Selection(segment, channel).chooses()
    for (day, place, field), n in delta.items():
        if chosen(place):
            fields = days.setdefault(day, {})
            fields[field] = fields.get(field, 0) + n
    return days


def without_zeros(days: Any) -> dict[int, dict[str, int]]:
    return {d: kept for d, fields in days.items() if (kept := {f: n for f, n in fields.items() if n})}


@pytest.mark.parametrize("fold", [2, 2_000])
async def test_reads_what_was_counted(
    client: Client, database_name: str, fold: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_module, "FOLD_CELLS", fold)
    events = history()
    worker = Worker(client, database_name)
    await worker.processor.assigned(frozenset({0, 1}), 2)
    for i, e in enumerate(events):
        await worker.process([e], start=i, partition=int(e.subject[1]) % 2)
    delta = run(events)[1]
    reader = MetricsStore(client[database_name])
    for segment, channel in ((None, None), ("new.$|% ü", None), (None, "web"), ("", "chat"), ("none", None)):
        found = await reader.read(DAY0, Selection(segment, channel), gaps=True)
        assert without_zeros(found.days) == without_zeros(by_day(delta, segment, channel))
    assert (await reader.read(DAY0)).levels["open"] == 1
    assert (await reader.read(DAY0 + 20)).levels["open"] == 1, "open complaints do not depend on the window"
    assert (await reader.read(DAY0, Selection(channel="email"))).levels["open"] == 0
    later = await reader.read(DAY0 + 4)
    assert min(later.days) == DAY0 + 4


async def test_a_crash_resumes_from_what_stands(client: Client, database_name: str) -> None:
    events = history()
    first = Worker(client, database_name)
    await first.processor.assigned(frozenset({0}), 2)
    await first.process(events[:20], start=0)
    first.time -= 1_000.0
    await first.process(events[20:30], start=20)
    second = Worker(client, database_name)
    assert await second.processor.assigned(frozenset({0}), 2) == {("feedback", 0): 20}
    assert await second.processor.watermark(0) == NOW
    await second.process([*events[20:], *events[:10]], start=20)
    with pytest.raises(FencedError):
        await first.process(events[30:31], start=30)
    found = await MetricsStore(client[database_name]).read(DAY0, gaps=True)
    assert without_zeros(found.days) == without_zeros(by_day(run(events)[1]))


async def test_ids_outlive_folds_merges_and_workers(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_module, "FOLD_IDS", 0)
    events = [event(SurveyAnswered(survey="csat", score=5), days=1) for _ in range(2 * FAN_OUT + 5)]
    worker = Worker(client, database_name)
    await worker.processor.assigned(frozenset({0}), 2)
    for i, e in enumerate(events):
        await worker.process([e], start=i)
    assert await client[database_name]["seen"].count_documents({}) < FAN_OUT
    again = Worker(client, database_name)
    await again.processor.assigned(frozenset({0}), 2)
    await again.process(events, start=len(events))
    found = await MetricsStore(client[database_name]).read(DAY0)
    assert found.days[DAY0 + 1]["csat_top"] == len(events)


async def test_ids_go_to_runs_and_stay_known_after_growth(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_module, "FOLD_IDS", 2)
    monkeypatch.setattr(library, "LEAST_RECENT", 8)
    monkeypatch.setattr(library, "STEP_IDS", 16)
    monkeypatch.setattr(known, "RUNS_TO_MERGE", 3)
    monkeypatch.setattr(runs, "PAGE_IDS", 4)
    events = [event(SurveyAnswered(survey="csat", score=5), days=1, subject=f"c{i}") for i in range(60)]
    worker = Worker(client, database_name, recent_ids=8)
    await worker.processor.assigned(frozenset({0}), 1)
    for i, e in enumerate(events):
        await worker.process([e], start=i)
    database = client[database_name]
    document = await database["ids"].find_one({"_id": "1:0"})
    assert document is not None
    assert document["runs"]
    assert await database["pages"].count_documents({}) > 2
    grown = Worker(client, database_name, recent_ids=8)
    await grown.processor.assigned(frozenset({0, 1, 2}), 3)
    for partition in range(3):
        mine = [e for e in events if partition_of(e.subject.encode(), 3) == partition]
        await grown.process(mine, start=60 if partition == 0 else 0, partition=partition)
    found = await MetricsStore(database).read(DAY0)
    assert found.days[DAY0 + 1]["csat_top"] == len(events)


async def test_what_is_told_outlives_its_worker(client: Client, database_name: str) -> None:
    """Rows and events stand with what they were decided by; the next owner publishes them, and they go."""

    async def killed(records: Sequence[Record]) -> None:
        raise asyncio.CancelledError

    first, published = Worker(client, database_name, publish=killed), list[Record]()
    await first.processor.assigned(frozenset({1, 10}), 11)
    for number in (1, 10):
        outbox = first.processor._partitions[number].outbox
        outbox.tell(SegmentChanged(to=f"of {number}"), "c1", 0, "1")
        outbox.put("customers", {"_id": f"c{number}", "record": b"x"})
    with pytest.raises(asyncio.CancelledError):
        await first.processor.idle()

    async def publish(records: Sequence[Record]) -> None:
        published.extend(records)

    second = Worker(client, database_name, publish=publish)
    await second.processor.assigned(frozenset({1}), 11)
    assert [b"of 1" in (record.value or b"") for record in published] == [True]
    await second.processor.idle()
    left = await client[database_name]["outbox"].find({}).to_list()
    assert [d["_id"].partition(":")[0] for d in left] == ["10"]
    rows = await client[database_name]["customers"].find({}).to_list()
    assert {d["_id"]: bytes(d["record"]) for d in rows} == {"c1": b"x", "c10": b"x"}


async def test_who_is_owed_a_look_outlives_its_worker(client: Client, database_name: str) -> None:
    """Listed with what happened to them until they were looked at; other partitions' lists stay."""
    first = Worker(client, database_name, looking=LOOKING, stream=False)
    await first.processor.assigned(frozenset({1, 10}), 11)
    for _ in range(2):  # everybody there is, is looked at
        first.time += 1_000.0
        await first.processor.idle()
    for number in (1, 10):
        log = [event(purchase(f"o{n}"), subject=f"c{n}") for n in range(number)]
        await first.process(log, start=0, partition=number)
        await first.process([event(purchase("more"), subject="c0")], start=number, partition=number)
    second = Worker(client, database_name, looking=LOOKING, stream=False)
    await second.processor.assigned(frozenset({10}), 11)
    assert [*second.processor._partitions[10].looks.fresh] == [f"c{n}" for n in range(10)]
    for _ in range(3):
        second.time += 1_000.0
        await second.processor.idle()
    left = await client[database_name][OWED].find({}).to_list()
    assert [d["_id"].partition(":")[0] for d in left] == ["1"]
    told = await MetricsStore(client[database_name]).customer("c9")
    assert told is not None
    assert told[1].looked.at is not None


async def test_every_collection_says_what_it_holds_of_whom(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_module, "FOLD_IDS", 0)
    monkeypatch.setattr(library, "LEAST_RECENT", 2)
    worker = Worker(client, database_name, recent_ids=2)
    await worker.processor.assigned(frozenset({0}), 2)
    for i, e in enumerate(history()):
        worker.processor._partitions[0].outbox.tell(SegmentChanged(to="new"), e.subject, 0, str(i))
        worker.processor._partitions[0].outbox.put("models", fit_row(Fit("bg-nbd", i, {"r": 0.25})))
        await worker.process([e], start=i)
    owed = {OWED}  # under the wall clock; see above
    written = set(await client[database_name].list_collection_names())
    watched = {MOVED, TOLD, ANOMALIES}  # of late facts; see test_watching.py
    said = {RAISED, RISING}  # of texts; see test_themes_api.py and test_rising.py
    acted = {ACTS, ANSWERS}  # of calls; see test_acts.py
    merged = {MERGED.name, ERASED_IDS, ERASING}  # see test_merging.py and test_erasing.py
    started = {KEYS}  # by the process, as it meets the store; see test_erasure_guard.py
    others = watched | said | owed | acted | merged | started
    assert written == {collection.name for collection in COLLECTIONS} - others
