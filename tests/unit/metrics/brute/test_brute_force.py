"""Every figure that is told equals a count over the same events by DuckDB, whatever is late or told twice; it
is as sure as NumPy and SciPy say."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rapport.replay.source import DATASET, open_source
from services.metrics.domain.cells import LEVELS, Delta
from services.metrics.domain.kpis.kpi import Kind, Kpi, Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import Window, window
from services.metrics.domain.places import Selection
from services.metrics.domain.sums import Standing, Sums, by_place
from shared.schemas.codec import parse_cloudevent
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import day_number, day_of, micros
from tests.examples import examples

from ..memory import MemoryStore
from ..rig import batch, started
from ..story import START, run
from .kpis import QUERIES, Brute
from .stories import DAYS, Story, arrived
from .sureness import Sure, sureness

DAY0 = day_number(START.date())
SELECTIONS = (
    Selection(),
    Selection(segment="gold"),
    Selection(segment=""),
    Selection(channel="web"),
    Selection("gold", "chat"),
    Selection(tier="silver"),
    Selection(store="s.1"),
    Selection(rule="win-back"),
    Selection(team="service"),
)
WINDOWS: tuple[tuple[int, int | None], ...] = ((0, None), (30, None), (10, 40), (59, 59), (70, 80))
MEANS = ("ces", "sentiment", "order_value", "revenue_per_customer")
ACCURACY = 0.02
"""Of quantiles, as docs/metrics.md has it."""


def told(delta: Delta, first: int, last: int | None, selected: Selection) -> Window:
    """As the API has it from the cells."""
    sums = Sums(-(10**6), selected.chooses())
    sums.stand(Standing(tails=[by_place(delta)]))
    return window(
        sums.with_tails, sums.levels, first=first, last=last, one_channel=selected.channel is not None
    )


def same(kpi: Kpi, mine: Result, value: Any, n: int) -> bool:
    """Whether a KPI's value is the one that was counted."""
    ours = mine.value
    if kpi.kind is Kind.QUANTILES:
        assert isinstance(ours, Mapping)
        pairs = zip(ours.values(), value, strict=True)
        return mine.n == n and all(_close(a, b, ACCURACY * 1.01) for a, b in pairs)
    if isinstance(ours, Mapping):
        counted = value or {}
        return (
            mine.n == n and ours.keys() == counted.keys() and all(_close(ours[k], counted[k]) for k in ours)
        )
    return mine.n == n and (ours is None or isinstance(ours, int | float)) and _close(ours, value)


def _close(ours: float | None, counted: float | None, tolerance: float = 1e-12) -> bool:
    if ours is None or counted is None:
        return ours is counted
    return math.isclose(ours, float(counted), rel_tol=tolerance, abs_tol=1e-9)


def as_sure(kpi: Kpi, mine: Result, counted: Sure) -> bool:
    """Whether a KPI's intervals are those that were computed anew, and it has no others. Student's quantile
    is within 0.01 (``intervals.t95``), so the ends of a mean's interval are within a part of its width."""
    ours = {**mine.intervals, **({} if mine.interval is None else {"": mine.interval})}
    if ours.keys() != counted.keys():
        return False
    for name, (low, high) in counted.items():
        rel = ACCURACY * 1.01 if kpi.kind is Kind.QUANTILES else 1e-9
        wide = 0.01 * (high - low) / 2 if kpi.name in MEANS else 1e-9
        if not all(
            math.isclose(a, b, rel_tol=rel, abs_tol=wide)
            for a, b in zip(ours[name], (low, high), strict=True)
        ):
            return False
    return True


def differences(
    brute: Brute, delta: Delta, windows: Iterable[tuple[int, int | None]], selections: Sequence[Selection]
) -> list[str]:
    found = []
    for first, last in windows:
        for selected in selections:
            brute.choose(first, last, selected)
            mine_of = told(delta, first, last, selected)
            for name in KPIS.keys() & QUERIES.keys():
                mine, (value, n) = KPIS[name].of(mine_of), brute.kpi(name)
                if not same(KPIS[name], mine, value, n):
                    found.append(f"{name} {first}-{last} {selected}: {mine} instead of {value}, {n}")
                sure = sureness(brute, name)
                if not as_sure(KPIS[name], mine, sure):
                    found.append(f"{name} {first}-{last} {selected}: {mine} is as sure as {sure}")
    return found


