"""What customers like, of whatever shape sources tell it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.interactions.desk.views.preferences import LONGEST, MOST, preferences

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_what_helps_in_a_conversation_comes_first() -> None:
    told = {
        "newsletter": True,
        "shoe_size": 42,
        "diet": "vegan",
        "allergies": ["nuts", "soy"],
        "colour": "red",
    }
    found = preferences(told)
    assert [(p.name, p.values, p.yes, p.first) for p in found] == [
        ("allergies", ("nuts", "soy"), None, True),
        ("diet", ("vegan",), None, True),
        ("shoe size", ("42",), None, True),
        ("colour", ("red",), None, False),
        ("newsletter", (), True, False),
    ]


def test_what_is_nested_has_its_path_for_a_name() -> None:
    found = preferences({"fit": {"trousers": "slim", "shirts": None}, "about": {"food": {"diet": "halal"}}})
    assert [(p.name, p.values) for p in found] == [
        ("about, food, diet", ("halal",)),
        ("fit, trousers", ("slim",)),
    ]


@pytest.mark.parametrize("told", [None, {}, [], "vegan", 3])
def test_none(told: Any) -> None:
    assert preferences(told) == ()


@given(st.dictionaries(st.text(), ANYTHING))
def test_any_shape_is_shown_within_bounds(told: dict[str, Any]) -> None:
    json.dumps(told)
    found = preferences(told)
    assert len(found) <= MOST
    for one in found:
        assert len(one.name) <= LONGEST
        assert all(0 < len(value) <= LONGEST for value in one.values)
        assert (one.yes is None) == bool(one.values)
