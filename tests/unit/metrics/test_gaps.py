"""Repeat purchase counts for any window, against counting customers one by one: days with a purchase."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.buyers import customers, customers_since
from services.metrics.domain.cells import DayChange
from services.metrics.domain.gaps import ANY, counted, insert, is_gap, remove
from services.metrics.domain.kpis.window import summed

_days = st.lists(st.integers(0, 40), max_size=12)


def fields(changes: list[DayChange]) -> dict[int, dict[str, int]]:
    total: dict[int, dict[str, int]] = {}
    for day, field, n in changes:
        total.setdefault(day, Counter())[field] += n
    return total


@given(st.lists(_days, max_size=6), st.integers(0, 40), st.integers(0, 40))
def test_any_window_equals_counting_customers(people: list[list[int]], a: int, b: int) -> None:
    first, last = sorted((a, b))
    cells = fields([change for days in people for change in counted(sorted(days), ANY)])
    bought = [len({d for d in days if first <= d <= last}) for days in people]
    assert customers(cells, ANY, first, last) == (
        sum(n >= 1 for n in bought),
        sum(n >= 2 for n in bought),
    )


@given(st.lists(_days, max_size=6), st.integers(0, 41))
def test_an_open_window_needs_no_gaps(people: list[list[int]], first: int) -> None:
    changes = [change for days in people for change in counted(sorted(days), ANY)]
    without = fields([change for change in changes if not is_gap(change[1])])
    bought = [len({d for d in days if d >= first}) for days in people]
    assert customers_since(summed(without, first, None), ANY) == (
        sum(n >= 1 for n in bought),
        sum(n >= 2 for n in bought),
    )


@given(_days, st.data())
def test_changes_add_up_to_what_stands(days: list[int], data: st.DataObject) -> None:
    held: list[int] = []
    changes: list[DayChange] = []
    for day in days:
        changes += insert(held, day, ANY)
    for day in data.draw(st.permutations(days))[: data.draw(st.integers(0, len(days)))]:
        changes += remove(held, day, ANY)
    stands = {k: v for k, v in _sum(changes).items() if v}
    assert stands == _sum(list(counted(sorted(held), ANY)))
    assert held == sorted(held)


def _sum(changes: list[DayChange]) -> dict[tuple[int, str], int]:
    total: Counter[tuple[int, str]] = Counter()
    for day, field, n in changes:
        total[day, field] += n
    return dict(total)


@pytest.mark.parametrize(("field", "gap"), [("r1:x", False), ("c2:x", False), ("r1:0", True), ("c2:9", True)])
def test_gap_fields(field: str, gap: bool) -> None:
    assert is_gap(field) is gap


@pytest.mark.parametrize("field", ["open", "csat_top", "ces_sum", "redeemed", "resolution:3", "first:z"])
def test_other_fields_are_no_gaps(field: str) -> None:
    assert not is_gap(field)
