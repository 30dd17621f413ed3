"""What cells take in memory is what the README says."""

import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.metrics import store
from services.metrics.domain.cells import Delta
from services.metrics.domain.gaps import HEADS
from services.metrics.domain.kpis.window import summed
from services.metrics.domain.places import ALL, LIMITS, Where
from services.metrics.domain.state import Customer
from services.metrics.domain.sums import SHARE, Standing, Sums, by_place
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
    """Counts that a window adds up, and purchases by what came after them, which are packed."""
    plain, gaps = [f"resolution:{n}" for n in range(FIELDS)], [f"r1:{n}" for n in range(FIELDS)]
    most, packed = said(r"(\d+) bytes for each selection, day and field counted on it, (\d+) for one that")
    (of_day,) = (1_000 * number for number in said(r"and (\d+),000 for the day itself"))
    everything = [f"{head}:{gap}" for head in sorted(HEADS) for gap in ("x", 7)]

    def keep(names: list[str]) -> Sums:
        days = {day: {name: 1_000 + day * n for n, name in enumerate(names, 1)} for day in range(DAYS)}
        sums = Sums.read(0, ALL.chooses(), True, {}, days)
        sums.stand(Standing())
        sums.counted("all", lambda days: summed(days, 0, None))
        return sums

    for names, limit in ((plain, most), (gaps, packed)):
        keep(names)  # what is kept of names is not of one selection
        size = taken(lambda names=names: keep(names)) / (DAYS * FIELDS)
        assert limit / 3 < size < limit
    least = of_day + len(HEADS) * most + len(everything) * packed
    assert least / 3 < taken(lambda: keep(everything)) / DAYS < least
    assert f"last {store.KEPT_SELECTIONS} selections" in README.read_text(encoding="utf-8")


def test_what_changed_of_days_is_a_part_of_them() -> None:
    """However much is folded, what is kept beside a day stays smaller than what was there."""
    names = [f"resolution:{n}" for n in range(FIELDS)]
    sums = Sums.read(0, ALL.chooses(), True, {}, {day: dict.fromkeys(names, 1) for day in range(3)})
    for n in range(1_000):
        cells = {(day, "|", f"resolution:{(n * 7 + day) % (3 * FIELDS)}"): 1 for day in range(3)}
        sums.fold([by_place(cells)], {})
        for day in sums.days.values():
            base, *later = day.parts
            assert sum(map(len, later)) * SHARE < len(base)
        total = sums.counted("all", lambda days: summed(days, 0, None))
        assert sum(total.values()) == 3 * (FIELDS + 1 + n)


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
