"""The generator: valid events, the same for a seed, labelled, and lives that the services accept."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from rapport.replay.aftersales import returns
from rapport.replay.completejourney import Basket, CompleteJourney, Line
from rapport.replay.record import Record
from rapport.replay.simulated import CLOSES, LABEL, simulate, simulate_household
from shared.schemas.codec import parse_cloudevent
from shared.schemas.complaints import ComplaintsData
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseReturned

NOW = datetime(2026, 1, 1, tzinfo=UTC)
START = datetime(2017, 1, 3, 9, tzinfo=UTC)
TRANSITIONS = {
    None: {"opened"},
    "opened": {"acknowledged", "changed", "updated", "waiting", "resolved"},
    "acknowledged": {"changed", "updated", "waiting", "resolved"},
    "changed": {"updated", "waiting", "resolved"},
    "updated": {"waiting", "resolved"},
    "waiting": {"resumed"},
    "resumed": {"resolved"},
    "resolved": {"closed", "reopened"},
    "reopened": {"resolved"},
    "closed": set(),
}


def year(household: int = 1, visits: int = 80) -> list[Basket]:
    times = [START + timedelta(days=4.4 * n) for n in range(visits)]
    return [Basket(household * 1000 + n, household, at, 2500) for n, at in enumerate(times)]


def lines(baskets: list[Basket]) -> dict[int, list[Line]]:
    goods = [Line("a", "MILK", 1, 1000), Line("b", None, 2, 1500), Line("free", None, 1, 0)]
    return {basket.id: goods for basket in baskets[::10]}


def many(households: int = 60, seed: int = 1) -> list[Record]:
    found = []
    for household in range(1, households + 1):
        baskets = year(household)
        found += simulate_household(household, baskets, lines(baskets), None, seed)
    return found


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return [parse_cloudevent(record.value, NOW) for record in many()]


def test_every_event_is_valid_labelled_and_unique(events: list[Event]) -> None:
    assert all(event.source.startswith(LABEL) for event in events)
    assert len({event.uid for event in events}) == len(events)


def test_every_kind_occurs(events: list[Event]) -> None:
    kinds = Counter(event.type.split(".", 1)[1] for event in events)
    assert set(kinds) == {
        f"{kind}.v1"
        for kind in (
            "customer.registered",
            "consent.changed",
            "interaction.logged",
            "survey.answered",
            "purchase.returned",
            *(f"complaint.{step}" for step in TRANSITIONS if step),
        )
    }


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    assert many(5) == many(5)
    assert many(5) != many(5, seed=2)


def test_a_household_does_not_depend_on_the_others(folder: Path) -> None:
    alone = simulate(CompleteJourney(1, folder), 1)
    together = simulate(CompleteJourney(None, folder), 1)
    assert alone == [record for record in together if record.key == "hh-3"]


def test_the_log_is_in_order_and_ends_in_time(folder: Path) -> None:
    found = simulate(CompleteJourney(None, folder), 1)
    assert found == sorted(found, key=lambda record: record.at)
    assert found[-1].at < CLOSES


def test_a_profile_comes_before_all_else(events: list[Event]) -> None:
    first: dict[str, Event] = {}
    for event in sorted(events, key=lambda event: event.time):
        first.setdefault(event.subject, event)
    assert {event.type for event in first.values()} == {"rapport.customer.registered.v1"}


def test_complaints_go_only_where_the_services_let_them(events: list[Event]) -> None:
    lives: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if isinstance(event.data, ComplaintsData):
            lives[event.data.complaint_id].append(event)
    assert len(lives) > 50
    for life in lives.values():
        state = None
        for event in sorted(life, key=lambda event: event.time):
            step = event.type.split(".")[2]
            assert step in TRANSITIONS[state]
            state = step


def test_some_consent_some_refuse_some_change_their_mind(events: list[Event]) -> None:
    said: dict[str, list[bool]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.time):
        if getattr(event.data, "purpose", None) == "marketing":
            said[event.subject].append(event.data.granted)  # type: ignore[attr-defined]
    kinds = Counter(map(tuple, said.values()))
    assert set(kinds) == {(True,), (False,), (True, False)}
    assert kinds[True,] > len(said) / 2


def test_returns_together_never_exceed_the_total_and_some_arrive_late() -> None:
    baskets = [basket for household in range(1, 40) for basket in year(household)]
    late = 0
    for basket in baskets[::7]:
        goods = [Line("a", None, 1, 1000), Line("b", None, 2, 1500), Line("free", None, 1, 0)]
        found = returns(basket, goods, Random(basket.id))
        data = [parse_cloudevent(record.value, NOW) for record in found]
        refunds = [event.data.refund.amount for event in data if isinstance(event.data, PurchaseReturned)]
        assert 0 < sum(refunds) <= basket.cents
        for record, event in zip(found, data, strict=True):
            assert basket.at < event.time <= basket.at + timedelta(days=20)
            assert event.time <= record.at <= event.time + timedelta(days=20)
            late += record.at > event.time
    assert late > 10


def test_volume_is_modest() -> None:
    simulated = len(many())
    assert 0.2 < simulated / (60 * 80) < 0.45
