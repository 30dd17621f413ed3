"""The clocks, exact and by arithmetic, against a clock that counts minute by minute (``naive.py``)."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.interactions.domain.sla.calendars import Calendar
from services.interactions.domain.sla.clocks import clocks
from services.interactions.domain.sla.course import Course, Notice, NoticeKey
from services.interactions.domain.sla.explain import explained
from services.interactions.domain.sla.log import Fact, Kind, MatchField
from services.interactions.domain.sla.policy import Sla
from shared.schemas.times import moment
from tests.examples import examples

from .minutes import MINUTE, Minutes
from .naive import Naive

DAY = 1440
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

PLACES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Europe/Berlin", date(2026, 12, 24)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/New_York", date(2026, 11, 26)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Asia/Kathmandu", date(1986, 1, 1)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("America/Havana", date(2026, 3, 8)),
    ("America/Havana", date(2026, 11, 1)),
]
"""A zone, and a day near which its clocks change, or a holiday is."""
COUNTRIES = [{"country": "DE", "subdivision": "BE"}, {"country": "US"}, {"country": "AU"}]
DAYS = [
    [],
    ["09:00-12:30", "13:30-18:00"],
    ["00:00-24:00"],
    ["22:00-06:00"],
    ["01:30-02:15", "02:45-03:10"],
    ["00:00-00:30", "02:10-02:50", "23:30-24:00"],
]


@st.composite
def calendars(draw: st.DrawFn, zone: str, around: date) -> dict[str, Any]:
    """A calendar, as a file has it."""
    calendar: dict[str, Any] = {"timezone": zone, "hours": "all"}
    if draw(st.booleans()):
        hours = {name: draw(st.sampled_from(DAYS)) for name in WEEKDAYS}
        for before, name in zip(("sun", *WEEKDAYS), WEEKDAYS, strict=False):
            if hours[before] == ["22:00-06:00"]:  # nothing else may be open in that night
                hours[name] = hours[name] if hours[name] in (DAYS[1], DAYS[3]) else []
        if hours["sun"] == ["22:00-06:00"] and hours["mon"] not in (DAYS[1], DAYS[3]):
            hours["mon"] = []
        calendar["hours"] = hours if any(hours.values()) else "all"
    if draw(st.booleans()):
        calendar["holidays"] = draw(st.sampled_from(COUNTRIES))
    near = st.integers(-2, 4).map(lambda days: around + timedelta(days=days))
    if draw(st.booleans()):
        calendar["closed"] = draw(st.lists(near, max_size=2, unique=True))
    if draw(st.booleans()):
        calendar["open"] = {draw(near): ["08:15-11:00"]}
    return calendar


spent = st.integers(1, 900).map(lambda minutes: f"{minutes // 60}h{minutes % 60}m")


@st.composite
def policies(draw: st.DrawFn, name: str, when: Mapping[str, list[str]]) -> dict[str, Any]:
    """A policy, as a file has it."""
    policy: dict[str, Any] = {"name": name, "when": dict(when), "calendar": draw(st.sampled_from(["a", "b"]))}
    for clock in ("first_response", "next_response", "update", "resolution"):
        if draw(st.integers(0, 4)):
            policy[clock] = draw(spent)
    if draw(st.booleans()):
        policy["warn_before"] = draw(spent)
    levels = sorted(draw(st.lists(st.integers(0, 600), max_size=2)))
    policy["escalate"] = [{"after": f"{after}m", "to": "lead"} for after in levels]
    return policy


@st.composite
def files(draw: st.DrawFn, zone: str, around: date) -> dict[str, Any]:
    """A file of two versions."""
    versions = []
    for effective in (around - timedelta(days=100), around):
        known = {"a": draw(calendars(zone, around)), "b": draw(calendars(zone, around))}
        critical = draw(policies("critical", {"severity": ["critical"]}))
        gold = draw(policies("gold", {"tier": ["gold", "vip"]}))
        rest = [draw(policies("rest", {}))] if draw(st.integers(0, 3)) else []
        versions.append({"effective": effective, "calendars": known, "policies": [critical, gold, *rest]})
    return {"name": "any", "versions": versions}


CHANGES: list[tuple[MatchField, str | None]] = [
    ("severity", "critical"),
    ("severity", "low"),
    ("tier", "gold"),
    ("tier", None),
]
STEPS = [kind for kind in Kind if kind != Kind.OPENED] + [Kind.RESOLVED, Kind.REOPENED, Kind.CHANGED]


@st.composite
def logs(draw: st.DrawFn, begin: int) -> list[Fact]:
    """A log that begins about ``begin`` (minutes since 1970)."""
    at = begin + draw(st.integers(-DAY, DAY))
    log = [Fact(at * MINUTE, Kind.OPENED, (draw(st.sampled_from(CHANGES)),))]
    for _ in range(draw(st.integers(0, 8))):
        at += draw(st.one_of(st.integers(0, 90), st.integers(0, 900)))
        kind = draw(st.sampled_from(STEPS))
        if any(fact.at == at * MINUTE and fact.kind == kind for fact in log):
            continue
        changes = (draw(st.sampled_from(CHANGES)),) if kind == Kind.CHANGED else ()
        promised = at + draw(st.integers(-5, 900)) if kind == Kind.ANSWERED and draw(st.booleans()) else None
        log.append(Fact(at * MINUTE, kind, changes, promised and promised * MINUTE))
    return log


Story: TypeAlias = tuple[dict[str, Any], list[Fact], list[Fact], int]
"""A file, a log, the same as it was heard, and minutes after its last fact."""


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Anything that can happen."""
    zone, around = draw(st.sampled_from(PLACES))
    begin = int(datetime(around.year, around.month, around.day, tzinfo=UTC).timestamp()) // 60
    log = draw(logs(begin))
    return draw(files(zone, around)), log, draw(st.permutations(log)), draw(st.integers(0, 1500))


