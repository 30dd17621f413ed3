"""Doubt: a store that fails after the write as well as before it, and workers that live on after their
takeover, change nothing of what a run without faults comes to."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.errors import OperationFailure

from shared.journal.processor import JournalProcessor
from shared.kafka.publisher import Record
from shared.worker import retry as retry_module
from shared.worker.processing import FencedError, Message, Origin
from tests.examples import examples
from tests.unit.journal.driver import START, Step, batch_of, messages_of, processor, run
from tests.unit.journal.memory import (
    HANDLER,
    CrashError,
    Fault,
    MemoryPublisher,
    MemoryStore,
    UnansweredError,
)

END = START + timedelta(days=90)
BEFORE, AFTER, LATE = (
    Fault(UnansweredError("nothing was written")),
    Fault(UnansweredError("it was written"), written=True),
    Fault(UnansweredError("it is written later"), late=True),
)
INTERRUPTED = Fault(OperationFailure("interrupted", 11601))
DIES_BEFORE, DIES_AFTER = Fault(CrashError()), Fault(CrashError(), written=True)
DIES_LATE = Fault(CrashError(), late=True)
FAULTS = [None, BEFORE, AFTER, LATE, INTERRUPTED, DIES_BEFORE, DIES_AFTER, DIES_LATE]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_module, "FIRST_SECONDS", 0.0)


def outcome(store: MemoryStore) -> tuple[object, ...]:
    states = {customer: state for customer, (state, _) in store.states.items()}
    unsaid = [uids for uids in store.outboxes.values() if uids]
    return states, set(store.journal), store.rows, store.timers, store.used, store.watermarks, unsaid


def said(publisher: MemoryPublisher) -> set[Record]:
    return set(publisher.records)


async def reference(messages: list[Message]) -> tuple[MemoryStore, MemoryPublisher]:
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    await run(processor(store, publisher), messages, 1, END)
    return store, publisher


@pytest.mark.parametrize("fault", [BEFORE, AFTER, LATE])
async def test_a_timer_that_was_set_anew_outlives_a_lost_acknowledgement(fault: Fault) -> None:
    """Its firing sets it anew. The second try must neither fire it again nor delete the new row."""
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    target = processor(store, publisher)
    await run(target, messages_of([(0, 0, 3)]), 10)
    store.faults = iter([fault])
    due_at = store.timers["c0|t1"].due_at
    await target.process(batch_of([], START, due_at))
    assert store.timers["c0|t1"].due_at == due_at + timedelta(hours=7)
    assert store.states["c0"][0].trail == ("o0", f"t1@{due_at:%d.%H}")
    assert len(said(publisher)) == 2, "the firing's event is out"
    assert store.outboxes == {0: []}


@pytest.mark.parametrize("fault", [BEFORE, AFTER, LATE])
@pytest.mark.parametrize("second", [7, 12])
async def test_a_timer_that_was_cancelled_or_moved_does_not_fire_on_the_second_try(
    fault: Fault, second: int
) -> None:
    log = [(0, 0, 6), (0, 5, second), (0, 2, 1)]
    one, published = await reference(messages_of(log))
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    target = processor(store, publisher)
    messages = messages_of(log)
    await run(target, messages[:1], 10)
    store.faults = iter([fault])
    await target.process(batch_of(messages[1:], START))
    await target.process(batch_of([], messages[-1].at, END))
    assert outcome(store) == outcome(one)
    assert said(publisher) == said(published)


amounts = st.sampled_from([1, 3, 6, 7, 9, 12, 21])
"""Those that set timers, move them, cancel them, and do nothing of it."""


@given(
    log=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12), amounts), max_size=14),
    faults=st.lists(st.sampled_from(FAULTS), max_size=14),
    dies=st.lists(st.sampled_from([None, None, "before", "after"]), max_size=10),
    copies=st.lists(st.integers(0, 13), max_size=4),
    moves=st.lists(st.sampled_from(["go", "go", "takeover"]), max_size=20),
    size=st.integers(1, 6),
)
@settings(deadline=None, max_examples=examples(300))
def test_any_run_comes_to_what_a_run_without_faults_comes_to(
    log: list[Step],
    faults: list[Fault | None],
    dies: list[str | None],
    copies: list[int],
    moves: list[str],
    size: int,
) -> None:
    messages = messages_of(log)
    one, published = asyncio.run(reference(messages))
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    store.faults, publisher.dies = iter(faults), iter(dies)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retry_module, "FIRST_SECONDS", 0.0)
        asyncio.run(Life(store, publisher, told_twice(messages, copies), size).live(iter(moves)))
    assert outcome(store) == outcome(one)
    assert said(publisher) == said(published)


def told_twice(messages: list[Message], copies: list[int]) -> list[Message]:
    """The log with some events again, further on."""
    doubled = list(messages)
    for n, copy in enumerate(copies):
        if copy < len(messages):
            later = min(len(doubled), doubled.index(messages[copy]) + 1 + n)
            at = max(m.at for m in doubled[:later])
            doubled.insert(later, Message(0, at, messages[copy].event, Origin("purchases", 0, 1_000 + n)))
    return doubled


class Life:
    """A partition's workers as their loops would drive them: one dies, the next goes on from what is
    committed; one sleeps through its takeover and wakes."""

    def __init__(self, store: MemoryStore, publisher: MemoryPublisher, log: list[Message], size: int) -> None:
        self.store, self.publisher, self.log, self.size = store, publisher, log, size
        self.committed = 0
        """Of the log; when all of it is, the clock moves on."""

    async def live(self, moves: Iterator[str]) -> None:
        target, asleep = await self.worker(), list[JournalProcessor[Any]]()
        while True:
            if next(moves, "go") == "takeover":
                asleep.append(target)
                target = await self.worker()
            try:
                done = await self.batch(target)
            except (CrashError, FencedError):
                target = await self.worker()
                continue
            for zombie in asleep:
                await self.wakes(zombie)
            if done:
                return
            self.committed = min(self.committed + self.size, len(self.log))

    async def worker(self) -> JournalProcessor[Any]:
        while True:
            target = processor(self.store, self.publisher)
            try:
                await target.assigned(frozenset({0}), 2)
            except CrashError:
                continue
            return target

    async def batch(self, target: JournalProcessor[Any]) -> bool:
        """What comes after what is committed. True for the last batch, of timers alone."""
        before = await self.store.watermark(0) or START
        part = self.log[self.committed : self.committed + self.size]
        await target.process(batch_of(part, before, None if part else END))
        return not part

    async def wakes(self, zombie: JournalProcessor[Any]) -> None:
        """It goes on with what it had not handled when it fell asleep, and with timers due by then."""
        was = outcome(self.store)
        with contextlib.suppress(FencedError, CrashError):
            await self.batch(zombie)
        assert outcome(self.store) == was
