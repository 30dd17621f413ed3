"""What is shown of a search, letter by letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.interactions.desk.views.search import found
from services.interactions.domain.people import CustomerRow


def row(name: str | None, id: str = "cust-1") -> CustomerRow:
    return CustomerRow(id, "1", id, name)


@pytest.mark.parametrize(
    ("name", "asked", "parts"),
    [
        ("Ann Lee", "le", ("Ann ", "Le", "e")),
        ("Ann Lee", " ANN ", ("", "Ann", " Lee")),
        ("Hannah Ann", "ann", ("Hannah ", "Ann", "")),
        ("Ann Lee", "nn", ("", "", "Ann Lee")),
        ("Ann Lee", "ann@example.org", ("", "", "Ann Lee")),
        ("Straße", "STR", ("", "", "Straße")),
        (None, "cust", ("", "cust", "-1")),
    ],
)
def test_what_was_typed_is_shown_in_the_name(name: str | None, asked: str, parts: tuple[str, ...]) -> None:
    (hit,) = found(asked, [row(name)], 8).hits
    assert (hit.before, hit.hit, hit.after) == parts


@given(st.text(max_size=12), st.text(max_size=4))
def test_the_three_parts_are_the_name(name: str, asked: str) -> None:
    (hit,) = found(asked, [row(name)], 8).hits
    assert hit.before + hit.hit + hit.after == (name or "cust-1")


def test_that_there_are_more_is_said() -> None:
    rows = [row("Ann", f"cust-{n}") for n in range(4)]
    assert (len(found("a", rows, 3).hits), found("a", rows, 3).more) == (3, True)
    assert (len(found("a", rows, 4).hits), found("a", rows, 4).more) == (4, False)
    assert found("", [], 4).hits == ()
