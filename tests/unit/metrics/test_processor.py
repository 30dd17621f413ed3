"""The processor: exactly-once over crashes, duplicates and other workers."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.domain import state
from services.metrics.domain.cells import KEPT_MINUTES, MINUTE
from services.metrics.journal import partition as partition_module
from services.metrics.journal.residues import Residue
from shared.runtime.telemetry import EVENTS_AHEAD
from shared.schemas.event import Event
from shared.schemas.times import DAY, micros
from shared.worker.processing import FencedError
from tests.examples import examples

from .memory import MemoryStore
from .rig import Rig, batch, started
from .story import START, answered, event, histories, purchase, run


@settings(deadline=None, max_examples=examples(60))
@given(
    histories(30),
    st.lists(st.sampled_from(["batch", "flush", "crash", "revoke"]), max_size=25),
    st.integers(1, 7),
    st.lists(st.integers(0, 29), max_size=8),
)
def test_crashes_and_duplicates_change_nothing(
    history: Sequence[Event], plan: Sequence[str], size: int, repeats: Sequence[int]
) -> None:
    """The log has duplicates; the worker dies between any two batches, with or without a flush."""
    log = list(history)
    for r in repeats:
        if r < len(history):
            log.insert((r * 7) % (len(log) + 1), history[r])
    expected = run(_first_of_each(log))[1]
    store = MemoryStore()
    asyncio.run(_live(store, log, plan, size))
    assert store.cells == expected


def _first_of_each(log: Sequence[Event]) -> list[Event]:
    return list({e.uid: e for e in log}.values())


async def _live(store: MemoryStore, log: Sequence[Event], plan: Sequence[str], size: int) -> None:
    rig = Rig(store)
    position = await _restart(rig)
    for step in [*plan, "crash", *["batch"] * (len(log) // size + 1), "flush"]:
        if step == "batch":
            await rig.processor.process(batch(log[position : position + size], start=position))
            position = min(position + size, len(log))
        elif step == "flush":
            await rig.flush()
            assert rig.processor.durable().get(("feedback", 0), position) == position
        else:
            if step == "revoke":
                await rig.processor.revoked(frozenset({0}))
                assert rig.processor.durable().get(("feedback", 0), position) == position
            rig = Rig(store)
            position = await _restart(rig)


async def _restart(rig: Rig) -> int:
    return (await rig.processor.assigned(frozenset({0}), 2)).get(("feedback", 0), 0)


@pytest.fixture
def eager_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_module, "FOLD_CELLS", 3)
    monkeypatch.setattr(partition_module, "FOLD_IDS", 2)


@pytest.mark.usefixtures("eager_folds")
async def test_folding_keeps_sums_and_ids() -> None:
    store = MemoryStore()
    rig = await started(store)
    events = [event(purchase(f"o{i}"), days=i, subject=f"c{i % 5}") for i in range(200)]
    for i, e in enumerate(events):
        await rig.processor.process(batch([e], start=i))
        await rig.flush()
    assert store.folds > 50
    assert len(store.ids.folded[Residue(2, 0)]) < store.folds, "small chunks are merged"
    assert store.cells == run(events)[1]
    again = await started(store)
    await again.processor.process(batch(events, start=200))
    await again.flush()
    assert store.cells == run(events)[1], "no id was lost in a merge"


async def test_nothing_is_durable_before_it_is_written() -> None:
    store = MemoryStore()
    rig = await started(store)
    await rig.flush()
    await rig.processor.process(batch([event(purchase("a"))]))
    await rig.processor.process(batch([event(purchase("b"))], start=1))
    assert store.writes == 1, "the first batch came after the interval, the second within it"
    assert rig.processor.durable() == {("feedback", 0): 1}
    await rig.processor.idle()
    assert store.writes == 1
    await rig.flush()
    assert rig.processor.durable() == {("feedback", 0): 2}
    assert rig.processor.durable() == {}
    await rig.flush()
    assert store.writes == 2, "nothing new, nothing written"


async def test_a_worker_that_lost_its_partition_writes_nothing() -> None:
    store = MemoryStore()
    old, e = await started(store), event(purchase("a"))
    await old.processor.process(batch([e, event(purchase("b"))]))
    await old.processor.process(batch([event(purchase("c"))], start=2))
    new = await started(store)
    old.time += 1_000.0
    with pytest.raises(FencedError):
        await old.processor.process(batch([event(purchase("d"))], start=3))
    assert old.processor.durable().get(("feedback", 0)) == 2
    await old.processor.revoked(frozenset({0}))
    assert store.rows[0].offsets == {"feedback": 2}
    await new.processor.process(batch([event(purchase("c"))], start=2))
    await new.flush()
    assert store.rows[0].offsets == {"feedback": 3}


async def test_a_clock_that_runs_ahead_is_counted_once_and_moves_no_clock() -> None:
    store = MemoryStore()
    rig = await started(store)
    wall = START + timedelta(days=1)
    told = [event(answered("nps", 9), days=1 + ahead, id=f"a{ahead}") for ahead in (0.0, 0.003, 0.5)]
    before = EVENTS_AHEAD.labels("metrics")._value.get()
    await rig.processor.process(batch([*told, told[-1]], at=wall))
    await rig.flush()
    assert EVENTS_AHEAD.labels("metrics")._value.get() - before == 1
    assert store.cells == run(told)[1]
    assert state.decode(store.records["c1"]).latest == micros(wall) // DAY
    assert rig.processor._partitions[0].tail.since == micros(wall) // MINUTE - KEPT_MINUTES
