"""Intervals and tests against published values."""

from math import inf, isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.domain.results.statistics import (
    MISMATCH,
    chi_square_tail,
    difference,
    proportion,
    split,
)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17:873-890, table II, method 10.
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_differences_are_those_of_newcombe(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    found = difference(*counts)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("some", "everyone", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17:857-872, table I, method 3 (Wilson).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_proportions_have_wilsons_interval(some: int, everyone: int, low: float, high: float) -> None:
    found = proportion(some, everyone)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_of_nobody_nothing_is_said() -> None:
    assert proportion(0, 0) is None
    assert difference(1, 2, 0, 0) is None
    assert split([0, 0], [0.5, 0.5]) is None
    assert split([10], [1.0]) is None


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.data())
def test_a_difference_lies_in_its_interval_and_turns_with_its_sides(
    everyone: int, others: int, data: st.DataObject
) -> None:
    some, other = data.draw(st.integers(0, everyone)), data.draw(st.integers(0, others))
    one, turned = difference(some, everyone, other, others), difference(other, others, some, everyone)
    assert one is not None
    assert turned is not None
    assert -1 <= one.low <= one.value <= one.high <= 1
    assert isclose(one.low, -turned.high, abs_tol=1e-12)
    assert one.excludes_zero == turned.excludes_zero


@pytest.mark.parametrize(
    ("value", "degrees", "tail"),
    # Critical values of any table of the chi-square distribution.
    [
        (3.841459, 1, 0.05),
        (6.634897, 1, 0.01),
        (10.827566, 1, 0.001),
        (5.991465, 2, 0.05),
        (13.815511, 2, 0.001),
        (18.307038, 10, 0.05),
        (124.342113, 100, 0.05),
    ],
)
def test_tails_of_chi_square(value: float, degrees: int, tail: float) -> None:
    assert isclose(chi_square_tail(value, degrees), tail, rel_tol=1e-5)


def test_a_split_as_it_was_meant_and_one_that_is_not() -> None:
    good = split([9_500, 520], [0.95, 0.05])
    assert good is not None
    assert not good.mismatch
    bad = split([9_000, 620], [0.95, 0.05])
    assert bad is not None
    assert bad.mismatch
    assert bad.p < MISMATCH
    assert bad.degrees == 1
    assert isclose(bad.chi_square, 139**2 / 9_139 + 139**2 / 481)


def test_somebody_where_nobody_is_meant_to_be_is_a_mismatch() -> None:
    found = split([100, 1], [1.0, 0.0])
    assert found is not None
    assert (found.chi_square, found.p, found.mismatch) == (inf, 0.0, True)


def test_shares_need_not_add_up_to_one() -> None:
    one, other = split([50, 60], [1, 1]), split([50, 60], [0.5, 0.5])
    assert one == other
    assert one is not None
    assert isclose(sqrt(one.chi_square), 10 / sqrt(110))
