"""Times as clocks write them: digits past the microsecond are cut, a leap second stays in its day."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.schemas.base import parse_time
from shared.schemas.purchases import ProductRegistered
from tests.unit.schemas.codec_records import binary, cloudevent, dumped, purchase, read, refused

LAST = datetime(2026, 10, 31, 23, 59, 59, 999999, tzinfo=UTC)

# As written -> what it is.
TIMES = {
    "2026-10-31T23:59:59.999999999Z": LAST,
    "2026-10-31T23:59:59.9999999Z": LAST,
    "2026-10-31T23:59:59.9999995Z": LAST,
    "2026-11-01T00:59:59.999999999+01:00": LAST,
    "2026-10-31t23:59:59.99999999999999999999z": LAST,
    "2026-11-22T10:00:00.123456789Z": datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC),
    "2026-11-22T10:00:00.000000999+00:00": datetime(2026, 11, 22, 10, tzinfo=UTC),
    "2026-11-22T10:00:00.5Z": datetime(2026, 11, 22, 10, 0, 0, 500000, tzinfo=UTC),
    "2016-12-31T23:59:60Z": datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    "2015-06-30T23:59:60.5Z": datetime(2015, 6, 30, 23, 59, 59, 999999, tzinfo=UTC),
    "2017-01-01T00:59:60+01:00": datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    "2016-12-31T18:59:60.123456789-05:00": datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
}
# What only looks like one.
NO_TIMES = [
    "2026-11-22T10:00:60Z",  # within an hour
    "2026-11-22T23:59:60Z",  # within a month
    "2016-12-31T23:59:60+01:00",  # at 22:59:60 UTC
    "2016-12-31T23:59:61Z",
    "2016-12-31T23:60:60Z",
    "2016-12-31T23:59:60",
    "9999-12-31T23:59:60Z",
    "2026-11-22T10:00:00.123456789",
    "2026-11-22T10:00:00.12345678x9Z",
    "2026-11-22T10:00:00.1234567890 Z",
    "2026-11-22T10:00:00,123456789Z",
    "2026-11-22T10:00:00.٠٠٠٠٠٠٠٠٠Z",
]


@pytest.mark.parametrize(("text", "time"), TIMES.items())
def test_a_time_is_cut_and_a_leap_second_taken(text: str, time: datetime) -> None:
    assert parse_time(text) == time
    event = purchase() | {"time": text}
    assert read(dumped(event)).time == read(*binary(event)).time == time
    assert read(dumped(event | {"region": "north"})).time == time
    data = {"product_id": "p", "sku": "x", "purchased_at": text}
    told = read(dumped(cloudevent("product.registered", data))).data
    assert isinstance(told, ProductRegistered)
    assert told.purchased_at == time


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_only_looks_like_one_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|leap second"):
        parse_time(text)
    event = purchase() | {"time": text}
    assert refused(dumped(event)) == refused(*binary(event)) == ("time", "time")
    data = {"product_id": "p", "sku": "x", "purchased_at": text}
    assert refused(dumped(cloudevent("product.registered", data))) == ("field", "data.purchased_at")


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)), st.text("0123456789", max_size=12))  # noqa: DTZ001
def test_more_digits_are_never_another_microsecond(time: datetime, digits: str) -> None:
    text = f"{time.isoformat(timespec='microseconds')}{digits}Z"
    assert parse_time(text) == time.replace(tzinfo=UTC)