@pytest.mark.parametrize("seed", range(examples(2)))
def test_every_figure_of_random_histories(seed: int, tmp_path: Path) -> None:
    log = Story(seed).log(400)
    brute, delta = Brute(log, tmp_path), run(arrived(log))[1]
    windows = [(DAY0 + first, None if last is None else DAY0 + last) for first, last in WINDOWS]
    assert differences(brute, delta, windows, SELECTIONS) == []
    assert set(LEVELS) <= {field for _, _, field in delta}, "all that is counted happened"
    assert max(first for first, last in WINDOWS if last is None) < DAYS


def test_every_kpi_is_counted_once_more() -> None:
    """A new KPI has a query here; one that no query can say is named with the test that counts it by hand."""
    assert KPIS.keys() - QUERIES.keys() - ELSEWHERE.keys() == set()
    assert QUERIES.keys() - KPIS.keys() == set()


ELSEWHERE: Mapping[str, str] = {
    "clv": "tests/unit/metrics/test_worth.py: told by `rapport clv fit`, counted by hand there",
    **dict.fromkeys(
        ("retention", "churn", "churn_voluntary", "churn_involuntary", "churn_reasons"),
        "tests/unit/metrics/test_life.py: a policy says who has left",
    ),
}


@pytest.mark.parametrize("seed", range(examples(2)))
async def test_a_backfill_makes_what_was_lived(seed: int, tmp_path: Path) -> None:
    """The same log, event by event with a flush after each and workers that come and go, and in one go; both
    are what was counted. Nothing waits so long that it matters which clock says so."""
    log = Story(seed + 1_000, days=20, latest=5.0).log(300)
    lived, backfilled = MemoryStore(), MemoryStore()
    rig = await started(lived)
    for n, e in enumerate(log):
        if n % 40 == 39:
            rig = await started(lived)
        await rig.processor.process(batch([e], start=n))
        await rig.flush()
    rig = await started(backfilled, stream=True)
    for n in range(0, len(log), 150):
        await rig.processor.process(batch(log[n : n + 150], start=n))
    await rig.flush()
    assert lived.cells == backfilled.cells
    assert (
        differences(Brute(log, tmp_path), lived.cells, [(DAY0, None), (DAY0 + 9, DAY0 + 33)], SELECTIONS)
        == []
    )


async def test_every_figure_of_the_recorded_data_set(tmp_path: Path) -> None:
    """Replayed through the worker's processor, with late reports and each tenth event again: of some
    households, and of all with ``make properties``."""
    now, households = datetime.now(UTC), 60 if examples(1) == 1 else None
    log = [parse_cloudevent(r.value, now) for r in open_source(DATASET, households=households).records]
    log = [e for n, told in enumerate(log) for e in ((told, log[n - 7]) if n % 10 == 9 else (told,))]
    store = MemoryStore()
    rig = await started(store, stream=True)
    for n in range(0, len(log), 500):
        await rig.processor.process(batch(log[n : n + 500], start=n))
        rig.time += 0.3
    await rig.flush()
    first, last = day_of(micros(log[0].time)), day_of(micros(log[-1].time))
    windows = [(first, None), (last - 29, None), *((day, day + 29) for day in range(first, last, 150))]
    selections = [Selection(), Selection(channel="store"), Selection(store=_store(log))]
    assert differences(Brute(log, tmp_path), store.cells, windows, selections) == []


def _store(log: Sequence[Event]) -> str:
    """The store of the most purchases."""
    found = Counter(e.data.store_id for e in log if isinstance(e.data, PurchaseMade) and e.data.store_id)
    return found.most_common(1)[0][0]
