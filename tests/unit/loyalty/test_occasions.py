"""Anniversaries and birthdays: every year, on the day, where the customer lives, leap years too."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.loyalty.domain.account.occasions import next_anniversary, next_birthday, years_between
from shared.schemas.commands.loyalty import MemberEnrolRequested
from shared.schemas.customers import CustomerUpdated
from shared.schemas.loyalty import MemberAnniversary, MemberBirthday
from shared.schemas.times import micros, moment

from .account import PLAIN, RETAIL, Account, day

ZONES = ("UTC", "Europe/Paris", "Pacific/Kiritimati", "America/Los_Angeles", "Africa/Cairo")


def instants(first: int, last: int) -> st.SearchStrategy[datetime]:
    """Of these years, to the microsecond."""
    bounds = [micros(datetime(year, 1, 1, tzinfo=UTC)) for year in (first, last)]
    return st.integers(*bounds).map(moment)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def gifts(account: Account, reason: str) -> list[tuple[datetime, int]]:
    return [(row["at"], row["points"]) for row in account.ledger if row["reason"] == reason]


def member(enrolled: str, program: object = RETAIL) -> Account:
    account = Account(program)  # type: ignore[arg-type]
    account.apply(at(enrolled), MemberEnrolRequested())
    return account


def test_an_anniversary_gives_a_hundred_points_for_each_year() -> None:
    account = member("2024-03-10T10:30:00Z")
    account.fire(at("2027-03-10T10:30:00Z"))
    assert gifts(account, "anniversary") == [
        (at("2025-03-10T10:30:00Z"), 100),
        (at("2026-03-10T10:30:00Z"), 200),
        (at("2027-03-10T10:30:00Z"), 300),
    ]
    assert [fact.years for fact in account.emitted(MemberAnniversary)] == [1, 2, 3]
    assert account.balance == 300  # each expired when the next one came


def test_one_who_joined_on_29_february_is_thanked_on_28_february() -> None:
    account = member("2024-02-29T08:00:00Z")
    account.fire(at("2028-12-31T00:00:00Z"))
    assert [f"{when:%m-%d}" for when, _ in gifts(account, "anniversary")] == ["02-28"] * 3 + ["02-29"]


def test_a_birthday_begins_where_the_customer_lives() -> None:
    account = member("2025-06-01T00:00:00Z", PLAIN)
    born = CustomerUpdated(name="A", birthday="1990-07-04", timezone="America/Los_Angeles")
    account.apply(at("2025-06-02T00:00:00Z"), born)
    account.fire(at("2027-01-01T00:00:00Z"))
    assert gifts(account, "birthday") == [
        (at("2025-07-04T07:00:00Z"), 50),
        (at("2026-07-04T07:00:00Z"), 50),
    ]
    assert [fact.points for fact in account.emitted(MemberBirthday)] == [50, 50]


def test_29_february_is_kept_every_year() -> None:
    account = member("2025-01-01T00:00:00Z", PLAIN)
    account.apply(at("2025-01-02T00:00:00Z"), CustomerUpdated(name="A", birthday="--02-29"))
    account.fire(at("2029-01-01T00:00:00Z"))
    days = [f"{when:%Y-%m-%d}" for when, _ in gifts(account, "birthday")]
    assert days == ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]


def test_a_birthday_that_moves_gives_no_second_bonus_in_a_year() -> None:
    account = member("2025-01-01T00:00:00Z", PLAIN)
    account.apply(at("2025-01-02T00:00:00Z"), CustomerUpdated(name="A", birthday="1990-03-01"))
    account.apply(at("2025-03-02T00:00:00Z"), CustomerUpdated(name="A", birthday="1990-12-24"))
    account.apply(at("2025-12-25T00:00:00Z"), CustomerUpdated(name="A", birthday="1990-03-01"))
    account.fire(at("2026-12-31T00:00:00Z"))
    assert [f"{when:%Y-%m-%d}" for when, _ in gifts(account, "birthday")] == ["2025-03-01", "2026-03-01"]


def test_a_customer_who_is_no_member_has_no_birthday_until_they_are() -> None:
    account = Account(PLAIN)
    account.apply(day(0), CustomerUpdated(name="A", birthday="1990-02-01"))
    account.fire(day(100))
    assert account.ledger == []
    account.buy(100, 100)
    account.fire(day(500))
    assert [points for _, points in gifts(account, "birthday")] == [50]


def test_an_older_profile_does_not_overwrite_a_newer_one() -> None:
    account = member("2025-01-01T00:00:00Z", PLAIN)
    account.apply(at("2025-02-01T00:00:00Z"), CustomerUpdated(name="A", birthday="1990-05-05"))
    account.apply(at("2025-01-15T00:00:00Z"), CustomerUpdated(name="A", birthday="1990-08-08"))
    account.fire(at("2025-12-31T00:00:00Z"))
    assert [f"{when:%m-%d}" for when, _ in gifts(account, "birthday")] == ["05-05"]


@given(
    born=st.dates(date(1930, 1, 1), date(2020, 12, 31)),
    zone=st.sampled_from(ZONES),
    after=instants(2020, 2060),
)
def test_the_next_birthday_is_the_first_to_come_and_on_its_day(
    born: date, zone: str, after: datetime
) -> None:
    found = moment(next_birthday(born.isoformat(), zone, micros(after)))
    assert after < found <= after + timedelta(days=367)
    local = found.astimezone(ZoneInfo(zone))
    leap_day = (born.month, born.day) == (2, 29)
    assert (local.month, local.day) in {(born.month, born.day), (2, 28) if leap_day else ()}
    assert local.hour in (0, 1)  # some zones begin a day of summer time at one
    again = moment(next_birthday(f"--{born:%m-%d}", zone, micros(found)))
    assert again.astimezone(ZoneInfo(zone)).year == local.year + 1


@given(
    start=instants(2000, 2030),
    years=st.integers(1, 30),
)
def test_anniversaries_come_once_a_year(start: datetime, years: int) -> None:
    found = micros(start)
    for number in range(1, years + 1):
        found = next_anniversary(micros(start), found)
        assert years_between(micros(start), found) == number
        assert moment(found).year == start.year + number


@pytest.mark.parametrize(("points", "count"), [(2**53 - 10, 0), (2**53 - 150, 1)])
def test_a_gift_that_does_not_fit_is_left_out_and_stops_nothing(points: int, count: int) -> None:
    account = member("2025-01-01T00:00:00Z")
    account.adjust(364, points)
    account.fire(day(366))
    assert len(gifts(account, "anniversary")) == count
