"""The area under the curve against its definition, and its intervals against what they promise."""

from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.health.ranking import area, gain

scores = st.lists(st.integers(0, 10), min_size=1, max_size=20)


@given(scores, scores)
def test_it_is_the_share_of_pairs_in_order(silent: list[int], others: list[int]) -> None:
    found = area(silent, others)
    assert found is not None
    pairs = [(a < b) + 0.5 * (a == b) for a, b in product(silent, others)]
    assert found.value == pytest.approx(sum(pairs) / len(pairs))
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_of_nobody_there_is_none() -> None:
    assert area([], [1]) is None
    assert area([1], []) is None
    assert gain([(1, 1)], [(1, 1), (2, 2)]) is None


def test_all_told_apart_is_not_certain() -> None:
    few, many = area([1] * 5, [2] * 5), area([1] * 500, [2] * 500)
    assert few is not None
    assert many is not None
    assert few.value == many.value == few.high == 1
    assert few.low < many.low < 1


def test_the_end_of_an_interval() -> None:
    """Newcombe 2006, method 5: the end is where it is 1.96 deviations away, by the variance there."""
    found = area([1] * 12, [2] * 12)
    assert found is not None
    theta, m = found.low, 12
    variance = theta * (1 - theta) * (1 + (m - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta))) / m**2
    assert (1 - theta) == pytest.approx(1.959964 * variance**0.5, rel=1e-6)


def drawn(random: Random, number: int, shift: float) -> list[tuple[float, float]]:
    """Two scores of customers, with something in common."""
    found = []
    for _ in range(number):
        common = random.gauss(shift, 1)
        found.append((common + random.gauss(0, 0.5), common + random.gauss(0, 1.5)))
    return found


def test_intervals_hold_what_they_promise() -> None:
    """Of 400 samples about 95 % hold the true area, and the true gain."""
    random = Random(1)
    many = drawn(random, 20_000, 0.0), drawn(random, 20_000, 1.0)
    true, true_gain = area([a for a, _ in many[0]], [a for a, _ in many[1]]), gain(*many)
    assert true is not None
    assert true_gain is not None
    held = gained = 0
    for _ in range(400):
        silent, others = drawn(random, 25, 0.0), drawn(random, 100, 1.0)
        one, two = area([a for a, _ in silent], [a for a, _ in others]), gain(silent, others)
        assert one is not None
        assert two is not None
        held += one.low <= true.value <= one.high
        gained += two.low <= true_gain.value <= two.high
    assert 0.92 <= held / 400 <= 0.99
    assert 0.91 <= gained / 400 <= 0.99


def test_a_score_against_itself_gains_nothing() -> None:
    found = gain([(1, 1), (3, 3)], [(2, 2), (4, 4)])
    assert found is not None
    assert (found.value, found.low, found.high) == (0, 0, 0)
