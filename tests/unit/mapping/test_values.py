"""Values as sources write them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mapping import values
from shared.mapping.values import BadValueError
from shared.schemas.money import digits

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("amount", "currency", "point", "minor"),
    [
        ("12.50", "EUR", ".", 1250),
        ("1,299.50", "EUR", ".", 129950),
        ("1.299,50", "EUR", ",", 129950),
        ("1'299.50", "CHF", ".", 129950),
        ("1 299,50", "EUR", ",", 129950),
        (12, "EUR", ".", 1200),
        (19.99, "EUR", ".", 1999),
        (0.07, "USD", ".", 7),
        ("500", "JPY", ".", 500),
        ("500.00", "JPY", ".", 500),
        ("1.234", "KWD", ".", 1234),
        ("-3.10", "EUR", ".", -310),
        ("12.5", "eur", ".", 1250),
        (Decimal("7.25"), "EUR", ".", 725),
    ],
)
def test_money_is_minor_units_by_its_currency(amount: Any, currency: str, point: str, minor: int) -> None:
    code = currency.upper()
    assert values.money(amount, currency, point, minor=False) == {"amount": minor, "currency": code}


@pytest.mark.parametrize(
    ("amount", "currency", "point", "said"),
    [
        ("12.505", "EUR", ".", "has more decimals than EUR has"),
        ("500.5", "JPY", ".", "has more decimals than JPY has"),
        ("1.299,50", "EUR", ".", "is no number"),
        ("12,50", "EUR", ".", "is no number"),
        ("12.50", "EUR", ",", "with a comma"),
        ("NaN", "EUR", ".", "is no number"),
        ("1e9999", "EUR", ".", "is no number"),
        ("9" * 50, "EUR", ".", "is no number"),
        ("", "EUR", ".", "is no number"),
        (True, "EUR", ".", "is no number"),
        ([1], "EUR", ".", "is no number"),
        ("12", "EURO", ".", "has no currency"),
        ("12", None, ".", "has no currency"),
    ],
)
def test_money_that_is_none(amount: Any, currency: Any, point: str, said: str) -> None:
    with pytest.raises(BadValueError, match=said):
        values.money(amount, currency, point, minor=False)


@given(st.integers(-(10**12), 10**12), st.sampled_from(["EUR", "JPY", "KWD", "USD", "CLP"]))
def test_money_comes_back_as_it_was_written(amount: int, currency: str) -> None:
    exact = Decimal(amount).scaleb(-digits(currency))
    for point, apart in ((".", ","), (",", ".")):
        plain, grouped = f"{exact:f}", f"{exact:,f}"
        swapped = grouped.translate(str.maketrans({",": apart, ".": point}))
        for written in (plain.replace(".", point), swapped):
            assert values.money(written, currency, point, minor=False)["amount"] == amount
    assert values.money(float(exact), currency, ".", minor=False)["amount"] == amount
    assert values.money(str(amount), currency, ".", minor=True)["amount"] == amount


@pytest.mark.parametrize(
    ("told", "format", "zone", "moment"),
    [
        ("2026-01-31T12:30:00Z", None, None, "2026-01-31T12:30:00Z"),
        ("2026-01-31T12:30:00+02:00", None, BERLIN, "2026-01-31T10:30:00Z"),
        ("2026-01-31 12:30", None, BERLIN, "2026-01-31T11:30:00Z"),
        ("2026-07-31", None, BERLIN, "2026-07-30T22:00:00Z"),
        ("2026-10-25 02:30", None, BERLIN, "2026-10-25T00:30:00Z"),
        ("31.01.2026 12:30", "%d.%m.%Y %H:%M", BERLIN, "2026-01-31T11:30:00Z"),
        ("31/Jan/2026:12:30:00 -0500", "%d/%b/%Y:%H:%M:%S %z", None, "2026-01-31T17:30:00Z"),
        (1769862600, "unix", None, "2026-01-31T12:30:00Z"),
        ("1769862600.5", "unix", None, "2026-01-31T12:30:00.500000Z"),
        (1769862600123, "unix_ms", None, "2026-01-31T12:30:00.123000Z"),
        ("2026-01-31T12:30:00.123456789Z", None, None, "2026-01-31T12:30:00.123456Z"),
        (datetime(2026, 1, 31, tzinfo=UTC), None, None, "2026-01-31T00:00:00Z"),
    ],
)
def test_times(told: Any, format: str | None, zone: ZoneInfo | None, moment: str) -> None:
    assert values.written(values.moment(format, zone)(told)) == moment


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - as files have them
    st.sampled_from(["%d.%m.%Y %H:%M", "%Y%m%d", "%Y-%m-%dT%H:%M:%S", "%d/%m/%Y", "%m-%d-%Y (%H)"]),
    st.sampled_from(["", "0", " ", "x"]),
)
def test_times_are_read_as_the_standard_library_does(at: datetime, pattern: str, more: str) -> None:
    text = at.strftime(pattern) + more
    made = values.moment(pattern, BERLIN)
    try:
        wanted = datetime.strptime(text.strip(), pattern).replace(tzinfo=BERLIN)
    except ValueError:
        with pytest.raises(BadValueError):
            made(text)
        return
    assert made(text) == wanted.astimezone(UTC)


@pytest.mark.parametrize(
    ("told", "format", "said"),
    [
        ("2026-01-31 12:30", None, "has no offset, and no timezone is said"),
        ("31.01.2026", None, "is no time as ISO 8601 has it"),
        ("2026-02-30T00:00:00Z", None, "is no time"),
        ("2026-01-31", "%d.%m.%Y", "is no time written as %d.%m.%Y"),
        (1769862600, None, "numbers need the format unix"),
        ("1e30", "unix", "is no time"),
        ([1], None, "is no time"),
        ("0001-01-01T00:00:00+10:00", None, "is no time"),
    ],
)
def test_times_that_are_none(told: Any, format: str | None, said: str) -> None:
    with pytest.raises(BadValueError, match=said):
        values.moment(format, None)(told)


def test_the_other_kinds() -> None:
    assert values.whole(".")("1,000") == 1000
    assert values.whole(".")(3.0) == 3
    assert values.number(",")("0,5") == 0.5
    assert [values.truth(told) for told in ("Yes", "0", True, 1, "off")] == [True, False, True, True, False]
    assert values.text(1234) == "1234"
    assert values.text(12.0) == "12"
    assert values.text(False) == "false"
    assert values.day("%d.%m.%y")("31.12.90") == "1990-12-31"
    assert values.day(None)("1990-12-31T00:00:00Z") == "1990-12-31"
    for make, told in (
        (values.whole("."), "1.5"),
        (values.truth, "maybe"),
        (values.text, [1]),
        (values.day(None), 3),
    ):
        with pytest.raises(BadValueError):
            make(told)


def test_ids_of_what_is_none() -> None:
    assert values.identifier("2024/0012") == "2024-0012"
    assert values.identifier(" #1001 ") == "1001"
    assert len(values.identifier("x" * 500)) == 64
    assert values.event_id("a.b:c-1") == "a.b:c-1"
    assert values.event_id("a/b") != values.event_id("a-b")
    for make in (values.identifier, values.event_id):
        with pytest.raises(BadValueError):
            make("")
