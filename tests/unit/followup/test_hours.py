"""Send windows, quiet hours and caps by the calendar, where the customer lives."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from services.followup.domain.rules.caps import FrequencyCap
from services.followup.domain.rules.hours import Window, instant
from services.followup.domain.rules.rules import Rules
from shared.schemas.customers import CustomerUpdated
from shared.schemas.outreach import OutreachScheduled
from shared.schemas.times import moment

from .driver import DAY, HOUR, NOON, Driver, granted, previewed, purchase, refusal
from .gated import FILE, driven, news, rule, told

NIGHT = {"from": "20:00", "to": "08:00"}
OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00"}
FRIDAY = NOON + 4 * DAY


def sent_at(driver: Driver) -> list[tuple[str, datetime]]:
    return [(message["rule"], message["at"]) for message in driver.sent]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- windows


def test_marketing_waits_for_its_window_in_silence() -> None:
    driver = driven(rule(stale_after="5d"), send_windows={"marketing": OFFICE}, now=FRIDAY + 6 * HOUR)
    driver.event(purchase())
    assert (driver.sent, told(driver)) == ([], [])
    [waiting] = driver.state.planned
    assert waiting.held is not None
    assert (waiting.held.reason, moment(waiting.held.until)) == ("send_window", NOON + 7 * DAY - 3 * HOUR)
    driver.after(9 * DAY)
    assert sent_at(driver) == [("bought", NOON + 7 * DAY - 3 * HOUR)]
    assert len(driver.facts(OutreachScheduled)) == 1


def test_a_window_that_opens_too_late_suppresses() -> None:
    driver = driven(rule(stale_after="1d"), send_windows={"marketing": OFFICE}, now=FRIDAY + 6 * HOUR)
    driver.event(purchase())
    assert told(driver) == [("send_window", ("send_window",), NOON + 7 * DAY - 3 * HOUR)]


def test_a_window_of_the_rule_stands_in_for_the_files() -> None:
    evening = {"from": "18:00", "to": "20:00"}
    driver = driven(rule(window=evening), send_windows={"marketing": OFFICE})
    driver.event(purchase())
    driver.after(DAY)
    assert sent_at(driver) == [("bought", NOON + 6 * HOUR)]


def test_windows_are_of_their_purpose_alone() -> None:
    driver = driven(purpose="service", send_windows={"marketing": OFFICE}, now=FRIDAY + 6 * HOUR)
    driver.event(purchase())
    assert len(driver.sent) == 1


def test_one_timer_waits_for_the_night_and_the_window() -> None:
    late = {"from": "10:00", "to": "12:00"}
    driver = driven(rule(window=late), quiet_hours=NIGHT, now=NOON + 9 * HOUR)
    driver.event(purchase())
    found = previewed(driver, driver.policy.rules.rules[0])
    assert (found.reason, found.at, found.blocked_by) == (
        "quiet_hours",
        NOON + 22 * HOUR,
        ("quiet_hours", "send_window"),
    )
    driver.after(2 * DAY)
    assert sent_at(driver) == [("bought", NOON + 22 * HOUR)]
    assert len([name for name, _ in driver.fired if name.startswith("outreach:")]) == 2


def test_quiet_hours_hold_service_but_what_is_urgent() -> None:
    for urgent in (False, True):
        night = driven(rule(urgent=urgent), purpose="service", quiet_hours=NIGHT, now=NOON + 9 * HOUR)
        night.event(purchase())
        [row] = night.rows.values()
        assert (len(night.sent), row.get("quiet")) == (urgent, None)


def test_a_row_says_the_hours_that_hold_it_while_it_waits() -> None:
    driver = driven(rule(window=OFFICE, priority=3), quiet_hours=NIGHT, instant=False)
    driver.event(CustomerUpdated(timezone="Europe/Berlin"))
    driver.event(purchase())
    [row] = driver.rows.values()
    assert row["priority"] == 3
    assert row["quiet"] == {"timezone": "Europe/Berlin", **NIGHT}
    assert row["window"] == {"timezone": "Europe/Berlin", **OFFICE}


@pytest.mark.parametrize(
    ("where", "now", "opens"),
    [
        # Clocks go forward at 02:00: a time that is skipped is the change itself.
        ("Europe/Berlin", "2026-03-29T00:10", "2026-03-29T01:00"),
        # They go back at 03:00: of two the first.
        ("Europe/Berlin", "2026-10-24T23:10", "2026-10-25T00:30"),
        ("America/St_Johns", "2026-03-08T05:00", "2026-03-08T05:30"),
        ("Asia/Kathmandu", "2026-01-01T20:44", "2026-01-01T20:45"),
        ("Pacific/Kiritimati", "2026-01-01T12:00", "2026-01-01T12:30"),
        # 30 December 2011 was skipped whole.
        ("Pacific/Apia", "2011-12-29T14:00", "2011-12-30T12:30"),
    ],
)
def test_windows_open_as_the_clocks_say(where: str, now: str, opens: str) -> None:
    window = Window.model_validate({"from": "02:30", "to": "04:00"})
    zone = ZoneInfo(where)
    assert window.opens_at(utc(now), zone) == utc(opens)
    assert window.opens_at(utc(opens), zone) is None
    assert window.opens_at(utc(opens) - timedelta(microseconds=1), zone) == utc(opens)


def test_a_day_that_is_skipped_is_the_instant_of_the_change() -> None:
    apia = ZoneInfo("Pacific/Apia")
    change = utc("2011-12-30T10:00")
    for hour in (0, 8, 23):
        assert instant(date(2011, 12, 30), time(hour), apia) == change
    friday = Window.model_validate({"days": ["fri"], "from": "09:00", "to": "17:00"})
    assert friday.opens_at(change - HOUR, apia) == utc("2012-01-05T19:00")


def test_a_window_past_midnight_belongs_to_the_day_it_begins() -> None:
    late = Window.model_validate({"days": ["fri"], "from": "22:00", "to": "02:00"})
    berlin = ZoneInfo("Europe/Berlin")
    assert late.opens_at(utc("2026-03-07T00:30"), berlin) is None
    assert late.opens_at(utc("2026-03-07T01:00"), berlin) == utc("2026-03-13T21:00")


# --- caps by the calendar


@pytest.mark.parametrize(
    ("per", "where", "first", "refused_until"),
    [
        ("day", "UTC", "2026-03-02T12:00", "2026-03-03T00:00"),
        ("week", "UTC", "2026-03-02T12:00", "2026-03-09T00:00"),
        ("month", "UTC", "2028-02-29T12:00", "2028-03-01T00:00"),
        ("month", "UTC", "2026-12-31T12:00", "2027-01-01T00:00"),
        ("day", "Pacific/Kiritimati", "2026-03-02T09:59", "2026-03-02T10:00"),
        ("day", "Asia/Kathmandu", "2026-03-02T12:00", "2026-03-02T18:15"),
        ("day", "Europe/Berlin", "2026-03-29T00:30", "2026-03-29T22:00"),
        ("day", "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T23:00"),
        ("week", "America/St_Johns", "2026-03-08T12:00", "2026-03-09T02:30"),
        # Clocks go forward at midnight: the day begins at one.
        ("day", "Africa/Cairo", "2026-04-23T12:00", "2026-04-23T22:00"),
    ],
)
def test_a_cap_by_the_calendar_ends_with_it(per: str, where: str, first: str, refused_until: str) -> None:
    driver = driven(caps=[{"max": 1, "per": per}], now=utc(first))
    driver.event(CustomerUpdated(timezone=where))
    driver.event(news())
    driver.event(purchase())
    end = utc(refused_until)
    assert told(driver) == [("frequency_cap", ("frequency_cap",), end)]
    driver.until(end - timedelta(milliseconds=1))
    assert refusal(driver, news()).code == "frequency_cap"
    driver.until(end)
    driver.event(news())
    assert len(driver.sent) == 2


def test_a_cap_of_a_group_counts_its_rules_alone() -> None:
    club = rule("club", group="club", triggers=["purchase.made"])
    driver = driven(club, rule("other"), caps=[{"group": "club", "max": 1, "per": "month"}])
    driver.event(news())
    driver.event(purchase("o-1"))
    driver.event(purchase("o-2"))
    assert [name for name, _ in sent_at(driver)] == ["manual", "club", "other", "other"]
    assert [one for one, *_ in told(driver)] == ["frequency_cap"]


def test_all_caps_hold_and_the_last_to_end_says_when() -> None:
    caps = [{"max": 1, "per": "day"}, {"max": 1, "per": "week"}]
    driver = driven(caps=caps, frequency_cap={"max": 3, "per": "30d"})
    driver.event(news())
    driver.event(purchase())
    assert told(driver) == [("frequency_cap", ("frequency_cap",), NOON + 6.5 * DAY)]


def test_service_is_exempt_from_caps_and_counts_for_none() -> None:
    driver = driven(purpose="service", frequency_cap={"max": 1, "per": "30d"})
    for number in range(3):
        driver.event(purchase(f"o-{number}"))
    driver.event(news())
    assert len(driver.sent) == 4


def test_a_class_of_its_own_decides_what_counts() -> None:
    asks = driven(rule(**{"class": "service"}), purpose="survey", frequency_cap={"max": 1, "per": "30d"})
    asks.event(granted("survey"))
    asks.event(purchase("o-1"))
    asks.event(purchase("o-2"))
    assert len(asks.sent) == 2
    sells = driven(rule(**{"class": "marketing"}), purpose="service", frequency_cap={"max": 1, "per": "30d"})
    sells.event(purchase("o-1"))
    sells.event(purchase("o-2"))
    assert [reason for reason, *_ in told(sells)] == ["frequency_cap"]


# --- what the file may say


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"caps": [{"max": 1, "per": "year"}]}, "one of day, week, month"),
        ({"caps": [{"max": 1, "per": "0s"}]}, "must be more than nothing"),
        ({"caps": [{"max": 1, "per": "day", "purposes": ["service"]}]}, "marketing"),
        ({"caps": [{"max": 1, "per": "day", "group": "club"}]}, "no rule is of the group club"),
        ({"send_windows": {"marketing": {"from": "09:00", "to": "09:00"}}}, "the same time"),
        ({"send_windows": {"marketing": {"days": ["monday"], "from": "09:00", "to": "10:00"}}}, "mon"),
        ({"send_windows": {"marketing": {"days": [], "from": "09:00", "to": "10:00"}}}, "at least 1"),
        ({"send_windows": {"advertising": {"from": "09:00", "to": "10:00"}}}, "marketing"),
        ({"rules": [rule(urgent=True, template="news")]}, "only what is of class service can be urgent"),
        ({"rules": [rule(template="news", **{"class": "service"})]}, "is marketing, not service"),
    ],
)
def test_a_bad_file_is_refused(change: dict[str, object], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Rules.model_validate({**FILE, **change})


def test_a_cap_is_written_as_it_is_read() -> None:
    for per in ("day", "week", "month", "12h", "30d"):
        cap = FrequencyCap.model_validate({"max": 2, "per": per})
        assert cap.model_dump(mode="json")["per"] == per
