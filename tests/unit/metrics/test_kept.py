"""What the API keeps is what it would read anew; dimensions are bounded; an upgrade loses nothing."""

import random
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
import pytest
from pymongo import AsyncMongoClient

from services.metrics import folds_store
from services.metrics import store as store_module
from services.metrics.domain.cells import KEPT_MINUTES, MINUTE, Delta, add
from services.metrics.domain.kpis.window import summed
from services.metrics.domain.places import LIMITS, OTHER, Selection, renamed, values_of
from services.metrics.domain.rows import LAST_FOLDS
from services.metrics.journal import partition as partition_module
from services.metrics.journal import store as journal_store
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
    """Folds of few cells and of many, more than is kept of them, and days further back."""
    monkeypatch.setattr(store_module, "FEW", 8)
    monkeypatch.setattr(journal_store, "MOST_FOLDED", 60)
    monkeypatch.setattr(folds_store, "KEPT_FOLDS", 3)
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
                sums = found.counted(("summed", first), partial(summed, first=first, last=None))
                assert {0: sums} == {0: {}} | without_zeros({0: summed(found.days, first, None)})
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


@pytest.mark.parametrize("too_much", [False, True])
async def test_what_is_folded_while_the_days_are_read_counts_once(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch, too_much: bool
) -> None:
    """It stands in the days that were read, or in some of them."""
    worker, reader = Worker(client, database_name), MetricsStore(client[database_name])
    await worker.processor.assigned(frozenset({0}), 2)
    events, done = history(60), 40
    await worker.process(events[:done], start=0)
    monkeypatch.setattr(partition_module, "FOLD_CELLS", 0)
    monkeypatch.setattr(journal_store, "MOST_FOLDED", 0 if too_much else 10**6)
    reads = reader._sum

    async def read_and_fold(*how: Any) -> None:
        nonlocal done
        await reads(*how)
        if done < 44:  # in between the two collections, and after them
            await worker.process(events[done : done + 1], start=done)
            done += 1

    monkeypatch.setattr(reader, "_sum", read_and_fold)
    found = await reader.read(DAY0, gaps=True)
    assert done == 44
    assert without_zeros(found.days) == without_zeros(by_day(run(events[:done])[1]))


async def test_what_was_folded_is_read_by_itself(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the days are read they are not read again, until more was folded than is kept."""
    monkeypatch.setattr(partition_module, "FOLD_CELLS", 0)
    worker, reader, events = Worker(client, database_name), MetricsStore(client[database_name]), history(120)
    await worker.processor.assigned(frozenset({0}), 2)
    await worker.process(events[:40], start=0)
    await reader.read(DAY0, gaps=True)
    read, reads = 0, reader._sum

    async def counting(*how: Any) -> None:
        nonlocal read
        read += 1
        await reads(*how)

    monkeypatch.setattr(reader, "_sum", counting)
    for n in range(40, 50):
        await worker.process(events[n : n + 1], start=n)
        found = await reader.read(DAY0, gaps=True)
        assert without_zeros(found.days) == without_zeros(by_day(run(events[: n + 1])[1]))
    assert read == 0
    for n in range(50, 51 + LAST_FOLDS):
        await worker.process(events[n : n + 1], start=n)
    found = await reader.read(DAY0, gaps=True)
    assert without_zeros(found.days) == without_zeros(by_day(run(events[: 51 + LAST_FOLDS])[1]))
    assert read == 2
    assert await client[database_name]["folds"].count_documents({}) == LAST_FOLDS


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
