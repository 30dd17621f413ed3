"""What the contract says of calendars, each sentence worked by hand."""

from zoneinfo import ZoneInfo

import pytest

from services.interactions.config import parse
from services.interactions.domain.sla.calendars import WEEKDAYS, Calendar
from services.interactions.domain.sla.open_time import NeverOpenError, WindowTime
from shared.schemas.times import DAY

from .contract import CONTRACT
from .story import HOUR, at, clock_of, opened, run, shown


def test_the_rest_of_a_duration_goes_on_in_the_next_window() -> None:
    course = run("2 08:00", opened("2 08:00", "low"))
    assert shown(course, "first_response") == (
        "running",
        "2 13:00",
        0,
    )  # 3.5 h, then half an hour after lunch
    course = run("2 16:00", opened("2 15:00", "low"))
    assert shown(course, "first_response") == ("running", "3 10:00", 1)
    assert course.next_at == at("3 10:00")


def test_a_window_belongs_to_the_day_it_begins() -> None:
    text = CONTRACT.replace("calendar: office, first_response: 4h", "calendar: night, first_response: 6h")
    course = run("6 20:00", opened("6 12:00", "low"), sla=parse(text))  # a Friday: open 22:00 to 06:00
    assert shown(course, "first_response")[1] == "7 04:00"
    closed_friday = text.replace("hours: {fri:", "closed: [2026-03-06], hours: {fri:")
    closed_saturday = text.replace("hours: {fri:", "closed: [2026-03-07], hours: {fri:")
    for file, due in ((closed_friday, "14 04:00"), (closed_saturday, "7 04:00")):
        course = run("6 20:00", opened("6 12:00", "low"), sla=parse(file))
        assert shown(course, "first_response")[1] == due


@pytest.mark.parametrize(
    ("zone", "four"),
    [("Pacific/Kiritimati", "2 14:00"), ("UTC", "2 04:00"), ("Pacific/Pago_Pago", "2 15:00")],
)
def test_a_night_is_open_after_midnight_whatever_the_day(zone: str, four: str) -> None:
    nights = {day: ["22:00-06:00"] for day in WEEKDAYS}
    open_time = Calendar.model_validate({"timezone": zone, "hours": nights}).open_time
    begin = at(four)  # 04:00 there
    for day in range(100):
        start = begin + day * DAY
        assert open_time.between(start, start + HOUR) == HOUR
        assert open_time.used_up(start, 2 * HOUR) == start + 2 * HOUR
        assert open_time.goes_on(start, 2 * HOUR) == start + 18 * HOUR
        assert open_time.between(start + 2 * HOUR, start + DAY) == 6 * HOUR


def test_a_duration_goes_on_over_closed_weeks_and_a_calendar_that_never_opens_is_told() -> None:
    closed = [f"2026-{month:02}-{day:02}" for month in (3, 4, 5) for day in range(1, 31)]
    hours = {"mon": ["09:00-17:00"]}
    spec = {"timezone": "UTC", "hours": hours, "closed": closed, "holidays": {"country": "US"}}
    open_time = Calendar.model_validate(spec).open_time
    assert open_time.used_up(at("2026-02-23 16:00"), 9 * HOUR) == at("2026-06-01 17:00")
    assert open_time.used_up(at("2026-02-23 16:00"), 200 * HOUR) == at("2026-11-30 16:00")
    never = WindowTime(ZoneInfo("UTC"), lambda day: ())
    with pytest.raises(NeverOpenError):
        never.used_up(at("2 08:00"), 1)
    assert never.between(at("2 08:00"), at("9 08:00")) == 0


OFFICE = CONTRACT[CONTRACT.index("office: {") : CONTRACT.index("      night")]


def test_open_beats_closed_beats_holidays_beats_hours() -> None:
    office = """office:
        timezone: UTC
        hours: {mon: &day ["08:00-16:00"], tue: *day, wed: *day, thu: *day, fri: *day}
        holidays: {country: DE}
        closed: [2026-04-07, 2026-04-08]
        open: {2026-04-06: ["10:00-11:00"], 2026-04-08: ["12:00-13:00"]}
"""
    sla = parse(CONTRACT.replace(OFFICE, office))
    # Good Friday; the weekend; 1 h on Easter Monday; Tuesday closed; 1 h on Wednesday; 2 h of Thursday.
    course = run("2026-04-02 20:00", opened("2026-04-02 18:00", "low"), sla=sla)
    assert clock_of(course, "first_response").due_at == at("2026-04-09 10:00")


def test_24_00_loses_no_minute_and_all_is_exact_over_a_change_of_clocks() -> None:
    whole = 'hours: {sat: ["00:00-24:00"], sun: ["00:00-24:00"], mon: ["00:00-24:00"]}'
    text = CONTRACT.replace("{timezone: UTC, hours: all}", f"{{timezone: Europe/Berlin, {whole}}}")
    text = text.replace("resolution: 1d", "resolution: 48h")
    course = run("28 00:00", opened("27 23:00"), sla=parse(text))  # Saturday begins at 23:00 UTC
    assert clock_of(course, "resolution").due_at == at("29 23:00")  # Sunday has 23 hours, and one of Monday


def test_of_a_local_time_that_comes_twice_the_first_and_one_that_is_skipped_is_the_change() -> None:
    text = CONTRACT.replace(
        OFFICE,
        'office: {timezone: Europe/Berlin, hours: {sun: ["02:30-04:00"]}}\n',
    ).replace("first_response: 4h", "first_response: 30m")
    spring = run("29 00:00", opened("28 12:00", "low"), sla=parse(text))
    assert clock_of(spring, "first_response").due_at == at("29 01:30")  # open from 01:00, the change
    autumn = run("2026-10-25 00:00", opened("2026-10-24 12:00", "low"), sla=parse(text))
    assert clock_of(autumn, "first_response").due_at == at("2026-10-25 01:00")  # from the first 02:30
    assert clock_of(autumn, "resolution").due_at is not None
