"""A complaint's clocks as people are shown them: local times, and every step of the sum."""

from datetime import UTC, datetime, timedelta

import pytest

from rapport.sla.explanation import explanation
from rapport.sla.spelled import spelled, until
from services.interactions.config import parse
from services.interactions.domain.sla.clocks import clocks
from services.interactions.domain.sla.log import Fact, Kind
from services.interactions.models.clocks import ExplainedClocks, explained_clocks
from tests.unit.interactions.sla.contract import CONTRACT
from tests.unit.interactions.sla.story import SLA, at, fact, opened
from tests.unit.sla.test_page import drawn

SLOW = parse(CONTRACT.replace("resolution: 24h}", "resolution: 900h}"))


def shown(until: str, *log: Fact, sla: object = SLA) -> ExplainedClocks:
    assert sla in (SLA, SLOW)
    policy = SLOW if sla is SLOW else SLA
    return explained_clocks("x-1", "c-1", clocks(log, policy, at(until)).clocks, policy, at(until))


def lines(until: str, *log: Fact, sla: object = SLA, width: int = 80) -> list[str]:
    return [line for part in explanation(shown(until, *log, sla=sla)) for line in drawn(part, width)]


@pytest.mark.parametrize("width", [80, 120])
def test_each_window_is_a_line_in_the_calendars_own_time(width: int) -> None:
    log = (
        opened("2 10:30", "low"),
        fact("2 12:45", Kind.ANSWERED),
        fact("2 13:30", Kind.WAITING),
        fact("3 08:15", Kind.RESUMED),
    )
    told = lines("3 10:00", *log, width=width)
    assert all(len(line) <= width and "…" not in line for line in told)
    assert told[0] == "x-1 of c-1, as of Tue 3 Mar 2026 10:00 UTC"
    begin = told.index("resolution running")
    assert told[begin + 1 : begin + 4] == [
        "policy standard, version 2020-01-01; calendar office (Europe/Berlin)",
        "begun Mon 2 Mar 2026 11:30; 24h of open time",
        "due Tue 10 Mar 2026 14:15; 3h 45m used",
    ]
    assert [line.split() for line in told[begin + 5 : begin + 9]] == [
        ["open", "Mon", "2", "Mar", "2026", "11:30", "12:30", "1h", "1h"],
        ["open", "Mon", "2", "Mar", "2026", "13:30", "14:30", "1h", "2h"],
        ["paused", "Mon", "2", "Mar", "2026", "14:30", "Tue", "3", "09:15", "-", "2h"],
        ["open", "Tue", "3", "Mar", "2026", "09:15", "11:00", "1h", "45m", "3h", "45m"],
    ]
    assert "first_response met" in told


def test_a_paused_clock_is_not_due_and_a_promise_is_told() -> None:
    log = (opened("2 08:00"), fact("2 08:30", Kind.ANSWERED, promised_by="2 20:00"))
    told = lines("2 10:00", *log, fact("2 09:00", Kind.WAITING))
    begin = told.index("update paused")
    assert told[begin + 2 : begin + 4] == [
        "begun Mon 2 Mar 2026 08:30; promised by Mon 2 Mar 2026 20:00, open or not",
        "not due while it is paused; 30m used",
    ]


def test_what_was_used_before_a_reopening_is_carried() -> None:
    log = (opened("2 08:00", "low"), fact("2 10:00", Kind.RESOLVED), fact("2 12:00", Kind.REOPENED))
    told = lines("2 13:00", *log)
    (carried,) = [line.split() for line in told if line.startswith("carried")]
    assert carried == ["carried", "before", "it", "was", "reopened", "2h", "2h"]


def test_of_a_long_sum_the_middle_is_left_out() -> None:
    told = lines("2027-03-02 08:00", opened("2 08:00", "low"), sla=SLOW)
    (left,) = [line for line in told if line.startswith("...")]
    assert "more lines" in left
    begin = told.index("resolution running") + 5
    assert len(told[begin:]) == 61


def test_the_end_of_a_window_is_told_with_its_day_where_that_is_another_one() -> None:
    begin = datetime(2026, 3, 2, 22, tzinfo=UTC)
    ends = [begin + timedelta(seconds=passed) for passed in (7_170, 7_200, 28_800, 93_600)]
    assert [until(end, begin) for end in ends] == ["23:59:30", "24:00", "Tue 3 06:00", "Wed 4 00:00"]


def test_a_complaint_without_clocks_says_why() -> None:
    early = Fact(at("2019-03-02 08:00"), Kind.OPENED)
    assert lines("2019-03-03 08:00", early)[1].startswith("It has no clocks: no policy fits it")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0m"), (59.9, "59s"), (60, "1m"), (3_661, "1h 1m 1s"), (5_400_000, "1,500h")],
)
def test_durations_are_spelled(seconds: float, text: str) -> None:
    assert spelled(seconds) == text
