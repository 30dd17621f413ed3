"""The KPI ``clv``: counted from what the nightly estimate tells, of which no customer's record is kept."""

import pytest

from services.metrics.domain.health.worth import quantile, spread
from shared.schemas.event import Event
from shared.schemas.insights import ModelFitted

from .memory import MemoryStore
from .rig import batch, started
from .story import event, result, run


def told(worths: list[int], currency: str = "EUR", day: float = 0.0) -> Event:
    name = f"clv.{currency}"
    return event(ModelFitted(model=name, parameters=spread(worths)), subject=name, days=day)


def test_mean_and_quantiles() -> None:
    found = result(run([told([*range(1, 1_001)])])[1], "clv")
    assert found.n == 1_000
    assert found.value == {
        "mean": 500.5,
        "p50": pytest.approx(500, rel=0.05),
        "p90": pytest.approx(900, rel=0.05),
    }


def test_nights_add_up_and_the_currency_of_most_is_told() -> None:
    found = result(run([told([100] * 3), told([300], day=1), told([7, 7], "SEK")])[1], "clv")
    assert found.n == 4
    assert isinstance(found.value, dict)
    assert found.value["mean"] == 150


def test_without_an_estimate_there_is_none() -> None:
    fitted = event(ModelFitted(model="bg-nbd", parameters={"r": 1.0}), subject="bg-nbd")
    found = result(run([fitted])[1], "clv")
    assert (found.value, found.n) == ({"mean": None, "p50": None, "p90": None}, 0)


@pytest.mark.parametrize("name", ["bin.", "bin.x", "bin.-1", "bin.99999", "nonsense", "customers.more"])
def test_what_is_no_part_of_it_counts_nothing(name: str) -> None:
    model = ModelFitted(model="clv.EUR", parameters={"customers": 1.0, "sum": 5.0, name: 1e300})
    fields = {field for _, _, field in run([event(model, subject="clv.EUR")])[1]}
    assert fields == {"worths:EUR", "worth_sum:EUR"}


def test_worth_of_nothing() -> None:
    assert quantile({}, 0.5) is None
    parameters = spread([0, 0, 1, 1, 1])
    assert parameters == {"customers": 5.0, "sum": 3.0, "bin.0": 2.0, "bin.1": 3.0}
    assert quantile({"0": 2, "1": 3}, 0.1) == 0
    assert quantile({"0": 2, "1": 3}, 0.9) == pytest.approx(1, rel=0.05)


async def test_it_counts_once_and_no_customer_is_kept_of_it() -> None:
    store = MemoryStore()
    rig = await started(store)
    once = told([100, 300])
    await rig.processor.process(batch([once, once], topic="insights"))
    await rig.flush()
    assert sum(n for (_, _, field), n in store.cells.items() if field == "worths:EUR") == 2
    assert store.records == {}
