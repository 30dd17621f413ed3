"""What was told, what moved it since, and what loads history."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.restating import (
    HOUR,
    Moved,
    Restating,
    before,
    bursts,
    cause,
    changed,
    is_backfill,
    is_settled,
    last_told,
    levels_before,
)
from shared.schemas.times import DAY, SECOND

POLICY = Restating()
NOW = 20_000 * DAY


def late(
    second: float,
    n: int = 1,
    *,
    heard: int | None = None,
    version: int = 0,
    day: int = 10,
    took: float = 0,
    partition: int = 0,
) -> Moved:
    """So many late facts, written at that second."""
    wall = NOW + round(second * SECOND)
    facts, heard = {day: {"rapport.survey.answered.v1": n}}, n if heard is None else heard
    began, sums = wall - round(took * SECOND), {day: {"promoters": n}}
    return Moved(partition, version, wall, began, wall, heard, facts, sums)


def judged(moved: Sequence[Moved]) -> list[bool]:
    return [is_backfill(burst, POLICY) for burst in bursts(moved, POLICY)]


@given(st.integers(0, 30_000), st.integers(0, DAY - 1))
def test_a_day_is_told_an_hour_after_its_end(day: int, into: int) -> None:
    now = day * DAY + into
    told = last_told(now)
    assert (told + 1) * DAY + HOUR <= now < (told + 2) * DAY + HOUR


Changes = st.dictionaries(
    st.integers(0, 5),
    st.dictionaries(st.sampled_from(["open", "promoters", "r1:x"]), st.integers(-3, 3), min_size=1),
    max_size=3,
)


@given(Changes, st.lists(Changes, max_size=6), st.data())
def test_the_sums_of_then_are_those_of_now_less_what_came_since(
    start: dict[int, dict[str, int]], steps: list[dict[int, dict[str, int]]], data: st.DataObject
) -> None:
    """At every point of a history, however its writes are ordered when they are taken back."""
    days = {day: dict(start.get(day, {})) for day in range(6)}
    history = [{day: dict(fields) for day, fields in days.items()}]
    for step in steps:
        for day, fields in step.items():
            for name, n in fields.items():
                days[day][name] = days[day].get(name, 0) + n
        history.append({day: dict(fields) for day, fields in days.items()})
    moved = [Moved(0, at, at, at, at, 1, {}, sums) for at, sums in enumerate(steps)]
    since = data.draw(st.integers(0, len(steps)))
    back = moved[since:]
    Random(since).shuffle(back)

    def plain(sums: dict[int, dict[str, int]]) -> dict[int, dict[str, int]]:
        return {day: {name: n for name, n in fields.items() if n} for day, fields in sums.items()}

    assert plain(before(days, back, 0)) == plain(history[since])
    total = sum(fields.get("open", 0) for fields in days.values())
    then = sum(fields.get("open", 0) for fields in history[since].values())
    assert levels_before({"open": total}, back) == {"open": then}


def test_few_late_facts_are_no_backfill_and_many_are() -> None:
    assert judged([late(0, 30)]) == [False]
    assert judged([late(0, 31)]) == [True]
    assert judged([late(0, 31, heard=1_000)]) == [False]  # a till that was away, among what others do
    assert judged([late(0, 300, heard=1_000)]) == [True]
    assert judged([late(second, 10) for second in range(6)]) == [True]
    assert judged([late(60 * minute, 20) for minute in range(5)]) == [False] * 5


def test_a_late_fact_soon_after_a_backfill_stands_by_itself() -> None:
    history = [late(second, 100) for second in range(5)]
    assert judged([*history, late(4 + 3.1)]) == [True, False]
    assert judged([*history, late(4 + 2.9)]) == [True]


def test_a_backfill_that_is_written_slowly_stays_one() -> None:
    """Its last few facts too, though a write under load takes long."""
    slow = [late(10 * n, 100, took=9) for n in range(4)]
    assert judged([*slow, late(39, 3, took=8)]) == [True]


def test_what_was_too_much_to_keep_is_a_backfill() -> None:
    assert is_backfill([Moved(0, 0, NOW, NOW, NOW, 10**6, {10: {"a": 1}}, None, (1, 9))], POLICY)


def test_it_is_waited_until_no_more_comes_but_for_a_minute_at_most() -> None:
    steady = [late(second, 1) for second in range(90)]
    assert not is_settled(steady[:1], steady[0].wall + 3 * SECOND, POLICY)
    assert is_settled(steady[:1], steady[0].wall + 3 * SECOND + 1, POLICY)
    assert not is_settled(steady[:60], steady[59].wall, POLICY)
    assert is_settled(steady[:61], steady[60].wall, POLICY)


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(1, 50)), max_size=30))
def test_each_write_is_in_one_burst(writes: list[tuple[int, int]]) -> None:
    moved = [late(second, n, version=at, partition=at) for at, (second, n) in enumerate(writes)]
    found = bursts(moved, POLICY)
    assert sorted(one.version for burst in found for one in burst) == list(range(len(writes)))
    walls = [one.wall for burst in found for one in burst]
    assert walls == sorted(walls)
    for one, other in pairwise(found):
        assert other[0].wall - one[-1].wall > POLICY.quiet_seconds * SECOND


def test_writes_of_a_partition_stay_in_their_order_though_the_clock_goes_back() -> None:
    moved = [late(100, 1), late(10, 1, version=1), late(50, 1, partition=1)]
    order = [(one.partition, one.version) for burst in bursts(moved, POLICY) for one in burst]
    assert order == [(1, 0), (0, 0), (0, 1)]


def test_the_cause_names_types_and_how_many() -> None:
    moved = [late(0, 2), late(1, 1), Moved(0, 3, NOW, NOW, NOW, 1, {10: {"rapport.purchase.made.v1": 1}})]
    assert cause(moved, 10) == "3 rapport.survey.answered.v1, 1 rapport.purchase.made.v1"
    assert cause(moved, 11) == "facts of other days"


def test_only_what_is_not_as_told_is_told_again() -> None:
    assert changed({"a": 1.0, "b": None, "c": 2.0}, {"a": 1.0, "b": None, "c": 3.0}) == {"c": (2.0, 3.0)}
    assert changed({"a": None}, {"a": 0.5}) == {"a": (None, 0.5)}
    assert changed({"t.late": 2}, {"t.other": 1}) == {"t.late": (2, None), "t.other": (None, 1)}
