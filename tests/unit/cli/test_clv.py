"""What `rapport clv fit` estimates, tells and publishes."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from pymongo.errors import ServerSelectionTimeoutError
from typer.testing import CliRunner

from rapport import connections
from rapport.clv import records as reading
from rapport.clv.publishing import fitted
from rapport.clv.records import Records
from rapport.commands import clv
from rapport.trouble import TroubleError
from services.metrics.domain.health import HealthPolicy, Models, health
from services.metrics.domain.health.estimating import FEWEST, Estimate, Sample
from services.metrics.domain.health.worth import BIN, SUM, quantile
from services.metrics.domain.state import Customer, Order
from shared.runtime.transport import MongoSettings
from shared.schemas.codec import decode, encode
from shared.schemas.envelope import structured
from shared.schemas.event import Event
from shared.schemas.times import DAY, Micros, moment

NOW = 20_000 * DAY


def bought(days: list[float], amount: int = 1_000, currency: str = "EUR") -> Customer:
    orders = {
        f"o{n}": Order(touched=0, made=int(day * DAY), amount=amount, left=amount, currency=currency)
        for n, day in enumerate(days)
    }
    return Customer(orders=orders)


def buyers(number: int) -> list[Customer]:
    random = Random(1)
    found = []
    for _ in range(number):
        first = random.uniform(19_000, 19_900)
        gap, stays = random.uniform(5, 60), random.uniform(0, 20_000 - first)
        days = [first + gap * n for n in range(int(stays / gap) + 1)]
        found.append(bought(days, random.randint(500, 5_000)))
    return found


class FakeRecords(Records):
    def __init__(self, customers: list[Customer]) -> None:
        self._customers = customers

    def __enter__(self) -> "FakeRecords":
        return self

    def __exit__(self, *_: object) -> None: ...

    def now(self) -> Micros:
        return NOW

    def __len__(self) -> int:
        return len(self._customers)

    def __iter__(self) -> Iterator[Customer]:
        return iter(self._customers)


def test_a_sample_is_what_happened_before_its_time() -> None:
    early, late = Sample(NOW), Sample(NOW)
    early.add(bought([19_990.5, 19_995.5]))
    late.add(bought([19_990.5, 19_995.5, 20_000.5]))
    late.add(bought([20_001.0]))
    late.add(Customer())
    assert len(early) == len(late) == 1
    assert early.models == late.models == ("bg-nbd", "mbg-nbd", "gamma-gamma.EUR")


def test_of_few_customers_nothing_is_estimated() -> None:
    sample = Sample(NOW)
    for customer in buyers(FEWEST // 2):
        sample.add(customer)
    found = list(sample.estimates())
    assert [one.model for one in found] == ["bg-nbd", "mbg-nbd", "gamma-gamma.EUR"]
    assert all(one.parameters is None and 0 < one.customers < FEWEST for one in found)
    assert fitted(found, NOW) == []


def test_estimates_are_events_that_scores_replay_from() -> None:
    sample = Sample(NOW)
    swedes = [bought([19_000 + n, 19_300 + n, 19_500 + n], 700 + n, "SEK") for n in range(150)]
    for customer in [*buyers(300), *swedes]:
        sample.add(customer)
    events = fitted(sample.estimates(), NOW)
    assert [event.subject for event in events] == ["bg-nbd", "mbg-nbd", "gamma-gamma.EUR", "gamma-gamma.SEK"]
    assert events == fitted(sample.estimates(), NOW)
    told: dict[str, Any] = {}
    for event in events:
        value, _ = encode(event)
        read = decode(structured(value), wall_now=moment(NOW))
        assert isinstance(read, Event)
        told[read.data.model] = read.data.parameters  # type: ignore[attr-defined]  # of ModelFitted
    models = Models.of(told)
    assert models.again != Models().again
    assert set(models.money) == {"EUR", "SEK"}


def test_what_customers_are_worth_is_told_with_its_spread() -> None:
    sample = Sample(NOW)
    for customer in buyers(300):
        sample.add(customer)
    estimates = list(sample.estimates())
    (found,) = sample.spreads(estimates)
    assert (found.model, found.customers) == ("clv.EUR", 300)
    assert found.parameters is not None
    models = Models.of({one.model: one.parameters for one in estimates if one.parameters is not None})
    single = [health(customer, models, HealthPolicy(), NOW).clv for customer in buyers(300)]
    amounts = sorted(one.amount for one in single if one is not None)
    assert found.parameters[SUM] == sum(amounts)
    bins = {name.removeprefix(BIN): int(n) for name, n in found.parameters.items() if name.startswith(BIN)}
    for q in (0.1, 0.5, 0.9):
        assert quantile(bins, q) == pytest.approx(amounts[int(q * (len(amounts) - 1))], rel=0.05, abs=1)
    assert list(sample.spreads([])) == []


def test_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Event] = []
    monkeypatch.setattr(clv, "Records", lambda _: FakeRecords(buyers(300)))
    monkeypatch.setattr(clv, "publish", lambda servers, events: sent.extend(events))
    env = {"RAPPORT_MONGO": "mongodb://x", "RAPPORT_KAFKA": "x:1"}
    run = CliRunner().invoke(clv.app, ["fit"], env=env)
    assert run.exit_code == 0, run.output
    assert "300 customers had bought before 2024-10-04" in run.output
    assert "4 results are published" in run.output
    assert len(sent) == 4
    dry = CliRunner().invoke(clv.app, ["fit", "--dry-run", "--json"], env=env)
    assert len(sent) == 4
    told = json.loads(dry.stdout)
    assert [one["model"] for one in told] == [event.subject for event in sent]
    assert told[0]["parameters"].keys() == {"r", "alpha", "a", "b"}


def test_without_a_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    with pytest.raises(TroubleError, match="rapport up"):
        connections.store({"RAPPORT_HOME": str(tmp_path)})
    monkeypatch.setattr(reading, "_PATIENCE_MS", 1)
    with Records(MongoSettings(mongo="mongodb://user:secret@127.0.0.1:1/?directConnection=true")) as records:
        with pytest.raises(TroubleError, match=ServerSelectionTimeoutError.__name__) as trouble:
            records.now()
        assert "secret" not in str(trouble.value)


def test_without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: Sample) -> Iterator[Estimate]:
        raise ModuleNotFoundError(name="scipy")

    monkeypatch.setattr(Sample, "estimates", missing)
    with pytest.raises(TroubleError, match=r"rapport\[fit\]"):
        clv._estimated(FakeRecords(buyers(3)), Sample(NOW))
