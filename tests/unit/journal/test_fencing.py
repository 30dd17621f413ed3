"""A worker that lives on after its takeover can write nothing: no state, no timer, nothing of the outbox."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from shared.journal.processor import JournalProcessor
from shared.kafka.publisher import Record
from shared.worker.processing import Batch, FencedError
from tests.unit.journal.driver import START, batch_of, messages_of, processor, run
from tests.unit.journal.memory import HANDLER, CrashError, MemoryPublisher, MemoryStore

DUE = START + timedelta(hours=3)


async def with_a_timer() -> tuple[MemoryStore, JournalProcessor[Any], MemoryPublisher]:
    """Of ``c0``, due at ``DUE``; its worker."""
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    old = processor(store, publisher)
    await run(old, messages_of([(0, 0, 3)]), 10)
    return store, old, publisher


async def test_a_step_of_timers_alone_is_fenced_too() -> None:
    store, old, _ = await with_a_timer()
    new = processor(store, MemoryPublisher())
    await new.assigned(frozenset({0}), 2)
    kept = dict(store.timers)
    with pytest.raises(FencedError):
        await old.process(batch_of([], START, DUE))
    assert store.timers == kept
    assert [e for e in store.journal.values() if e.origin.offset < 0] == []


async def test_a_firing_that_both_workers_saw_due_is_the_successors_alone() -> None:
    """The old one read the row, then slept; the new one fired it and set it anew."""
    store, old, _ = await with_a_timer()
    new = processor(store, MemoryPublisher())
    real = store.due_timers

    async def sleeps(*args: Any) -> Any:
        due = await real(*args)
        store.due_timers = real  # type: ignore[method-assign]
        await new.assigned(frozenset({0}), 2)
        await new.process(batch_of([], START, DUE))
        return due

    store.due_timers = sleeps  # type: ignore[method-assign]
    with pytest.raises(FencedError):
        await old.process(batch_of([], START, DUE))
    assert store.timers["c0|t1"].due_at == DUE + timedelta(hours=7)


async def test_what_a_successor_has_in_the_outbox_outlives_the_one_before() -> None:
    """The old one sleeps between its commit and its publish; the new one dies between its own two."""
    store, old, slow = await with_a_timer()
    published = MemoryPublisher()

    async def takes_over_and_dies() -> None:
        new = processor(store, published)
        await new.assigned(frozenset({0}), 2)
        published.dies = iter(["before"])
        with pytest.raises(CrashError):
            await new.process(batch_of([], DUE, DUE + timedelta(hours=7)))

    slow.meddle = takes_over_and_dies
    with pytest.raises(FencedError):
        await old.process(batch_of([], START, DUE))
    heir = processor(store, published)
    await heir.assigned(frozenset({0}), 2)
    assert _timers(published.records) == 2, "both firings are told"
    assert store.outboxes == {0: []}


async def test_a_worker_that_lost_its_partition_dead_letters_nothing() -> None:
    """Its state is old: what speaks against an event there need not speak against it any more."""
    store, old, publisher = await with_a_timer()
    await processor(store, MemoryPublisher()).assigned(frozenset({0}), 2)
    with pytest.raises(FencedError):
        await old.process(Batch(0, 1, tuple(messages_of([(0, 0, 13)])), START, START))
    assert len(publisher.records) == 1, "the purchase's of before"


async def test_a_worker_that_takes_the_same_partition_again_is_fenced_off_from_itself() -> None:
    """A batch that was abandoned at a revoke may go on for a while."""
    _, old, publisher = await with_a_timer()
    first = old._partitions[0]
    await old.assigned(frozenset({0}), 2)
    assert old._partitions[0].epoch == first.epoch + 1
    old._partitions[0] = first
    with pytest.raises(FencedError):
        await old.process(batch_of([], START, DUE))
    assert len(publisher.records) == 1


def _timers(records: Sequence[Record]) -> int:
    return len({r.value for r in records})
