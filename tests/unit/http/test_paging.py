"""Cursors: what goes in comes out, and nothing else comes in."""

import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.http.paging import cut, decode_cursor, encode_cursor, page
from shared.http.problems import ProblemError

times = st.integers(0, 4_000_000_000_000_000).map(
    lambda micros: datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)
) | st.just(datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30))))
values = (
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text() | st.floats(allow_nan=False) | times
)


@given(st.lists(values, max_size=4))
def test_a_cursor_holds_its_values(given: list[Any]) -> None:
    cursor = encode_cursor(*given)
    assert decode_cursor(cursor) == given
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text(max_size=60))
def test_any_other_text_is_plain_values_or_a_problem(text: str) -> None:
    decoded: list[Any] = []
    with suppress(ProblemError):
        decoded = decode_cursor(text)
    assert all(isinstance(value, str | int | float | bool | datetime | None) for value in decoded)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "W10x",
        encode_cursor("x"),
        encode_cursor(1),
        encode_cursor(datetime(2026, 1, 1, tzinfo=UTC), 1, 2),
        "é",
    ],
)
def test_the_types_must_fit(raw: str) -> None:
    with pytest.raises(ProblemError) as caught:
        decode_cursor(raw, datetime, str)
    assert (caught.value.status, caught.value.code) == (422, "invalid_cursor")


@pytest.mark.parametrize("value", [b'"\\ud800"', b"9" * 30, b"[]", b'{"t": 5}', b'{"t": "2026-01-01"}'])
def test_what_no_store_can_be_asked_for_is_no_cursor(value: bytes) -> None:
    with pytest.raises(ProblemError):
        decode_cursor(base64.urlsafe_b64encode(b"[%s]" % value).decode())


def test_pages_meet_without_gap_or_overlap() -> None:
    rows = [{"at": n} for n in range(10, 0, -1)]
    seen: list[int] = []
    cursor: str | None = None
    while True:
        after = decode_cursor(cursor, int)[0] if cursor else 99
        found = [row for row in rows if row["at"] < after][: 4 + 1]
        items, cursor = cut(found, 4, lambda row: [row["at"]])
        seen += [row["at"] for row in items]
        if cursor is None:
            break
    assert seen == list(range(10, 0, -1))
    assert page(rows[:1], None) == {"items": [{"at": 10}], "cursor": None}
