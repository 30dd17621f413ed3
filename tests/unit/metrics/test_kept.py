"""What the API keeps is what it would read anew; dimensions are bounded; an upgrade loses nothing."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from pymongo import AsyncMongoClient

from services.metrics import store as store_module
from services.metrics.domain.cells import KEPT_MINUTES, MINUTE, Delta, add
from services.metrics.domain.kpis.window import summed
from services.metrics.domain.places import LIMITS, OTHER, Selection, renamed, values_of
from services.metrics.domain.sums import Versions
from services.metrics.journal import partition as partition_module
from services.metrics.journal.dimensions import Dimensions
from services.metrics.store import MetricsStore, Reading
from shared.schemas.event import Event
from shared.schemas.loyalty import TierChanged
from shared.schemas.times import micros

from .story import START, answered, event, opened, profile, purchase, run
from .test_store import DAY0, NOW, Worker, by_day, without_zeros

Client = AsyncMongoClient[dict[str, Any]]
SELECTIONS = (
    Selection(),
    Selection(segment="gold"),
    Selection("gold", "web"),
    Selection(channel="web"),
    Selection(tier="t1"),
    Selection(store="s.1"),
)


def history(size: int) -> list[Event]:
    rng, events = random.Random(7), []
    for n in range(size):
        days, subject = rng.random() * 60, f"c{rng.randrange(6)}"
        match rng.randrange(6):
            case 0:
                data: Any = answered("nps", rng.randrange(11))
            case 1:
                data = opened(f"k{n}", rng.choice(["web", "chat"]))
            case 2:
                data = profile(rng.choice(["gold", None, "x"]))
            case 3:
                data = TierChanged(from_="t0", to=rng.choice(["t1", "t2"]))
            case _:
                data = purchase(f"o{n}", channel=rng.choice(["web", "store"]))
                data = data.model_copy(update={"store_id": rng.choice([None, "s.1", "s2", "s3"])})
        events.append(event(data, days=days, subject=subject, id=f"k{n}"))
    return events


async def test_what_is_kept_is_what_would_be_read_anew(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folds of few and of many days, more than the partition's document tells, and days further back."""
    monkeypatch.setattr(store_module, "FEW", 8)
    events, worker, reader = history(120), Worker(client, database_name), MetricsStore(client[database_name])
    await worker.processor.assigned(frozenset({0, 1}), 2)
    done = 0
    for size, fold in ((10, 0), (1, 10**6), (5, 0), (1, 0), (2, 10**6), (30, 0), (1, 0), (70, 10**6)):
        monkeypatch.setattr(partition_module, "FOLD_CELLS", fold)
        for e in events[done : done + size]:
            await worker.process([e], start=done, partition=int(e.subject[1]) % 2)
            done += 1
        delta = run(events[:done])[1]
        for first in (DAY0 + 30, DAY0, DAY0 + 45):
            for selected in SELECTIONS:
                found = await reader.read(first, selected, gaps=True)
                expected = {d: f for d, f in without_zeros(by(delta, selected)).items() if d >= first}
                assert without_zeros(found.days) == expected
                assert without_zeros({0: found.sums}) == without_zeros({0: summed(found.days, first, None)})
    assert await reader.read(DAY0) == await MetricsStore(client[database_name]).read(DAY0)


def by(delta: Delta, selected: Selection) -> dict[int, dict[str, int]]:
    chosen, days = selected.chooses(), dict[int, dict[str, int]]()
    for (day, place, field), n in delta.items():
        if chosen(place):
            days.setdefault(day, {})[field] = days.get(day, {}).get(field, 0) + n
    return days


async def test_as_long_as_nothing_was_written_nothing_is_read_again(
    client: Client, database_name: str
) -> None:
    worker, reader = Worker(client, database_name), MetricsStore(client[database_name])
    await worker.processor.assigned(frozenset({0}), 2)
    await worker.process(history(10), start=0)
    first, again = await reader.read(DAY0), await reader.read(DAY0)
    assert again.days is first.days
    await worker.process(history(11)[10:], start=10)
    assert (await reader.read(DAY0)).versions != first.versions


