"""Quiet hours in local time, through midnight and clock changes."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.rules.quiet import QuietHours, is_quiet, quiet_until, zone
from tests.examples import examples

NIGHT = QuietHours.model_validate({"from": "21:00", "to": "08:00"})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("zone_name", "moment", "until"),
    [
        ("UTC", "2026-03-02T20:59:59Z", None),
        ("UTC", "2026-03-02T21:00:00Z", "2026-03-03T08:00:00Z"),
        ("UTC", "2026-03-03T07:59:59Z", "2026-03-03T08:00:00Z"),
        ("UTC", "2026-03-03T08:00:00Z", None),
        ("Asia/Tokyo", "2026-03-02T12:30:00Z", "2026-03-02T23:00:00Z"),
        ("America/New_York", "2026-03-02T12:30:00Z", "2026-03-02T13:00:00Z"),
        ("Asia/Kathmandu", "2026-03-02T18:00:00Z", "2026-03-03T02:15:00Z"),
        # Clocks go forward in the night: it is an hour shorter; back: an hour longer.
        ("Europe/Berlin", "2026-03-28T21:00:00Z", "2026-03-29T06:00:00Z"),
        ("Europe/Berlin", "2026-10-24T20:00:00Z", "2026-10-25T07:00:00Z"),
    ],
)
def test_the_night_by_local_time(zone_name: str, moment: str, until: str | None) -> None:
    found = quiet_until(at(moment), ZoneInfo(zone_name), NIGHT)
    assert found == (at(until) if until else None)


@pytest.mark.parametrize(
    ("end", "moment", "until"),
    [
        # 02:30 does not exist on 29 March in Berlin: quiet ends where the clock jumps, 03:00 local.
        ("02:30", "2026-03-29T00:10:00Z", "2026-03-29T01:00:00Z"),
        # 02:30 comes twice on 25 October: quiet ends at the first, and in the repeated half hour again.
        ("02:30", "2026-10-24T23:00:00Z", "2026-10-25T00:30:00Z"),
        ("02:30", "2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z"),
    ],
)
def test_an_end_inside_the_clock_change(end: str, moment: str, until: str) -> None:
    hours = QuietHours.model_validate({"from": "22:00", "to": end})
    assert quiet_until(at(moment), ZoneInfo("Europe/Berlin"), hours) == at(until)


def test_clocks_that_go_back_to_before_the_night_end_it() -> None:
    """At 03:00 it is 02:00 again, and quiet from 02:30 on."""
    hours, berlin = QuietHours.model_validate({"from": "02:30", "to": "08:00"}), ZoneInfo("Europe/Berlin")
    assert quiet_until(at("2026-10-25T00:45:00.5Z"), berlin, hours) == at("2026-10-25T01:00:00Z")
    assert quiet_until(at("2026-10-25T01:00:00Z"), berlin, hours) is None
    assert quiet_until(at("2026-10-25T01:30:00Z"), berlin, hours) == at("2026-10-25T07:00:00Z")


ZONES = [
    "UTC",
    "Pacific/Kiritimati",
    "Pacific/Chatham",
    "Antarctica/Troll",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Santiago",
]
MINUTES_NEAR = st.integers(-1440, 1440)
MINUTES = st.integers(0, 1439).map(lambda n: time(n // 60, n % 60))


@given(
    zone_name=st.sampled_from(ZONES),
    # Half of them near the clock changes of Berlin, New York and Chatham.
    minutes=st.integers(0, 366 * 1440)
    | st.builds(
        lambda day, minute: day * 1440 + minute, st.sampled_from([66, 87, 93, 270, 297, 304]), MINUTES_NEAR
    ),
    start=MINUTES,
    end=MINUTES,
)
@settings(max_examples=examples(150), deadline=None)
def test_the_end_is_the_first_moment_that_is_not_quiet(
    zone_name: str, minutes: int, start: time, end: time
) -> None:
    if start == end:
        return
    where = ZoneInfo(zone_name)
    hours = QuietHours.model_validate({"from": start.isoformat("minutes"), "to": end.isoformat("minutes")})
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    scan = moment
    while is_quiet(scan.astimezone(where).time(), hours):
        scan += timedelta(minutes=1)
    assert quiet_until(moment, where, hours) == (scan if scan != moment else None)


def test_an_unknown_zone_falls_back() -> None:
    assert zone("Mars/Olympus", "Europe/Berlin").key == "Europe/Berlin"
    assert zone(None, "../etc").key == "UTC"
    assert quiet_until(at("2026-03-02T23:00:00Z"), ZoneInfo("UTC"), None) is None