def told(course: Course, last: int) -> list[tuple[Any, ...]]:
    """Without what the naive clock could not look ahead to."""

    def row(one: Notice) -> tuple[Any, ...]:
        kind, clock, run, level = one.key
        return kind, clock, run // MINUTE, level, one.at // MINUTE, _near(one.due_at, last), one.policy

    return sorted(map(row, course.notices), key=str)


def _near(at: int | None, last: int) -> int | None:
    return None if at is None or at // MINUTE > last else at // MINUTE


@settings(max_examples=examples(200), deadline=None, suppress_health_check=list(HealthCheck))
@given(stories())
def test_the_clocks_are_those_of_a_clock_that_counts_minutes(story: Story) -> None:
    check(story)


def check(story: Story) -> None:
    """Both clocks say the same: how they stand, all that was told, and what comes next."""
    file, log, heard, after = story
    sla = Sla.model_validate(file)
    opened, until = log[0].at // MINUTE, log[-1].at // MINUTE + after
    last = until + 2 * DAY
    version = file["versions"][
        [one.effective <= moment(log[0].at).date() for one in sla.versions].count(True) - 1
    ]
    minutes = {name: Minutes(spec, opened, last) for name, spec in version["calendars"].items()}
    naive = Naive(version, minutes, last)
    naive.run(log, opened, until)
    course = clocks(heard, sla, until * MINUTE)

    assert {
        clock.clock: (clock.state, _near(clock.due_at, last), clock.used // MINUTE, clock.policy)
        for clock in course.clocks
    } == naive.shown()
    expected = [*naive.notices, *(one for one in naive.escalations if one[4] <= until)]
    assert told(course, last) == sorted(expected, key=str)
    for clock in course.clocks:
        rows = explained(clock, sla)
        assert (rows[-1].total if rows else 0) == clock.used
    _check_next(course, sla, log, naive, until, last)


def _check_next(course: Course, sla: Sla, log: list[Fact], naive: Naive, until: int, last: int) -> None:
    """What comes next comes when the naive clock comes to it."""
    later = Naive(naive.version, naive.minutes, last)
    later.run(log, log[0].at // MINUTE, last - 1)
    coming = [one[4] for one in (*later.notices, *later.escalations) if until < one[4] < last - 1]
    if coming:
        assert course.next_at == min(coming) * MINUTE
        assert len(clocks(log, sla, course.next_at).notices) > len(course.notices)
    else:
        assert course.next_at is None or course.next_at >= (last - 1) * MINUTE


@settings(max_examples=examples(200), deadline=None, suppress_health_check=list(HealthCheck))
@given(stories())
def test_each_notice_is_told_once_a_run_whatever_is_heard_first(story: Story) -> None:
    check_told_once(story)


def check_told_once(story: Story) -> None:
    file, log, heard, after = story
    sla = Sla.model_validate(file)
    until = log[-1].at + after * MINUTE
    told: list[NoticeKey] = []
    course = Course()
    for number in range(1, len(heard) + 1):
        course = clocks(heard[:number], sla, until)
        told += [notice.key for notice in course.untold(told)]
    assert course.untold(told) == ()
    for clock, start, end in course.spans:
        own = [
            (key.kind, key.level)
            for key in told
            if key.clock == clock and start <= key.run and (key.run == start or end is None or key.run < end)
        ]
        assert len(own) == len(set(own))


@st.composite
def spans(draw: st.DrawFn) -> tuple[dict[str, Any], int, int]:
    zone, around = draw(st.sampled_from(PLACES))
    around += timedelta(days=draw(st.one_of(st.just(0), st.integers(0, 40))))  # over the borders of blocks
    begin = int(datetime(around.year, around.month, around.day, tzinfo=UTC).timestamp()) // 60
    start = begin + draw(st.integers(-DAY, DAY))
    return draw(calendars(zone, around)), start, draw(st.integers(0, 4 * DAY))


@settings(max_examples=examples(400), deadline=None, suppress_health_check=list(HealthCheck))
@given(spans(), st.integers(0, 3 * DAY * MINUTE), st.integers(0, MINUTE - 1))
def test_open_time_is_that_of_minutes_and_exact_in_microseconds(
    span: tuple[dict[str, Any], int, int], duration: int, shift: int
) -> None:
    spec, start, length = span
    open_time = Calendar.model_validate(spec).open_time
    minutes = Minutes(spec, start, start + length)
    assert open_time.between(start * MINUTE, (start + length) * MINUTE) == sum(minutes.open) * MINUTE
    windows = list(open_time.windows(start * MINUTE, (start + length) * MINUTE))
    assert sum(end - begin for begin, end in windows) == sum(minutes.open) * MINUTE

    begin = start * MINUTE + shift
    end, goes_on = open_time.used_up(begin, duration), open_time.goes_on(begin, duration)
    assert open_time.between(begin, end) == open_time.between(begin, goes_on) == duration
    assert duration == 0 or open_time.between(begin, end - 1) == duration - 1
    assert open_time.between(begin, goes_on + 1) == duration + 1
    assert begin <= end <= goes_on
