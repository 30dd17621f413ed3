"""Which themes rose is told once a week, whoever dies; on a real store."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import AsyncMongoClient

from services.metrics.config import load
from services.metrics.journal import rising
from services.metrics.journal.rising import themes_of
from shared.kafka.keys import partition_of
from shared.schemas.event import Event
from shared.schemas.insights import ThemeRising

from .story import opened
from .test_watching import Worker, at

Client = AsyncMongoClient[dict[str, Any]]
MONDAY = datetime(2026, 6, 15, tzinfo=UTC)
"""That the week after those of the texts begins with."""
CLOSED = MONDAY + timedelta(hours=1)


def texts(words: str, n: int, days_ago: float) -> list[Event]:
    when = MONDAY - timedelta(days=days_ago)
    log = []
    for place in range(n):
        name = f"k{len(words)}-{days_ago}-{place}"
        data = opened(name).model_copy(update={"description": words})
        log.append(at(data, when + timedelta(minutes=place), f"c{place}"))
    return log


def told(*workers: Worker) -> list[tuple[str, str, int, float]]:
    found = [e.data for worker in workers for e in worker.told if isinstance(e.data, ThemeRising)]
    return [(d.theme, d.week, d.mentions, d.usual) for d in found]


WEEK = "2026-06-08"


async def started(client: Client, name: str, now: datetime) -> Worker:
    worker = Worker(client, name, now)
    await worker.begin()
    await worker.tell(
        *texts("All is well.", 40, 20), *texts("It is late.", 4, 10), *texts("It is late.", 10, 3)
    )
    await worker.pass_on(3)
    return worker


async def test_a_theme_that_rose_is_told_when_its_week_is_closed(client: Client, database_name: str) -> None:
    worker = await started(client, database_name, CLOSED - timedelta(seconds=30))
    assert told(worker) == []
    await worker.pass_on(40)
    assert told(worker) == [("late-delivery", WEEK, 10, 1.0)]
    (event,) = (e for e in worker.told if isinstance(e.data, ThemeRising))
    assert (event.subject, event.time) == ("late-delivery", CLOSED)
    assert isinstance(event.data, ThemeRising)
    assert event.data.log_odds > 2
    await worker.tell(*texts("Too expensive.", 30, 2))
    await worker.pass_on(60)
    assert len(told(worker)) == 1, "a week is judged once"


async def test_who_takes_over_tells_it_neither_again_nor_less(client: Client, database_name: str) -> None:
    first = await started(client, database_name, CLOSED - timedelta(seconds=30))
    second = Worker(client, database_name, CLOSED - timedelta(seconds=20))
    await second.begin()
    await second.pass_on(30)
    third = Worker(client, database_name, CLOSED + timedelta(minutes=1))
    await third.begin()
    await third.pass_on(30)
    assert told(first, third) == []
    assert told(second) == [("late-delivery", WEEK, 10, 1.0)]


async def test_weeks_that_nobody_was_there_for_are_judged_too(
    client: Client, database_name: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(rising, "MOST_WEEKS", 1)
    worker = await started(client, database_name, CLOSED - timedelta(days=6, seconds=30))
    assert told(worker) == []
    later = Worker(client, database_name, CLOSED + timedelta(days=15))
    await later.begin()
    await later.pass_on(10)
    assert told(later) == [("late-delivery", WEEK, 10, 1.0)]


async def test_at_the_first_look_the_last_week_alone_is_told(client: Client, database_name: str) -> None:
    worker = await started(client, database_name, CLOSED + timedelta(days=8))
    assert told(worker) == []


async def test_each_theme_belongs_to_one_partition(client: Client, database_name: str) -> None:
    worker = Worker(client, database_name)
    await worker.begin()
    names = load().themes.names
    mine = [theme for part in worker.processor._partitions.values() for theme in themes_of(part, names)]
    assert sorted(theme.name for theme in mine) == sorted(theme.name for theme in names)
    assert {partition_of(theme.name.encode(), 2) for theme in mine} == {0, 1}
