"""Which events are known: over growing topics, runs in the store, and takeovers."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.domain.apply import apply
from services.metrics.journal import known, library, runs
from services.metrics.journal import partition as partition_module
from services.metrics.journal.residues import Residue
from shared.kafka.keys import partition_of
from shared.schemas.event import Event
from shared.worker.processing import FencedError

from .memory import MemoryStore
from .rig import Rig, batch, started
from .story import answered, event, histories, purchase, run


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything goes to runs, which are merged, within tens of ids."""
    monkeypatch.setattr(partition_module, "FOLD_IDS", 2)
    monkeypatch.setattr(library, "LEAST_RECENT", 12)
    monkeypatch.setattr(library, "STEP_IDS", 8)
    monkeypatch.setattr(known, "RUNS_TO_MERGE", 3)
    monkeypatch.setattr(runs, "PAGE_IDS", 4)


def placed(events: Sequence[Event], count: int) -> dict[int, list[Event]]:
    at: dict[int, list[Event]] = {partition: [] for partition in range(count)}
    for e in events:
        at[partition_of(e.subject.encode(), count)].append(e)
    return at


async def worker(store: MemoryStore, count: int, recent_ids: int = 1) -> Rig:
    """With all partitions of so many."""
    rig = Rig(store, recent_ids=recent_ids)
    await rig.processor.assigned(frozenset(range(count)), count)
    return rig


async def feed(rig: Rig, events: Sequence[Event], count: int, start: int = 0) -> None:
    for partition, mine in placed(events, count).items():
        for at in range(0, len(mine), 5):
            await rig.processor.process(batch(mine[at : at + 5], partition=partition, start=start + at))
            await rig.flush()


@settings(deadline=None, max_examples=40)
@given(histories(20), st.lists(st.integers(1, 9), min_size=2, max_size=4))
def test_after_growth_what_is_old_counts_once(history: Sequence[Event], counts: Sequence[int]) -> None:
    """Whatever the counts, powers of two or not; all events come again after each growth."""
    store = MemoryStore()

    async def live() -> None:
        told = [*history]
        for count in sorted(set(counts)):
            rig = await worker(store, count)
            await feed(rig, told, count)
            await rig.processor.revoked(frozenset(range(count)))

    asyncio.run(live())
    assert store.cells == run(list({e.uid: e for e in reversed(history)}.values())[::-1])[1]


@pytest.mark.usefixtures("small")
async def test_ids_in_runs_are_known_after_growth_too() -> None:
    store = MemoryStore()
    events = [event(purchase(f"o{i}"), days=i, subject=f"c{i % 9}") for i in range(300)]
    for count in (2, 3, 4):
        rig = await worker(store, count)
        await feed(rig, events, count)
        for _ in range(60):
            await rig.flush()
    assert sum(len(d.runs) for d in store.ids.documents.values()) > 2
    assert {d.residue.of for d in store.ids.documents.values()} == {2, 3, 4}
    assert store.cells == run(events)[1]


@pytest.mark.usefixtures("small")
async def test_old_ids_leave_memory_and_stay_known() -> None:
    store = MemoryStore()
    rig = await worker(store, 1)
    events = [event(purchase(f"o{i}"), days=i % 90, subject=f"c{i % 9}") for i in range(500)]
    await feed(rig, events, 1)
    part = rig.processor._partitions[0]
    for _ in range(400):
        await rig.flush()
        assert len(part.known) == len(events), "an id is in memory or in one run"
    assert len(part.known.recent) < 40
    assert len(part.known.runs) < 6, "runs are merged"
    assert part.known.garbage == ()
    document = store.ids.documents[Residue(1, 0)]
    assert {name.run for name in store.ids.stored_pages} == {r.id for r in document.runs}
    assert set(store.ids.filters) == {r.id for r in document.runs}
    await feed(rig, events, 1, start=500)
    again = await worker(store, 1)
    await feed(again, events, 1, start=500)
    assert store.cells == run(events)[1]


@pytest.mark.usefixtures("small")
async def test_a_worker_that_dies_in_the_middle_of_a_run_leaves_nothing() -> None:
    store = MemoryStore()
    events = [event(purchase(f"o{i}"), days=i % 90, subject=f"c{i % 9}") for i in range(200)]
    for n in range(0, 200, 10):
        rig = await worker(store, 1)  # the one before is gone, wherever it was
        await feed(rig, events[: n + 10], 1)
        for _ in range(n % 7):
            await rig.flush()
    rig = await worker(store, 1)
    for _ in range(400):
        await rig.flush()
    assert store.cells == run(events)[1]
    assert {name.run for name in store.ids.stored_pages} == {
        r.id for r in store.ids.documents[Residue(1, 0)].runs
    }


@pytest.mark.usefixtures("small")
async def test_the_store_is_asked_only_where_a_filter_says_perhaps() -> None:
    store = MemoryStore()
    rig = await worker(store, 1)
    events = [event(purchase(f"o{i}"), days=i % 90, subject=f"c{i % 9}") for i in range(200)]
    await feed(rig, events, 1)
    for _ in range(60):
        await rig.flush()
    before = store.ids.pages_read
    fresh = [event(purchase(f"p{i}"), days=i % 90, subject=f"c{i % 9}") for i in range(500)]
    await rig.processor.process(batch(fresh, start=200))
    assert store.ids.pages_read - before < 60
    assert rig.processor.id_bytes > 0


async def test_a_partition_that_nobody_wrote_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_module, "FOLD_IDS", 0)
    store = MemoryStore()
    rig = await started(store, 0, 1)
    log = [event(purchase(f"o{i}"), days=i) for i in range(6)]
    await rig.processor.process(batch(log[:3]))
    await rig.flush()
    assert store.folds
    await rig.processor.process(batch(log[3:4], start=3))  # not written
    await rig.processor.assigned(frozenset({0, 1}), 2)
    assert store.ids.chunks_read == 0, "as after an event that cannot be counted"
    await rig.processor.process(batch(log[3:5], start=3))
    await rig.processor.revoked(frozenset({0, 1}))
    await rig.processor.assigned(frozenset({0}), 2)
    assert store.ids.chunks_read == 0, "let go, and taken back"
    other = await started(store, 0)
    assert store.ids.chunks_read > 0
    await other.processor.process(batch(log[5:6], start=5))
    await other.flush()
    read = store.ids.chunks_read
    await rig.processor.assigned(frozenset({0}), 2)
    assert store.ids.chunks_read > read, "another has written it meanwhile"
    await rig.processor.process(batch(log, start=6))
    await rig.flush()
    assert store.cells == run(log)[1]


async def test_what_a_poison_event_left_in_memory_is_not_taken_for_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    rig = await started(store)
    bad, good = event(answered("nps", 9), id="bad"), event(purchase("a"))

    def fails(tracked, e, now, delta, id):
        if e.id == "bad":
            raise ArithmeticError("no such number")
        return apply(tracked, e, now, delta, id)

    monkeypatch.setattr(partition_module, "apply", fails)
    with pytest.raises(FencedError):
        await rig.processor.process(batch([good, bad]))
    await rig.processor.assigned(frozenset({0}), 2)
    await rig.processor.process(batch([good, bad]))
    monkeypatch.setattr(partition_module, "apply", apply)
    await rig.processor.process(batch([bad], start=2))
    await rig.flush()
    assert store.cells == run([good, bad])[1]
