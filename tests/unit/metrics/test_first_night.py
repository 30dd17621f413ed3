"""An upgrade tells of nobody: of customers who were there before anybody was looked at it is only known."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from services.metrics.domain.health import Health
from services.metrics.domain.looked import Looked
from services.metrics.domain.state import Customer, decode
from services.metrics.journal import looking as looking_module
from services.metrics.journal import looks as looks_module
from services.metrics.models.customers import customer_health
from shared.schemas.event import Event
from shared.schemas.times import micros

from .judging import LOOKING, after, insights, short, wall, who
from .memory import MemoryStore
from .rig import Rig, batch
from .story import START, event, purchase


def bought(days: float, *subjects: str) -> list[Event]:
    return [event(purchase(f"{s}:{days}"), days=days, subject=s, id=f"{s}@{days}") for s in subjects]


async def upgraded(log: Sequence[Event], numbers: int = 1, count: int = 1) -> Rig:
    """An older version, which looked at nobody, counted this log at noon of day 40; then this one comes."""
    old = Rig(MemoryStore())
    await old.processor.assigned(frozenset({0}), 1)
    await old.processor.process(batch(log))
    await old.processor.revoked(frozenset({0}))
    return await new(old.store, numbers, count)


async def new(store: MemoryStore, numbers: int = 1, count: int = 1, days: float = 40.5) -> Rig:
    rig = Rig(store, looking=LOOKING)
    rig.now = START + timedelta(days=days)
    await rig.processor.assigned(frozenset(range(numbers)), count)
    return rig


async def time_for_all(rig: Rig) -> None:
    for _ in range(6):
        await rig.flush()


def looked(store: MemoryStore) -> dict[str, Looked]:
    return {subject: decode(record).looked for subject, record in store.records.items()}


async def test_an_upgrade_tells_of_nobody_and_knows_of_everybody() -> None:
    rig = await upgraded([*bought(0.5, "a", "b"), *bought(39.5, "c")])
    await time_for_all(rig)
    assert insights(rig.published) == []
    known = looked(rig.store)
    assert {s: (k.segment, k.score, k.silent) for s, k in known.items()} == {
        "a": ("at_risk", 60, True),
        "b": ("at_risk", 60, True),
        "c": ("champions", 99, True),
    }
    counts = rig.store.rows[0].segments
    assert {k: n for k, n in counts.items() if k[1] == "customers"} == {
        ("at_risk", "customers"): 2,
        ("champions", "customers"): 1,
    }
    rig.now += timedelta(days=1)
    await time_for_all(rig)
    assert insights(rig.published) == [], "the next night is no other"


async def test_afterwards_what_is_another_is_told_and_so_is_at_whom_something_happened() -> None:
    rig = await upgraded([*bought(0.5, "a", "b"), *bought(30.5, "c")])
    await time_for_all(rig)
    await rig.processor.process(batch([*bought(40.25, "b", "new")], start=3))
    await time_for_all(rig)
    assert [short(one) for one in insights(rig.published)] == [
        "b segment.changed champions",
        "b health.changed 100",
        "new segment.changed champions",
        "new health.changed 100",
    ]
    rig.now += timedelta(days=10)
    await time_for_all(rig)
    told = [short(one) for one in insights(rig.published)][4:]
    assert sorted(told) == [
        "a health.changed 50",
        "a segment.changed at_risk",
        "b health.changed 90",
        "c health.changed 80",
        "c segment.changed champions",
        "new health.changed 90",
    ], "of whom nothing was told all is, the segment that stayed too"


async def test_of_those_who_were_about_to_leave_nobody_is_warned_until_they_came_back() -> None:
    log = bought(-40.5, "gone")  # the probability is 0.81
    rig = await upgraded(log)
    await time_for_all(rig)
    rig.now += timedelta(days=15)
    await time_for_all(rig)
    assert [short(one) for one in insights(rig.published)] == [
        "gone segment.changed lost",
        "gone health.changed 4",
    ]
    await rig.processor.process(batch(bought(55.25, "gone"), start=1))
    await time_for_all(rig)
    rig.now += timedelta(days=61)
    await time_for_all(rig)
    assert [short(one) for one in insights(rig.published)][-1].startswith("gone churn.warned")


async def test_it_holds_whoever_dies_meanwhile_and_however_partitions_grow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(looking_module, "MOST_CHANGED", 5)
    everybody = [f"c{n:02d}" for n in range(40)]
    rig = await upgraded(bought(0.5, *everybody))
    await rig.flush()
    await rig.flush()
    assert 0 < sum(k.silent for k in looked(rig.store).values()) < 20
    other = await after(rig, times=2)
    assert 0 < sum(k.silent for k in looked(rig.store).values()) < 40
    grown = await new(rig.store, numbers=3, count=3)
    for _ in range(5):
        await time_for_all(grown)
    assert all(k.silent for k in looked(rig.store).values())
    assert who(rig, other, grown) == set()


async def test_partitions_that_grow_with_the_upgrade_tell_of_nobody_either() -> None:
    everybody = [f"c{n:02d}" for n in range(40)]
    rig = await upgraded(bought(0.5, *everybody), numbers=3, count=3)
    await time_for_all(rig)
    assert len(looked(rig.store)) == 40
    assert all(k.silent for k in looked(rig.store).values())
    assert who(rig) == set()


async def test_a_new_platform_tells_of_everybody_however_many_come_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(looks_module, "MOST_FRESH", 5)
    everybody = [f"c{n:02d}" for n in range(40)]
    rig = await wall(bought(0.5, *everybody))
    await rig.flush()
    other = await after(rig)
    other.now += timedelta(days=1)
    await time_for_all(other)
    assert who(rig, other) == {*everybody}


def test_the_api_says_that_nothing_was_told() -> None:
    health = Health(50, (), 0.5, None, "at_risk")
    known = Customer(looked=Looked(micros(START), "at_risk", 50, True, True))
    told = customer_health("c1", health, known, START).told
    assert (told.segment, told.score, told.warned, told.at) == (None, None, False, None)
