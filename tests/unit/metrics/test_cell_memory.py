"""What cells take in memory is what the README says."""

import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.metrics import store
from services.metrics.domain.cells import Delta
from services.metrics.domain.places import ALL, LIMITS, Where
from services.metrics.domain.state import Customer
from services.metrics.domain.sums import Standing, Sums
from services.metrics.domain.tracked import Tracked
from services.metrics.journal.partition import FOLD_CELLS
from shared.schemas.times import DAY

README = Path(store.__file__).parent / "README.md"
DAYS, FIELDS = 200, 100


def said(pattern: str) -> list[int]:
    """Numbers of the README's formula."""
    text = " ".join(README.read_text(encoding="utf-8").partition("**Memory of cells**")[2].split())
    found = re.search(pattern, text)
    assert found is not None, pattern
    return [int(number.replace(",", "")) for number in found.groups()]


def taken(make: Callable[[], Any]) -> int:
    tracemalloc.start()
    kept = make()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept is not None
    return size


def test_days_that_the_api_keeps() -> None:
    names = [f"resolution:{n}" for n in range(FIELDS)]

    def keep() -> Sums:
        sums = Sums(0)
        days = {day: {name: 1_000 + day * n for n, name in enumerate(names)} for day in range(DAYS)}
        sums.replace(None, days, {})
        sums.stand(Standing(), ALL.chooses())
        sums.since(0)
        return sums

    (most,) = said(r"the API takes (\d+) bytes for each selection, day and field")
    size = taken(keep) / (DAYS * FIELDS)
    assert most / 3 < size < most
    assert f"last {store.KEPT_SELECTIONS} selections" in README.read_text(encoding="utf-8")


def test_cells_that_are_not_folded() -> None:
    def count() -> tuple[Tracked, Delta]:
        one, delta = Tracked(Customer()), Delta()
        for day in range(DAYS):
            one.count(delta, Where("web", store=f"s{day}"), [(day * DAY, f"first:{n}", 1) for n in range(50)])
        return one, delta

    most, cells = said(r"A worker takes (\d+) bytes for each cell that is not folded: ([\d,]+)")
    size = taken(count) / (DAYS * 50 * 2)
    assert most / 3 < size < most
    assert cells == FOLD_CELLS


def test_places_of_a_day() -> None:
    numbers = said(
        r"(\d+) segments × (\d+) channels \+ (\d+) tiers \+ (\d+) stores \+ (\d+) rules \+ (\d+) teams"
    )
    assert numbers == [limit + 1 for limit in LIMITS.values()]
