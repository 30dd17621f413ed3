"""`rapport health calibrate` on recorded events."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from rich.console import Console
from typer.testing import CliRunner

from rapport.commands import health
from rapport.health.calibrate import Quarter, calibrate, calibrate_records, next_quarter
from rapport.health.page import page
from rapport.simulate.memory import Arrival
from rapport.trouble import TroubleError
from services.metrics.domain.apply import apply
from services.metrics.domain.cells import Delta
from services.metrics.domain.health import HealthPolicy
from services.metrics.domain.health.ranking import Area
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from shared.schemas.base import Money
from shared.schemas.codec import encode
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseItem, PurchaseMade
from shared.schemas.times import micros

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 460


def purchase(customer: str, number: int, at: datetime) -> Event:
    paid = Money(amount=1_000 + number, currency="EUR")
    data = PurchaseMade(
        order_id=f"{customer}-{number}",
        channel="web",
        total=paid,
        items=(PurchaseItem(sku="s", quantity=1, unit_price=paid),),
    )
    return Event(id=f"{customer}-{number}", source="/test", subject=customer, time=at, data=data)


def year(customers: int = 150) -> list[Event]:
    """Some come each week, some each month; half of either leave at some time."""
    random, events = Random(1), []
    for n in range(customers):
        gap = 7 if n % 2 else 30
        leaves = random.uniform(30, DAYS) if n % 4 < 2 else DAYS
        day, number = random.uniform(0, 30), 0
        while day < leaves:
            events.append(purchase(f"c{n}", number, BEGIN + timedelta(days=day)))
            day, number = day + random.uniform(0.7, 1.3) * gap, number + 1
    return sorted(events, key=lambda event: event.time)


def arrivals(events: list[Event]) -> Iterator[Arrival]:
    return ((event.time, event) for event in events)


def test_quarters_are_those_of_the_calendar() -> None:
    assert next_quarter(datetime(2025, 3, 31, 23, tzinfo=UTC)) == datetime(2025, 4, 1, tzinfo=UTC)
    assert next_quarter(datetime(2025, 4, 1, tzinfo=UTC)) == datetime(2025, 7, 1, tzinfo=UTC)
    assert next_quarter(datetime(2025, 12, 9, tzinfo=UTC)) == datetime(2026, 1, 1, tzinfo=UTC)


def test_each_whole_quarter_is_told_beforehand() -> None:
    found = calibrate(arrivals(year()), HealthPolicy())
    assert [f"{one.begin:%Y-%m}" for one in found] == ["2025-04", "2025-07", "2025-10", "2026-01"]
    for one in found:
        assert one.fitted
        assert one.score is not None
        assert one.recency is not None
        assert one.score.value > 0.6
        assert sum(n for n, _ in one.segments.values()) == one.customers
        assert sum(gone for _, gone in one.segments.values()) == one.silent


def test_what_comes_later_changes_no_score() -> None:
    events = year()
    early = [event for event in events if event.time < datetime(2025, 10, 1, tzinfo=UTC)]
    assert calibrate(arrivals(early), HealthPolicy()) == calibrate(arrivals(events), HealthPolicy())[:2]


def test_of_records_it_is_the_same() -> None:
    known: dict[str, Tracked] = {}
    for event in year():
        apply(known.setdefault(event.subject, Tracked(Customer())), event, micros(event.time), Delta())
    records = {name: tracked.data for name, tracked in known.items()}
    assert calibrate_records(records, HealthPolicy()) == calibrate(arrivals(year()), HealthPolicy())
    assert calibrate_records({}, HealthPolicy()) == []


def test_silence_is_no_purchase_in_the_quarter() -> None:
    events = [purchase("a", n, BEGIN + timedelta(days=10 * n)) for n in range(28)]
    events += [purchase("b", n, BEGIN + timedelta(days=10 * n)) for n in range(9)]
    (first, *_) = calibrate(arrivals(sorted(events, key=lambda event: event.time)), HealthPolicy())
    assert (first.customers, first.silent, first.fitted) == (2, 1, False)


def test_the_command(tmp_path: Path) -> None:
    lines = tmp_path / "events.jsonl"
    lines.write_bytes(b"\n".join(encode(event)[0] for event in year()))
    run = CliRunner().invoke(health.app, ["calibrate", "--against", str(lines)], env={"COLUMNS": "120"})
    assert run.exit_code == 0, run.output
    assert "AUC of score" in run.output
    assert "01 Apr 2025" in run.output
    told = json.loads(CliRunner().invoke(health.app, ["calibrate", "--against", str(lines), "--json"]).stdout)
    assert [one["scored_on"] for one in told] == ["2025-04-01", "2025-07-01", "2025-10-01", "2026-01-01"]
    assert 0 < told[0]["score"]["low"] <= told[0]["score"]["auc"] <= told[0]["score"]["high"] <= 1


def test_a_recording_too_short(tmp_path: Path) -> None:
    lines = tmp_path / "events.jsonl"
    lines.write_bytes(encode(year()[0])[0])
    with pytest.raises(TroubleError, match="no whole quarter"):
        health.calibrate(against=str(lines), policy=None, households=None, seed=1, as_json=False)


def test_no_number_is_cut_in_a_narrow_terminal() -> None:
    """A number without its end is another number."""
    area = Area(0.912, 0.861, 0.937)
    one = Quarter(BEGIN, 12_345, 6_789, area, area, Area(0.064, -0.024, 0.105), {"lost": (12_345, 678)}, True)
    narrow = Console(width=80)
    with narrow.capture() as told:
        for part in page([one]):
            narrow.print(part)
    said = told.get()
    for number in ("01 Jan 2025", "12,345", "6,789", "0.861 to 0.937", "+0.064", "-0.024 to +0.105"):
        assert number in said
