"""What is estimated: as in the literature, what data were drawn from, and something usable of anything.

``cdnow.csv``: 2,357 customers of CDNOW in weeks and dollars, as Fader and Hardie published with their notes.
"""

import csv
from math import isfinite
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.metrics.domain.clv import BgNbd, GammaGamma, MbgNbd, TooLittleDataError

CDNOW = Path(__file__).with_name("cdnow.csv")


def cdnow() -> tuple[list[float], ...]:
    with CDNOW.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple([float(row[name]) for row in rows] for name in ("x", "t_x", "T", "mean"))


def drawn(model: BgNbd, customers: int, seed: int) -> tuple[list[float], list[float], list[float]]:
    """Customers who buy and leave as the model says, watched for 40 to 90 units of time."""
    random, found = Random(seed), []
    for _ in range(customers):
        age, rate = random.uniform(40, 90), random.gammavariate(model.r, 1 / model.alpha)
        leaves = random.betavariate(model.a, model.b)
        x, last, at = 0, 0.0, 0.0
        gone = model.FIRST == 1 and random.random() < leaves
        while not gone:
            at += random.expovariate(rate) if rate > 1e-12 else age
            if at >= age:
                break
            x, last, gone = x + 1, at, random.random() < leaves
        found.append((float(x), last, age))
    return tuple(map(list, zip(*found, strict=True)))  # type: ignore[return-value]  # three columns


def test_cdnow_as_in_the_paper() -> None:
    x, t_x, age, _ = cdnow()
    model = BgNbd.fit(x, t_x, age)
    assert model.as_dict() == pytest.approx({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, abs=0.001)


def test_cdnow_under_mbg_nbd() -> None:
    x, t_x, age, _ = cdnow()
    model = MbgNbd.fit(x, t_x, age)
    assert type(model) is MbgNbd
    assert model.as_dict() == pytest.approx({"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}, abs=0.001)


def test_money_of_cdnow_as_in_the_note() -> None:
    x, _, _, mean = cdnow()
    model = GammaGamma.fit(x, mean)
    assert model.as_dict() == pytest.approx({"p": 6.25, "q": 3.74, "v": 15.44}, abs=0.01)


def test_arrays_are_as_good_as_lists() -> None:
    x, t_x, age, mean = cdnow()
    arrays = [np.array(column) for column in (x, t_x, age, mean)]
    assert BgNbd.fit(*arrays[:3]) == BgNbd.fit(x, t_x, age)
    assert GammaGamma.fit(arrays[0], arrays[3]) == GammaGamma.fit(x, mean)


@pytest.mark.parametrize("model", [BgNbd(0.8, 6, 0.7, 2.5), MbgNbd(0.8, 6, 0.7, 2.5)])
def test_what_they_were_drawn_from(model: BgNbd) -> None:
    found = type(model).fit(*drawn(model, 20_000, seed=1))
    assert found.as_dict() == pytest.approx(model.as_dict(), rel=0.15)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_the_unit_does_not_matter(unit: float) -> None:
    x, t_x, age, mean = cdnow()
    in_unit = BgNbd.fit(x, [t * unit for t in t_x], [t * unit for t in age])
    assert in_unit.alpha / unit == pytest.approx(4.414, abs=0.001)
    assert GammaGamma.fit(x, [m * unit for m in mean]).v / unit == pytest.approx(15.44, abs=0.01)


@settings(max_examples=15, deadline=None)
@example([(1, 0.0, 1.0, 4.0), (2, 0.0, 1.0, 5e-324)])
@given(
    st.lists(
        st.tuples(st.integers(1, 10**6), st.floats(0, 1), st.floats(1e-3, 1e6), st.floats(0, 1e9)), max_size=5
    )
)
def test_of_anything_something_usable_or_an_error(rows: list[tuple[int, float, float, float]]) -> None:
    x, share, age, mean = ([row[i] for row in rows] for i in range(4))
    t_x = [part * whole for part, whole in zip(share, age, strict=True)]
    for kind in (BgNbd, MbgNbd):
        if not rows:
            with pytest.raises(TooLittleDataError):
                kind.fit(x, t_x, age)
            continue
        model = kind.fit(x, t_x, age)
        assert all(isfinite(value) and value > 0 for value in model.as_dict().values())
        assert 0 <= model.p_alive(x[0], t_x[0], age[0]) <= 1
    try:
        assert GammaGamma.fit(x, mean).expected_value(2, 10) >= 0
    except TooLittleDataError:
        assert not any(count > 1 and value > 0 for count, value in zip(x, mean, strict=True))


def test_nobody_bought_again() -> None:
    with pytest.raises(TooLittleDataError, match="no customer has bought again"):
        BgNbd.fit([0, 0], [0, 0], [10, 20])
    with pytest.raises(TooLittleDataError, match="no customer has paid twice"):
        GammaGamma.fit([1, 1, 3], [10, 20, 0])


def test_numbers_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="t_x must not be greater"):
        BgNbd.fit([1], [3], [2])
    for model in (BgNbd, MbgNbd):
        with pytest.raises(ValueError, match="x must be 0, or from 1 on"):
            model.fit([0.5, 1], [1, 1], [2, 3])
    with pytest.raises(ValueError, match="as many numbers"):
        BgNbd.fit([1, 2], [3], [4])
    table: Any = [[1.0, 2.0]]
    with pytest.raises(ValueError, match="one a customer"):
        BgNbd.fit(table, table, table)
    for bad in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="finite and none negative"):
            GammaGamma.fit([1, 2], [3, bad])