async def test_who_reads_while_another_reads_a_fold_counts_nothing_twice(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their versions were asked for before the fold; what was folded stands in the days by now."""
    worker, reader = Worker(client, database_name), MetricsStore(client[database_name])
    await worker.processor.assigned(frozenset({0}), 2)
    await worker.process(history(10), start=0)
    before = await reader.read(DAY0)
    monkeypatch.setattr(partition_module, "FOLD_CELLS", 0)
    await worker.process(history(11)[10:], start=10)
    folds, others = reader._folds, list[asyncio.Task[Reading]]()

    async def asked_before() -> Versions:
        return before.versions

    async def read_meanwhile() -> dict[int, int]:
        if not others:
            with monkeypatch.context() as patched:
                patched.setattr(reader, "_versions", asked_before)
                others.append(asyncio.create_task(reader.read(DAY0)))
                await asyncio.sleep(0.05)
        return await folds()

    monkeypatch.setattr(reader, "_folds", read_meanwhile)
    found = await reader.read(DAY0)
    for one in (found, await others[0]):
        assert without_zeros({0: one.sums}) == without_zeros({0: summed(one.days, DAY0, None)})


async def test_a_reading_that_fails_spoils_no_other(client: Client, database_name: str) -> None:
    worker, reader = Worker(client, database_name), MetricsStore(client[database_name])
    await worker.processor.assigned(frozenset({0}), 2)
    with pytest.raises(ValueError, match="ordinal"):
        await reader.read(-(10**6))
    await reader.read(DAY0)


async def test_a_window_is_computed_once_as_long_as_nothing_was_written(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "KEPT_ANSWERS", 2)
    store, computed = MetricsStore(client[database_name]), 0

    def compute() -> int:
        nonlocal computed
        computed += 1
        return computed

    def ask(key: str, *versions: tuple[int, int]) -> int:
        return store.remembered(Reading(versions=versions), key, compute)

    assert [ask("a", (0, 1)), ask("a", (0, 1)), ask("b", (0, 1)), ask("b", (0, 1))] == [1, 1, 2, 2]
    assert [ask("a", (0, 2)), ask("a", (0, 2))] == [3, 3]
    assert ask("c", (0, 2)) == 4
    assert [ask("a", (0, 2)), ask("b", (0, 1))] == [3, 5]  # b was forgotten
    assert [ask("d"), ask("d")] == [6, 7]  # of nothing that was ever written nothing is known


async def test_so_many_selections_are_kept(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "KEPT_SELECTIONS", 2)
    reader = MetricsStore(client[database_name])
    for n in range(5):
        await reader.read(DAY0, Selection(segment=f"s{n}"))
    assert len(reader._kept) == 2


async def test_of_each_dimension_so_many_values_are_told_apart(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first for all workers and for ever; what is taken back is taken back where it counted."""
    monkeypatch.setitem(LIMITS, "store", 2)  # type: ignore[index]  # a constant elsewhere
    monkeypatch.setitem(LIMITS, "segment", 1)  # type: ignore[index]  # a constant elsewhere
    monkeypatch.setattr(partition_module, "FOLD_CELLS", 5)
    events, reader = history(120), MetricsStore(client[database_name])
    for start in (0, 60):
        worker = Worker(client, database_name)
        await worker.processor.assigned(frozenset({0}), 2)
        for n, e in enumerate(events[start : start + 60], start=start):
            await worker.process([e], start=n)
    rows = [row async for row in client[database_name]["dimensions"].find({})]
    values: dict[str, set[str]] = {name: set() for name in LIMITS}
    for row in rows:
        values[row["_id"].partition(":")[0]].add(row["value"])
    assert len(values["store"]) == 2
    assert len(values["segment"]) == 1
    delta = Delta()
    for (day, place, field), n in run(events)[1].items():
        add(delta, (day, renamed(place, values), field), n)
    (segment,) = values["segment"]
    chosen = [Selection(), Selection(segment=segment), Selection(segment=OTHER), Selection(store=OTHER)]
    for selected in (*chosen, *(Selection(store=name) for name in values["store"])):
        found = await reader.read(DAY0, selected, gaps=True)
        assert without_zeros(found.days) == without_zeros(by(delta, selected))
        assert found.days


async def test_two_workers_who_learn_at_once_agree(client: Client, database_name: str) -> None:
    one, other = Dimensions(client[database_name]), Dimensions(client[database_name])

    def cells(names: Sequence[str]) -> Delta:
        return Delta({(1, f"store:{name}", "x"): 1 for name in names})

    await one.bounded(cells(["a", "b"]))
    await other.bounded(cells(["c", "b", "a"]))
    await one.bounded(cells(["d", "c"]))
    rows = [row async for row in client[database_name]["dimensions"].find({}).sort("_id", 1)]
    assert [row["value"] for row in rows] == ["a", "b", "c", "d"]
    assert len({row["_id"] for row in rows}) == 4


async def test_what_was_counted_before_there_were_bounds_keeps_its_name(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS, "segment", 1)  # type: ignore[index]  # a constant elsewhere
    await client[database_name]["days"].insert_one({"_id": "2026-01-01:0", "cells": {"old|web": {"x": 1}}})
    found = await Dimensions(client[database_name]).bounded(Delta({(1, "new|web", "x"): 1}))
    assert found == {(1, "other|web", "x"): 1}
    assert values_of("old|web") == (("segment", "old"), ("channel", "web"))


async def test_a_partition_of_the_version_before_is_taken_over(client: Client, database_name: str) -> None:
    """Its tail had segment and channel apart. Minutes count from now on: none is taken back that never was
    counted."""
    old, worker = history(30), Worker(client, database_name)
    await worker.processor.assigned(frozenset({0}), 2)
    rows = [(DAY0, "gold", "web", "promoters", 2)]
    await client[database_name]["partitions"].update_one(
        {"_id": 0},
        {
            "$set": {"offsets": {"feedback": 5}, "tail": msgspec.msgpack.encode(rows)},
            "$unset": {"since": "", "minutes": "", "folded": ""},
        },
    )
    await worker.processor.assigned(frozenset({0}), 2)
    await worker.process(old, start=5)
    delta = run(old)[1]
    add(delta, (DAY0, "gold|web", "promoters"), 2)
    reader = MetricsStore(client[database_name])
    found = await reader.read(DAY0, gaps=True)
    assert without_zeros(found.days) == without_zeros(by_day(delta))
    stored = await client[database_name]["partitions"].find_one({"_id": 0})
    assert stored is not None
    assert stored["since"] > micros(START) // MINUTE
    assert min((await reader.minutes(0)).days) > micros(old[0].time) // MINUTE


async def test_minutes_of_the_last_two_days(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_module, "FOLD_CELLS", 2)
    now = (micros(NOW) - micros(START)) / (MINUTE * 1440)
    worker, reader = Worker(client, database_name), MetricsStore(client[database_name])
    await worker.processor.assigned(frozenset({0, 1}), 2)
    ages = [3.0, 1.9, 1.5, 0.5, 0.5, 0.01, 0.0]
    for n, age in enumerate(ages):
        await worker.process([event(answered("nps", 10), days=now - age)], start=n, partition=n % 2)
    found = await reader.minutes(micros(NOW) // MINUTE - KEPT_MINUTES)
    expected: dict[int, int] = {}
    for age in ages[1:]:
        minute = int((micros(START) + (now - age) * 1440 * MINUTE) // MINUTE)
        expected[minute] = expected.get(minute, 0) + 1
    assert {minute: fields["promoters"] for minute, fields in found.days.items()} == expected
    assert await client[database_name]["minutes"].count_documents({}) == 6, "that of three days ago is gone"
