"""The sum behind a clock's used time."""

import pytest

from services.interactions.domain.sla.explain import explained
from services.interactions.domain.sla.log import Kind

from .story import HOUR, SLA, changed, clock_of, fact, opened, run, told_at


def test_each_window_and_each_pause_is_a_line() -> None:
    course = run(
        "3 10:00",
        opened("2 10:30", "low"),
        fact("2 13:30", Kind.WAITING),
        fact("3 08:15", Kind.RESUMED),
    )
    rows = explained(clock_of(course, "resolution"), SLA)
    shown = [
        (row.kind, told_at(row.begin), told_at(row.end), row.counted / HOUR, row.total / HOUR) for row in rows
    ]
    assert shown == [
        ("open", "2 10:30", "2 11:30", 1, 1),
        ("open", "2 12:30", "2 13:30", 1, 2),
        ("paused", "2 13:30", "3 08:15", 0, 2),
        ("open", "3 08:15", "3 10:00", 1.75, 3.75),
    ]


def test_a_reopened_clock_carries_what_was_used() -> None:
    course = run("2 13:00", opened("2 08:00"), fact("2 10:00", Kind.RESOLVED), fact("2 12:00", Kind.REOPENED))
    rows = explained(clock_of(course, "resolution"), SLA)
    assert [(row.kind, row.counted / HOUR, row.total / HOUR) for row in rows] == [
        ("carried", 2, 2),
        ("open", 1, 3),
    ]


def test_a_breached_clock_is_explained_up_to_its_breach() -> None:
    course = run("3 12:00", opened("2 08:00", "low"), changed("2 08:30", "severity", "critical"))
    clock = clock_of(course, "first_response")
    (row,) = explained(clock, SLA)
    assert (told_at(row.begin), told_at(row.end), row.total) == ("2 08:00", "2 09:00", HOUR)


def test_a_policy_that_the_file_lacks_is_not_explained() -> None:
    course = run("2 09:00", opened("2 08:00"))
    with pytest.raises(KeyError):
        SLA.policy("2019-01-01", course.clocks[0].policy)
