"""``as_of`` gives what was told then: of any history, every KPI of every window of days that were closed."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.metrics.domain import restating
from services.metrics.domain.kpis.kpi import Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.restating import last_told
from services.metrics.figures_store import FiguresStore
from services.metrics.journal import past
from services.metrics.store import MetricsStore
from services.metrics.then import Then
from shared.domain import RefusedError
from shared.schemas.complaints import ComplaintReopened, ComplaintResolved
from shared.schemas.event import Event
from shared.schemas.times import day_of, micros
from tests.examples import examples

from .story import answered, opened, profile, purchase, returned
from .test_watching import NOW, TWO, Client, Worker, at

BEGAN = NOW - timedelta(days=12)


class Teller:
    """Facts of six customers, most in their order, some late; made by a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.orders: list[tuple[str, str]] = []
        self.complaints: list[tuple[str, str]] = []

    def facts(self, now: datetime) -> list[Event]:
        return [self.fact(now) for _ in range(self.rng.randint(1, 12))]

    def fact(self, now: datetime) -> Event:
        back = self.rng.choice((0, 0, 0.01, 0.2, 1, 2.5, 4, 6))
        when, who = now - timedelta(days=back), f"c{self.rng.randint(1, 6)}"
        kind = self.rng.randrange(7)
        if kind <= 1:
            return at(answered(self.rng.choice(("nps", "csat", "ces")), self.rng.randint(1, 5)), when, who)
        if kind <= 3:
            self.orders.append((f"o{len(self.orders)}", who))
            return at(purchase(self.orders[-1][0]), when, who)
        if kind == 4 and self.orders:
            order, owner = self.rng.choice(self.orders)
            return at(returned(order, 100), now, owner)
        if kind == 5 and self.complaints:
            name, owner = self.rng.choice(self.complaints)
            step = self.rng.choice((ComplaintResolved, ComplaintReopened))
            why = {"resolution": "."} if step is ComplaintResolved else {"reason": "."}
            return at(step(complaint_id=name, **why), when, owner)
        if kind == 6:
            return at(profile(self.rng.choice(("new", "old"))), when, who)
        self.complaints.append((f"k{len(self.complaints)}", who))
        return at(opened(self.complaints[-1][0]), when, who)


def of(store: MetricsStore, client: Client, name: str, now: datetime, then: datetime) -> Then:
    return Then(store, FiguresStore(client[name]), now, then)


async def told_now(store: MetricsStore, client: Client, name: str, now: datetime) -> dict[Any, Any]:
    """What is told at this moment of the days that are closed: each by itself, and the week that ends with
    the last."""
    this = of(store, client, name, now, now)
    last = last_told(micros(now))
    days = {}
    for kpi in KPIS.values():
        points = await this.series(kpi, first=last - 7, last=last, step=1)
        weeks = await this.series(kpi, first=last - 6, last=last, step=7)
        days[kpi.name] = [(point.first, point.result) for point in (*points, *weeks)]
    return days


@pytest.mark.parametrize("seed", range(examples(2)))
async def test_what_was_told_then(client: Client, database_name: str, seed: int) -> None:
    teller, worker = Teller(seed), Worker(client, database_name, BEGAN)
    await worker.begin()
    store, said = MetricsStore(client[database_name]), {}
    for _ in range(14):
        await worker.tell(*teller.facts(worker.now))
        await worker.pass_on(2)
        said[worker.now] = await told_now(store, client, database_name, worker.now)
        worker.now += timedelta(hours=teller.rng.randint(1, 30))
    now_said = await told_now(store, client, database_name, worker.now)
    assert any(before != now_said for before in said.values())
    await _same(store, client, database_name, worker.now, said)
    if seed:
        return
    oldest, figures = worker.now - timedelta(days=5), FiguresStore(client[database_name])
    moved = len(await figures.moved_after(0))
    await figures.forget_moved(micros(oldest))
    assert 0 < len(await figures.moved_after(0)) < moved
    kept = {then: before for then, before in said.items() if then >= oldest}
    assert kept
    await _same(store, client, database_name, worker.now, kept)


async def _same(
    store: MetricsStore,
    client: Client,
    name: str,
    now: datetime,
    said: Mapping[datetime, Mapping[str, Any]],
) -> None:
    """What is told now of then is what was said."""
    for then, before in said.items():
        this = of(store, client, name, now, then)
        if this.last != last_told(micros(then)):
            continue  # today: told as it is
        for kpi in KPIS.values():
            last = this.last
            points = await this.series(kpi, first=last - 7, last=last + 5, step=1)
            weeks = await this.series(kpi, first=last - 6, last=last, step=7)
            again = [(point.first, point.result) for point in (*points, *weeks)]
            assert again == before[kpi.name], (kpi.name, then)
        first, results = await this.live(7)
        assert first == last - 6
        assert {name: result for name, result in results.items() if name in _BY_DAYS} == {
            name: before[name][-1][1] for name in _BY_DAYS
        }


_BY_DAYS = frozenset(KPIS)


async def test_the_day_of_today_is_told_as_it_is(client: Client, database_name: str) -> None:
    worker = Worker(client, database_name)
    await worker.begin()
    await worker.tell(at(answered("nps", 10), TWO), at(answered("nps", 10), NOW))
    await worker.pass_on(3)
    then = worker.now
    await worker.pass_on(3)
    await worker.tell(at(answered("nps", 0), TWO), at(answered("nps", 10), worker.now))
    await worker.pass_on(3)
    store = MetricsStore(client[database_name])

    async def nps(at: datetime) -> Result:
        _, results = await of(store, client, database_name, worker.now, at).live(7)
        return results["nps"]

    assert (await nps(then)).value == 100.0
    assert (await nps(then)).n == 3
    assert (await nps(worker.now)).value == 50.0


async def test_what_moved_figures_is_kept_as_long_as_somebody_is_told(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker takes it out, each hour."""
    monkeypatch.setattr(restating, "KEPT_DAYS", 1)
    worker, figures = Worker(client, database_name), FiguresStore(client[database_name])
    await worker.begin()
    for _ in range(3):
        await worker.tell(at(answered("nps", 10), TWO))
        await worker.pass_on(2)
        worker.now += timedelta(hours=13)
    await worker.pass_on(2)
    assert len(await figures.moved_after(0)) == 1
    worker.now += timedelta(hours=30)
    other = Worker(client, database_name, worker.now)
    await other.begin(1)
    assert len(await figures.moved_after(0)) == 1
    await other.begin(0, 1)
    assert await figures.moved_after(0) == []


async def test_what_was_told_before_much_was_loaded_is_not_made_up(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "MOST_KEPT", 3)
    worker = Worker(client, database_name)
    await worker.begin()
    then = worker.now
    await worker.pass_on(1)
    await worker.tell(*(at(answered("nps", 9), TWO - timedelta(days=n)) for n in range(10)))
    await worker.pass_on(10)
    assert worker.restated == []
    store = MetricsStore(client[database_name])
    this = of(store, client, database_name, worker.now, then)
    with pytest.raises(RefusedError) as refused:
        await this.live(7)
    assert refused.value.code == "not_kept"
    later: Mapping[str, Result] = (await of(store, client, database_name, worker.now, worker.now).live(7))[1]
    assert later["nps"].value == 100.0
    points = await this.series(KPIS["nps"], first=day_of(micros(NOW)) - 1, last=day_of(micros(NOW)), step=1)
    assert [point.result.value for point in points] == [None, None]
