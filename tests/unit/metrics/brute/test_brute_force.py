"""Every figure that is told equals a count over the same events by DuckDB, whatever is late or told twice."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.metrics.domain.cells import LEVELS, Delta
from services.metrics.domain.kpis.kpi import Kind, Kpi, Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import window
from services.metrics.domain.places import Selection
from services.metrics.domain.sums import Standing, Sums
from shared.schemas.times import day_number
from tests.examples import examples

from ..story import START, run
from .kpis import QUERIES, Brute
from .stories import DAYS, Story, arrived

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
ACCURACY = 0.02
"""Of quantiles, as docs/metrics.md has it."""


def told(delta: Delta, kpi: Kpi, first: int, last: int | None, selected: Selection) -> Result:
    """As the API has it from the cells."""
    chosen, sums = selected.chooses(), Sums(-(10**6))
    sums.stand(Standing(tails=[delta]), chosen)
    return kpi.of(
        window(sums.with_tails, sums.levels, first=first, last=last, one_channel=selected.channel is not None)
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


def differences(
    brute: Brute, delta: Delta, windows: Iterable[tuple[int, int | None]], selections: Sequence[Selection]
) -> list[str]:
    found = []
    for first, last in windows:
        for selected in selections:
            brute.choose(first, last, selected)
            for name in KPIS.keys() & QUERIES.keys():
                mine, (value, n) = told(delta, KPIS[name], first, last, selected), brute.kpi(name)
                if not same(KPIS[name], mine, value, n):
                    found.append(f"{name} {first}-{last} {selected}: {mine} instead of {value}, {n}")
    return found


@pytest.mark.parametrize("seed", range(examples(4)))
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


ELSEWHERE: Mapping[str, str] = {}
