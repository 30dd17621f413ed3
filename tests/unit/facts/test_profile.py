"""A partial profile is partial, and the latest word on each field holds."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.facts.profile import Known, profile_told, value_of
from shared.schemas.customers import CustomerRegistered, CustomerUpdated

FIELDS = ("name", "segment", "preferred_channel")
words = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(["this", "that"]))
updates = st.lists(st.tuples(st.integers(0, 5), words), max_size=8)


def told(known: Mapping[str, Known], at: int, **fields: Any) -> Mapping[str, Known]:
    return profile_told(known, CustomerUpdated.model_validate(fields), at)


def test_a_field_not_named_stays_and_null_clears() -> None:
    known = profile_told({}, CustomerRegistered(name="Ann", email="ann@example.com", birthday="--02-29"), 1)
    known = told(known, 2, name="Anne")
    assert value_of(known, "email") == "ann@example.com"
    known = told(known, 3, email=None)
    assert value_of(known, "email") is None
    assert [value_of(known, f) for f in ("name", "birthday", "phone")] == ["Anne", "--02-29", None]


def test_null_clears_tags_and_preferences_too() -> None:
    for cls in (CustomerRegistered, CustomerUpdated):
        known = told({}, 1, tags=["vip"], preferences={"size": "M"})
        cleared = cls.model_validate({"name": "Ann", "tags": None, "preferences": None})
        known = profile_told(known, cleared, 2)
        assert [value_of(known, field) for field in ("tags", "preferences")] == [None, None]


def test_an_older_event_fills_what_no_later_one_told() -> None:
    known = told({}, 2, name="Anne")
    known = told(known, 1, name="Ann", email="ann@example.com")
    assert (value_of(known, "name"), value_of(known, "email")) == ("Anne", "ann@example.com")


def test_what_changes_nothing_is_the_same_object() -> None:
    known = told({}, 2, name="Anne")
    assert told(known, 1, name="Ann") is known
    assert told(known, 3) is known


def test_only_the_wanted_fields_are_kept() -> None:
    data = CustomerUpdated.model_validate({"name": "Ann", "segment": "vip"})
    assert set(profile_told({}, data, 1, frozenset({"segment"}))) == {"segment"}


def test_a_name_cannot_be_cleared_and_need_not_be_named() -> None:
    with pytest.raises(ValidationError):
        CustomerUpdated.model_validate({"name": None})
    with pytest.raises(ValidationError):
        CustomerRegistered.model_validate({})
    assert CustomerUpdated.model_validate({}).model_fields_set == set()


@given(updates)
def test_the_latest_word_holds_whatever_arrives_first(log: list[tuple[int, dict[str, str]]]) -> None:
    known: Mapping[str, Known] = {}
    for at, fields in log:
        known = told(known, at, **fields)
    for field in FIELDS:
        heard = [(at, n, fields[field]) for n, (at, fields) in enumerate(log) if field in fields]
        assert value_of(known, field) == (max(heard)[2] if heard else None)
