"""Writes that the store refuses for good, or cannot do in time: the event at fault goes aside alone, all
others count once, and nothing stops."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.errors import DocumentTooLarge, NetworkTimeout, WriteError
from structlog.testing import capture_logs

from services.metrics.journal import narrowing
from services.metrics.journal.store import Write
from shared.schemas.event import Event
from shared.worker.processing import FencedError

from .memory import MemoryStore
from .rig import Rig, batch
from .story import event, purchase, run

TOO_LARGE = DocumentTooLarge("16 MB")


def log_of(size: int) -> list[Event]:
    """Each of a customer of its own."""
    return [event(purchase(f"o{n}"), subject=f"c{n}", id=f"e{n}") for n in range(size)]


def refusing(*bad: int) -> MemoryStore:
    store = MemoryStore()
    names = {f"c{n}" for n in bad}
    store.refuses = lambda write: TOO_LARGE if names & write.customers.keys() else None
    return store


async def live(rig: Rig, log: Sequence[Event], size: int, *, tries: int = 100) -> int:
    """As the loop drives it: after a fence, again from what is durable. The number of takeovers."""
    for takeovers in range(1, tries):
        position = (await rig.processor.assigned(frozenset({0}), 1)).get(("feedback", 0), 0)
        try:
            while position < len(log):
                await rig.processor.process(batch(log[position : position + size], start=position))
                position += size
            await rig.flush()
        except FencedError:
            continue
        assert rig.processor.durable() == {("feedback", 0): len(log)}
        return takeovers
    raise AssertionError("it does not get on")


@pytest.mark.parametrize("bad", [(0,), (7,), (29,), (3, 4), (0, 15, 29)])
@pytest.mark.parametrize("size", [1, 7, 500])
async def test_the_event_at_fault_is_a_dead_letter_and_all_others_count(
    bad: tuple[int, ...], size: int
) -> None:
    store = refusing(*bad)
    rig, log = Rig(store), log_of(30)
    await live(rig, log, size)
    origins = [dict(r.headers)["rapport-origin"] for r in rig.published]
    assert sorted(set(origins)) == sorted(b"feedback/0/%d" % n for n in bad)
    assert len(origins) == len(bad)
    assert {dict(r.headers)["rapport-error"] for r in rig.published} == {b"store"}
    assert store.cells == run([e for n, e in enumerate(log) if n not in bad])[1]


@given(st.sets(st.integers(0, 59), max_size=4), st.sampled_from([1, 4, 50]))
@settings(deadline=None, max_examples=20)
async def test_it_takes_a_few_takeovers_for_each(bad: set[int], size: int) -> None:
    rig = Rig(refusing(*bad))
    with capture_logs():
        assert await live(rig, log_of(60), size) <= 1 + 12 * len(bad)
    assert len(rig.published) == len(bad)


async def test_once_it_is_set_aside_any_number_is_written_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(narrowing, "WHOLE", 64)
    store = refusing(1)
    rig = Rig(store)
    await live(rig, log_of(200), 10)
    assert rig.processor._narrowing.limit(0) is None


async def test_a_store_that_refuses_whatever_it_is_takes_no_event_from_anybody() -> None:
    store = MemoryStore()
    store.refuses, store.proof = lambda write: WriteError("not valid", 121), WriteError("not valid", 121)
    rig, log = Rig(store), log_of(5)
    with pytest.raises(AssertionError, match="get on"):
        await live(rig, log, 5, tries=20)
    assert rig.published == []
    store.refuses, store.proof = lambda write: None, None
    await live(rig, log, 5)
    assert rig.published == []
    assert store.cells == run(log)[1]


async def test_cells_that_cannot_be_folded_count_where_they_are() -> None:
    store = MemoryStore()
    store.refuses = lambda write: TOO_LARGE if write.fold is not None else None
    rig, log = Rig(store), log_of(30)
    assert await live(rig, log, 4) == 1
    await rig.flush()
    assert rig.published == []
    assert (store.cells, store.folds) == (run(log)[1], 0)


async def test_what_does_not_fit_a_transactions_time_is_written_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After an outage, twenty thousand customers at once."""
    monkeypatch.setattr(narrowing, "ALWAYS_FIT", 4)
    store = MemoryStore()

    def slow(write: Write) -> Exception | None:
        return NetworkTimeout("timed out") if len(write.customers) > 9 else None

    store.refuses = slow
    rig, log = Rig(store), log_of(100)
    rig.processor._flushing.next_flush = 500.0  # the store was away
    await live(rig, log, 20)
    assert rig.published == []
    assert store.cells == run(log)[1]


async def test_a_small_write_that_times_out_is_tried_again_as_it_is() -> None:
    store = MemoryStore()
    store.refuses = lambda write: NetworkTimeout("timed out")
    rig, log = Rig(store), log_of(3)
    await rig.processor.assigned(frozenset({0}), 1)
    await rig.processor.process(batch(log))
    store.refuses = lambda write: None
    await rig.flush()
    assert rig.processor.durable() == {("feedback", 0): 3}
    assert store.cells == run(log)[1]
