"""Counts, amounts and dates as people read them."""

from zoneinfo import ZoneInfo

import pytest

from shared.templates.wording import counted, date, moment, money, number


@pytest.mark.parametrize(
    ("value", "words", "text"),
    [
        (0, False, "0 points"),
        (1, False, "1 point"),
        (1250, False, "1,250 points"),
        (1, True, "one point"),
        (12, True, "twelve points"),
        (13, True, "13 points"),
        (-3, True, "-3 points"),
        ("<points>", True, "<points> points"),
    ],
)
def test_counts(value: object, words: bool, text: str) -> None:
    assert counted(value, "point", words=words) == text
    assert number(value).removesuffix(" points") in text or words


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (129950, "EUR", "1,299.50 EUR"),
        (5, "USD", "0.05 USD"),
        (-105, "USD", "-1.05 USD"),
        (12000, "JPY", "12,000 JPY"),
        (1234567, "KWD", "1,234.567 KWD"),
    ],
)
def test_amounts(amount: int, currency: str, text: str) -> None:
    assert money({"amount": amount, "currency": currency}) == text


@pytest.mark.parametrize(
    ("zone", "day", "time"),
    [
        ("Europe/Berlin", "6 March 2026", "at 00:30 CET"),
        ("UTC", "5 March 2026", "at 23:30 UTC"),
        ("Asia/Kathmandu", "6 March 2026", "at 05:15 UTC+05:45"),
        ("America/New_York", "5 March 2026", "at 18:30 EST"),
    ],
)
def test_dates_and_times_are_those_of_a_place(zone: str, day: str, time: str) -> None:
    told = "2026-03-05T23:30:00+00:00"
    assert date(told, ZoneInfo(zone)) == day
    assert moment(told, ZoneInfo(zone)) == f"{day} {time}"


def test_what_is_none_and_what_is_not_there() -> None:
    assert (date("<ends_at>", ZoneInfo("UTC")), money("<spend_needed>")) == ("<ends_at>", "<spend_needed>")
    assert moment("<promised_by>", ZoneInfo("UTC")) == "<promised_by>"
    nothing = (date(None, ZoneInfo("UTC")), moment(None, ZoneInfo("UTC")), money(None), number(None))
    assert {*nothing, counted(None, "point")} == {""}
