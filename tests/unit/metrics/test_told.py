"""Which days are told anew, and when."""

from collections import Counter
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.restating import MINUTE, Moved, Restating, before
from services.metrics.domain.told import Told, due
from shared.schemas.times import DAY, SECOND

POLICY = Restating()
NOW = 20_000 * DAY


def late(second: float, *days: int, n: int = 1, partition: int = 0, version: int = 0) -> Moved:
    wall = NOW + round(second * SECOND)
    facts = {day: {"rapport.survey.answered.v1": n} for day in days}
    sums = {day: {"promoters": n} for day in days}
    return Moved(partition, version, wall, wall, wall, n * len(days), facts, sums)


def told_at(moved: Iterable[Moved], second: float, told: Told) -> tuple[list[int], Told]:
    known = [one for one in moved if one.wall <= NOW + second * SECOND]
    found, _, told = due(known, told, NOW + round(second * SECOND), POLICY)
    return [one.day for one in found], told


def test_a_late_fact_is_told_once_it_is_quiet() -> None:
    moved = [late(0, 10, 11)]
    assert told_at(moved, 3, Told())[0] == []
    days, told = told_at(moved, 3.5, Told())
    assert days == [10, 11]
    assert told_at(moved, 4, told)[0] == []
    assert told.versions == {0: 1}


def test_a_day_is_told_anew_once_a_minute_with_all_that_came_meanwhile() -> None:
    moved = [late(0, 10), late(10, 10, 12, version=1), late(20, 10, version=2)]
    days, told = told_at(moved[:1], 4, Told())
    assert days == [10]
    days, told = told_at(moved[:2], 14, told)
    assert days == [12]
    days, told = told_at(moved, 24, told)
    assert days == []
    found, _, told = due(moved, told, NOW + MINUTE, POLICY)
    (one,) = found
    assert (one.day, one.late, one.since_told, one.since) == (10, tuple(moved[1:]), tuple(moved[1:]), ())
    assert told_at(moved, 120, told)[0] == []


def test_a_clock_that_goes_back_tells_nothing_twice_in_a_minute() -> None:
    """An event of that minute would have the id of the one that was told, and be taken for a copy."""
    moved = [late(0, 10), late(-20, 10, version=1)]
    days, told = told_at(moved[:1], 4, Told())
    assert days == [10]
    days, told = told_at(moved, -10, told)
    assert days == []
    days, told = told_at(moved, 30, told)
    assert days == []
    assert told_at(moved, 60, told)[0] == [10]


def test_a_backfill_is_silent_and_what_comes_after_it_is_told() -> None:
    moved = [late(0, 10, n=100), late(1, 10, n=100, version=1)]
    found, days, told = due(moved, Told(), NOW + 10 * SECOND, POLICY)
    assert (found, days) == ([], {10})
    moved.append(late(20, 10, version=2))
    found, _, told = due(moved, told, NOW + 24 * SECOND, POLICY)
    assert [one.late for one in found] == [tuple(moved[2:])]


def test_history_is_loaded_until_it_is_quiet_for_a_minute_or_a_day_is_over() -> None:
    moved = [late(second, 10, n=100, version=second) for second in range(0, 90, 2)]
    _, told = told_at(moved, 70, Told())
    assert told.loading == NOW + 70 * SECOND
    assert told.is_loading(NOW + 70 * SECOND)
    assert not told.is_loading(NOW + 70 * SECOND + DAY)
    _, after = told_at(moved, 140, told)
    assert after.loading == told.loading
    assert told_at(moved, 150, after)[1].loading == 0
    few = [late(0, 10, 11)]
    assert told_at(few, 10, Told())[1].loading == 0


def test_what_is_not_settled_is_no_part_of_what_is_told() -> None:
    """The sums of now hold it already."""
    moved = [late(0, 10), late(5, 10, n=50, version=1)]
    found, _, told = due(moved, Told(), NOW + 6 * SECOND, POLICY)
    (one,) = found
    now = {10: {"promoters": 51}}
    assert before(now, one.since_told, 10) == {10: {}}
    assert before(now, one.since, 10) == {10: {"promoters": 1}}
    assert told.versions == {0: 1}


History = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 2), st.integers(1, 2)), max_size=15)


@given(History, st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_each_change_is_told_once_and_a_day_once_a_minute(
    history: list[tuple[int, int, int]], rests: list[int]
) -> None:
    """However often it is asked: what is told of a day goes on from what was told of it before, to the sums
    of all late facts; and what a restart reads is enough."""
    versions: Counter[int] = Counter()
    moved = []
    for second, partition, n in sorted(history):
        moved.append(late(second, 10, n=n, partition=partition, version=versions[partition]))
        versions[partition] += 1
    told, said, minutes, second = Told(), 0, [], 0.0
    asked = iter([*rests * 40, 500, 600, 700])
    for rest in asked:
        second += rest
        wall = NOW + round(second * SECOND)
        known = [one for one in moved if one.wall <= wall]
        total = sum(one.late for one in known)
        read = [one for one in known if one.wall >= told.since]
        found, _, told = due(read, told, wall, POLICY)
        for one in found:
            now = {10: {"promoters": total}}
            assert before(now, one.since_told, 10)[10].get("promoters", 0) == said
            said = before(now, one.since, 10)[10].get("promoters", 0)
            minutes.append(wall // MINUTE)
    assert said == sum(n for _, _, n in history)
    assert len(minutes) == len(set(minutes))
