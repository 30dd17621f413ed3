"""The watch, whose clock goes back; and what it reads."""

from datetime import timedelta
from typing import Any

import pytest

from services.metrics.config import load
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.restating import MINUTE
from services.metrics.figures_store import FiguresStore
from services.metrics.store import MetricsStore
from shared.kafka.keys import partition_of
from shared.schemas.times import day_of, micros

from .story import answered, purchase
from .test_watching import NOW, TWO, Client, Worker, at


async def test_the_watch_reads_no_further_back_than_its_figures_do(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a year where churn is judged; else none, which no figure here is made of."""
    asked, read = list[int](), MetricsStore.read

    async def noted(store: MetricsStore, first: int, *selected: Any, **more: Any) -> Any:
        asked.append(first - more.get("back", 0))
        return await read(store, first, *selected, **more)

    monkeypatch.setattr(MetricsStore, "read", noted)
    worker = Worker(client, database_name)
    await worker.begin()
    await worker.tell(at(answered("nps", 10), TWO), at(purchase("o1"), TWO))
    await worker.pass_on(6)
    assert worker.restated
    weeks, ripest = load().anomalies.weeks, max(kpi.ripe_days for kpi in KPIS.values())
    nearest = day_of(micros(NOW)) - ripest - 7 * (weeks + 2)
    assert nearest - load().churn.reach(1) <= min(asked) < nearest
    asked.clear()
    days = [TWO - timedelta(days=n) for n in range(20, 24)]
    await worker.tell(*(at(answered("nps", 10), day) for day in days))
    await worker.pass_on(6)
    assert {day for _, day, *_ in worker.restated} >= {day.date().isoformat() for day in days}
    assert min(asked) >= nearest, "days that are restated alone"


async def test_an_old_fact_that_is_late_is_read_from_its_own_day(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a year before those days that look back, and not before all that is read."""
    asked, read = list[int](), MetricsStore.read

    async def noted(store: MetricsStore, first: int, *selected: Any, **more: Any) -> Any:
        asked.append(first - more.get("back", 0))
        return await read(store, first, *selected, **more)

    worker = Worker(client, database_name)
    await worker.begin()
    monkeypatch.setattr(MetricsStore, "read", noted)
    old = NOW - timedelta(days=400)
    await worker.tell(at(answered("nps", 10), old), at(purchase("o1"), TWO))
    await worker.pass_on(6)
    assert ("nps", old.date().isoformat()) in {(kpi, day) for kpi, day, *_ in worker.restated}
    assert min(asked) == day_of(micros(old))


async def test_time_that_goes_back_is_no_day_to_judge(client: Client, database_name: str) -> None:
    """Another worker's clock is behind; or under the stream clock a partition is heard of that is behind."""
    first = Worker(client, database_name)
    await first.begin()
    await first.pass_on(6)
    second = Worker(client, database_name, first.now - timedelta(days=2))
    await second.begin()
    await second.pass_on(2)
    assert second.told == []


async def test_before_anything_is_heard_of_the_past_no_day_of_it_is_judged(
    client: Client, database_name: str
) -> None:
    """Under the stream clock: else the days of today would be, and none that is replayed after them."""
    worker = Worker(client, database_name, stream=True)
    await worker.begin()
    await worker.pass_on(3)
    for number in (0, 1):
        told = await FiguresStore(client[database_name]).told(number)
        assert told is None or told.judged is None


async def test_who_takes_over_reads_only_what_moved_lately(client: Client, database_name: str) -> None:
    """However long ago something was told, or where the partition is new."""
    worker = Worker(client, database_name)
    await worker.begin()
    for _ in range(3):
        told = [await FiguresStore(client[database_name]).told(number) for number in (0, 1)]
        assert all(one is not None and one.since >= micros(worker.now) - 15 * MINUTE for one in told)
        worker.now += timedelta(minutes=12)
        await worker.pass_on(4)


async def test_a_clock_that_goes_back_hides_no_late_fact(client: Client, database_name: str) -> None:
    worker = Worker(client, database_name)
    await worker.begin()
    await worker.tell(at(answered("nps", 10), TWO))
    await worker.pass_on(70)
    worker.behind = timedelta(minutes=5)
    await worker.tell(
        at(answered("nps", 0), TWO, "c2"), at(answered("csat", 5), TWO - timedelta(days=1), "c3")
    )
    await worker.pass_on(8)
    assert ("csat", "2026-06-15", None, 1.0) in [one[:4] for one in worker.restated]
    worker.now += timedelta(minutes=6)
    await worker.pass_on(8)
    assert worker.restated[-1][:4] == ("nps", "2026-06-16", 100.0, 0.0)
    assert len(worker.restated) == 3


async def test_places_are_read_once_a_day_that_is_judged(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, asked = Worker(client, database_name), list[object]()
    places = FiguresStore.places

    async def counted(store: FiguresStore, days: Any) -> Any:
        asked.append(days)
        return await places(store, days)

    monkeypatch.setattr(FiguresStore, "places", counted)
    await worker.begin()
    people, wednesday = [f"p{n}" for n in range(40)], NOW - timedelta(days=1)
    for survey in ("nps", "csat"):
        for week in range(9):
            when, worst = wednesday - timedelta(days=7 * week), 0 if survey == "nps" else 1
            scores = [worst if week == 0 else 5 if survey == "csat" else 10] * 40
            await worker.tell(
                *(at(answered(survey, s), when, p) for s, p in zip(scores, people, strict=True))
            )
    await worker.pass_on(10)
    assert {one.kpi for one in worker.anomalies} == {"nps", "csat"}
    assert len(asked) == len({partition_of(name.encode(), 2) for name in ("nps", "csat")})
