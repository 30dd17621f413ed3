"""The processor in trouble: outages, poison, slow writes, partitions lost on the way."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest
from pymongo.errors import AutoReconnect, OperationFailure

from services.metrics.domain.apply import apply
from services.metrics.domain.cells import add
from services.metrics.domain.places import crossed
from services.metrics.journal import flushing, holding
from services.metrics.journal import partition as partition_module
from services.metrics.journal import processor as processor_module
from services.metrics.journal.processor import CompactProcessor
from services.metrics.journal.writes import Write
from shared.kafka.publisher import Record
from shared.schemas.times import micros
from shared.worker.budget import Budget
from shared.worker.processing import Batch, FencedError

from .memory import MemoryStore
from .rig import FAR, Rig, batch, started
from .story import START, answered, event, purchase, run


async def test_an_outage_is_counted_through_and_then_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "PURCHASE_BYTES", Budget().limit // 8)
    store = MemoryStore()
    rig = await started(store)
    await rig.processor.process(batch([event(purchase("a"))]))
    store.away = True
    rig.time += 1_000.0
    await rig.processor.process(batch([event(purchase("b"))], start=1))
    await rig.flush()
    assert rig.processor.durable() == {("feedback", 0): 1}
    full = asyncio.create_task(
        rig.processor.process(batch([event(purchase(f"x{i}")) for i in range(4)], start=2))
    )
    await asyncio.sleep(0.05)
    assert not full.done(), "memory is bounded: it waits for the store"
    store.away = False
    await asyncio.wait_for(full, 5)
    assert rig.processor.durable() == {("feedback", 0): 6}


async def test_what_moved_a_told_day_is_of_the_write_that_stands() -> None:
    """The store was away when it had moved; when it was back, that was taken back."""
    store = MemoryStore()
    rig = await started(store)
    part = rig.processor._partitions[0]
    cell = (0, crossed("", ""), "promoters")
    store.away, part.moved, part.past.now = True, True, micros(FAR)
    add(part.past.delta, cell, 1)
    await rig.flush()
    store.away = False
    add(part.past.delta, cell, -1)
    await rig.flush()
    assert [name for name, _ in store.put] == []
    assert cell not in store.cells


async def test_a_revoke_during_an_outage_gives_up_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor_module, "REVOKE_SECONDS", 0.05)
    store = MemoryStore()
    rig = await started(store)
    await rig.flush()
    await rig.processor.process(batch([event(purchase("a"))]))
    await rig.processor.process(batch([event(purchase("b"))], start=1))
    store.away = True
    await rig.processor.revoked(frozenset({0}))
    store.away = False
    again = Rig(store)
    assert await again.processor.assigned(frozenset({0}), 2) == {("feedback", 0): 1}


async def test_a_batch_of_a_partition_let_go_has_no_effect() -> None:
    store = MemoryStore()
    rig = await started(store, 0, 1)
    await rig.processor.revoked(frozenset({0}))
    await rig.processor.process(batch([event(purchase("a"))]))
    await rig.flush()
    assert store.cells == {}
    assert rig.processor.durable() == {}


async def test_an_event_the_domain_fails_on_is_a_dead_letter_and_the_rest_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    rig = await started(store)
    bad, good = event(answered("nps", 9), id="bad"), [event(purchase("a")), event(purchase("b"))]

    def fails(tracked, e, now, delta, id):
        ids = apply(tracked, e, now, delta, id)
        if e.id == "bad":
            raise ArithmeticError("no such number")
        return ids

    monkeypatch.setattr(partition_module, "apply", fails)
    log = [good[0], bad, good[1]]
    with pytest.raises(FencedError):
        await rig.processor.process(batch(log))
    (dead_letter,) = rig.published
    assert dead_letter.topic == "feedback.dlq"
    headers = dict(dead_letter.headers)
    assert headers["rapport-origin"] == b"feedback/0/1"
    assert headers["rapport-error-detail"].startswith(b"ArithmeticError at ")
    assert b"no such number" not in headers["rapport-error-detail"]
    assert await rig.processor.assigned(frozenset({0}), 2) == {}
    await rig.processor.process(batch(log))
    await rig.flush()
    assert store.cells == run(good)[1]
    monkeypatch.setattr(partition_module, "apply", apply)
    await rig.processor.process(batch([bad], start=3))
    await rig.flush()
    assert store.cells == run(log)[1], "replayed under its own id, it takes effect"


async def test_letters_are_out_before_the_offset_is_durable() -> None:
    store = MemoryStore()
    rig = await started(store)
    dead_letter = Record("feedback.dlq", b"c1", b"x")
    await rig.processor.process(Batch(0, 2, (), FAR, FAR, {("feedback", 0): 1}, (dead_letter,)))
    assert rig.published == [dead_letter]
    assert rig.processor.durable() == {("feedback", 0): 1}


@pytest.mark.parametrize(("stream", "expected"), [(True, START), (False, None)])
async def test_the_watermark_is_stored_in_stream_mode(stream: bool, expected: datetime | None) -> None:
    store = MemoryStore()
    rig = await started(store, stream=stream)
    await rig.processor.process(batch([event(purchase("a"))], at=START))
    await rig.flush()
    assert store.rows[0].watermark == expected
    clock = Batch(0, 2, (), START, FAR, {("clock", 0): 1})
    await rig.processor.process(clock)
    await rig.flush()
    again = await started(store, stream=stream)
    assert await again.processor.watermark(0) == (FAR if stream else None)


async def test_slow_writes_are_spaced_out() -> None:
    store = MemoryStore()
    rig = await started(store)
    real = store.write

    async def slow(writes):
        rig.time += 2.0
        await real(writes)

    store.write = slow
    await rig.processor.process(batch([event(purchase("a"))]))
    await rig.processor.process(batch([event(purchase("b"))], start=1))
    rig.time += 7.9
    await rig.processor.idle()
    assert store.writes == 1
    rig.time += 0.2
    await rig.processor.idle()
    assert store.writes == 2


async def test_customers_out_of_memory_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    rig = Rig(store)
    rig.processor = CompactProcessor(
        store, rig.publish, stream=False, erased_by=b"key", budget=Budget(2_000), clock=lambda: rig.time
    )
    await rig.processor.assigned(frozenset({0}), 2)
    events = [event(purchase(f"o{i}"), days=i, subject=f"c{i % 7}") for i in range(40)]
    for i, e in enumerate(events):
        await rig.processor.process(batch([e], start=i))
        await rig.flush()
    assert store.cells == run(events)[1]


async def test_a_cancellation_that_the_driver_swallows_still_ends_the_retry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flushing, "MOST_CUSTOMERS", 0)
    store = MemoryStore()
    rig = await started(store)

    async def swallows(writes):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise AutoReconnect("connection closed") from None

    store.write = swallows
    task = asyncio.create_task(rig.processor.process(batch([event(purchase("a"))])))
    await asyncio.sleep(0.01)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=5)
    assert done
    assert task.cancelled()


@pytest.mark.parametrize(("took", "rest"), [(0.1, 1.0), (1.5, 6.0), (60.0, 10.0)])
async def test_after_a_slow_write_the_next_one_waits_but_not_for_an_outage(took: float, rest: float) -> None:
    """A write that hung as long as the store was away must not make the numbers late for longer still."""
    store = MemoryStore()
    rig = await started(store)
    at_once = store.write

    async def slow(writes: Sequence[Write]) -> None:
        rig.time += took
        await at_once(writes)

    store.write = slow
    await rig.processor.process(batch([event(purchase("a"))]))
    assert store.writes == 1
    await rig.processor.process(batch([event(purchase("b"))], start=1))
    rig.time += rest - 0.01
    await rig.processor.idle()
    assert store.writes == 1
    rig.time += 0.01
    await rig.processor.idle()
    assert store.writes == 2


async def test_a_slow_store_is_given_fewer_customers_at_a_time() -> None:
    store = MemoryStore()
    rig = await started(store)
    at_once = store.write

    async def slow(writes: Sequence[Write]) -> None:
        rig.time += 0.01 * sum(len(write.customers) for write in writes)
        await at_once(writes)

    def some(start: int, end: int) -> Batch:
        events = [event(purchase(f"o{n}"), subject=f"c{n}") for n in range(start, end)]
        return batch(events, start=start)

    store.write = slow
    await rig.processor.process(some(0, 600))
    assert store.writes == 1
    await rig.processor.process(some(600, 1100))
    assert store.writes == 1, "it rests"
    await rig.processor.process(some(1100, 1101))
    assert store.writes == 2, "more than 500 would not be written in half the time there is"


async def test_a_commit_that_was_lost_with_the_partitions_is_due_again() -> None:
    """Reading goes on from the store, so nothing else would ever commit them: the lag would seem to stay."""
    store = MemoryStore()
    rig = await started(store, 0, 1)
    await rig.processor.process(batch([event(purchase("a"))]))
    await rig.processor.process(batch([event(purchase("b", 5))], partition=1, start=3))
    await rig.flush()
    assert rig.processor.durable() == {("feedback", 0): 1, ("feedback", 1): 4}  # and the broker refuses it
    assert rig.processor.durable() == {}
    await rig.processor.revoked(frozenset({0, 1}))
    await rig.processor.assigned(frozenset({1}), 2)
    assert rig.processor.durable() == {("feedback", 1): 4}


@pytest.mark.parametrize("fold", [False, True])
async def test_a_flush_whose_acknowledgement_is_lost_counts_once(fold: bool) -> None:
    """The next one finds the partition written: it starts again from what stands."""
    store = MemoryStore()
    rig = await started(store)
    real = store.write

    async def unanswered(writes: Sequence[Write]) -> None:
        store.write = real
        await real(writes)
        raise AutoReconnect("the connection broke after the commit")

    store.write = unanswered
    rig.time += 1_000.0 if fold else 0.0
    log = [event(purchase("a")), event(purchase("b"))]
    await rig.processor.process(batch(log[:1]))
    assert store.folds == int(fold)
    await rig.processor.process(batch(log[1:], start=1))
    with pytest.raises(FencedError):
        await rig.flush()
    assert await rig.processor.assigned(frozenset({0}), 2) == {("feedback", 0): 1}
    await rig.processor.process(batch(log[1:], start=1))
    await rig.flush()
    assert store.cells == run(log)[1]


@pytest.mark.parametrize("code", [8000, 11601, 13, 18, 371, 211])
async def test_what_the_store_says_of_itself_stops_no_worker(code: int) -> None:
    store = MemoryStore()
    rig = await started(store)
    real = store.write

    async def refuses(writes: Sequence[Write]) -> None:
        store.write = real
        raise OperationFailure("not about any document", code)

    store.write = refuses
    await rig.processor.process(batch([event(purchase("a"))]))
    assert rig.processor.durable() == {}
    await rig.flush()
    assert rig.processor.durable() == {("feedback", 0): 1}
