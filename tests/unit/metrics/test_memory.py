"""What metrics' worker keeps of customers: within the budget, and what does not fit is read again."""

import asyncio
import tracemalloc
from collections.abc import Sequence

import pytest

from services.metrics.domain import state
from services.metrics.domain.orders import NO_RETURNS, NONE_WAITING
from services.metrics.domain.state import Talk
from services.metrics.journal import processor as processor_module
from services.metrics.journal.holding import (
    CUSTOMER_BYTES,
    CUSTOMERS,
    EVENT_BYTES,
    PURCHASE_BYTES,
    UNWRITTEN,
    read_record,
)
from services.metrics.journal.processor import CompactProcessor
from shared.schemas.event import Event
from shared.schemas.times import micros
from shared.worker.budget import Budget

from .memory import MemoryStore
from .rig import Rig, batch
from .story import START, event, opened, purchase, returned, run


def rig_with(budget: Budget, store: MemoryStore) -> Rig:
    rig = Rig(store)
    rig.processor = CompactProcessor(
        store, rig.publish, stream=False, erased_by=b"key", clock=lambda: rig.time, budget=budget
    )
    return rig


def some(count: int, customers: int) -> list[Event]:
    return [event(purchase(f"o{n}"), days=n, subject=f"c{n % customers}") for n in range(count)]


@pytest.mark.parametrize("limit", [1, 2_000, 5_000, 1_000_000])
async def test_with_however_little_memory_the_counts_are_the_same(limit: int) -> None:
    store, budget, events = MemoryStore(), Budget(limit), some(60, 9)
    rig = rig_with(budget, store)
    await rig.processor.assigned(frozenset({0}), 1)
    for start in range(0, len(events), 7):
        await rig.processor.process(batch(events[start : start + 7], start=start))
        rig.time += 0.3
    await rig.flush()
    assert store.cells == run(events)[1]
    assert budget.used <= budget.limit
    assert budget.used == sum(budget.kinds.values())
    assert budget.kinds[UNWRITTEN] == 0


async def test_what_is_not_written_is_held_and_what_is_written_may_go() -> None:
    store, budget = MemoryStore(), Budget()
    rig = rig_with(budget, store)
    await rig.processor.assigned(frozenset({0}), 1)
    rig.time = 0.5
    await rig.processor.process(batch(some(4, 4)))  # written at once, as the first
    written = sum(read_record(id, record)[1] for id, record in store.records.items())
    assert (budget.kinds[UNWRITTEN], budget.kinds[CUSTOMERS]) == (0, written)
    await rig.processor.process(batch(some(6, 6)[4:], start=4))
    assert budget.kinds[UNWRITTEN] == 2 * (CUSTOMER_BYTES + PURCHASE_BYTES)
    budget.take("others", budget.limit)
    assert budget.kinds[CUSTOMERS] == 0
    assert budget.kinds[UNWRITTEN] == 2 * (CUSTOMER_BYTES + PURCHASE_BYTES)
    await rig.processor.revoked(frozenset({0}))
    assert budget.kinds[UNWRITTEN] == 0
    assert len(store.records) == 6


@pytest.mark.parametrize(
    ("orders", "others", "name"), [(5, 0, "o-{:09d}"), (40, 0, "o-{:09d}"), (200, 40, "{}"), (0, 40, "")]
)
def test_a_customer_takes_what_is_counted(orders: int, others: int, name: str) -> None:
    """Most of it is orders, which have most in common; complaints and talks are counted beside them."""
    told = [event(purchase(name.format(n), 1_000 + n), days=n) for n in range(orders)]
    told += [event(opened(f"complaint-{n}"), days=n) for n in range(others)]
    record = run(told)[0]["c1"].data
    said = [(micros(START) + n, n % 2) for n in range(4)]
    record.talks = {f"talk-{n}": Talk(micros(START), "email", micros(START), said) for n in range(others)}
    stored = state.encode(record)
    tracemalloc.start()
    held = [read_record("c1", stored) for _ in range(50)]
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert 0.6 < taken / sum(size for _, size in held) < 1.1


async def test_of_other_events_than_purchases_twice_as_much_is_counted() -> None:
    """A complaint's steps and their cells take more than one more order does."""
    store, budget = MemoryStore(), Budget()
    rig = rig_with(budget, store)
    await rig.processor.assigned(frozenset({0}), 1)
    rig.time = 0.5
    await rig.processor.process(batch([event(purchase("o"))]))  # written at once, as the first
    await rig.processor.process(batch([event(opened(), subject="c2")], start=1))
    assert budget.kinds[UNWRITTEN] == CUSTOMER_BYTES + EVENT_BYTES > CUSTOMER_BYTES + PURCHASE_BYTES


def test_what_orders_share_is_never_changed() -> None:
    customers, _ = run([event(returned("a", 30)), event(purchase("a")), event(returned("a", 20, name="r2"))])
    order = customers["c1"].data.orders["a"]
    assert (order.left, [*order.returns]) == (50, ["r-a", "r2"])
    assert (NO_RETURNS, NONE_WAITING) == ({}, [])


async def test_too_much_that_is_not_written_is_written_at_once() -> None:
    """Counted in bytes too, as a few customers may be large."""
    store, budget = MemoryStore(), Budget(8 * 10 * (CUSTOMER_BYTES + PURCHASE_BYTES) // 3)
    rig = rig_with(budget, store)
    await rig.processor.assigned(frozenset({0}), 1)
    await rig.processor.process(batch(some(1, 1)))
    writes, events = store.writes, some(40, 40)
    for n in range(1, 40):
        await rig.processor.process(batch([events[n]], start=n))
    assert store.writes - writes == 39 // 11
    assert budget.used <= budget.limit


async def test_a_batch_that_outlives_a_revoke_has_what_it_works_on_and_holds_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else it would take its own events for poison, and dead-letter them."""
    monkeypatch.setattr(processor_module, "REVOKE_SECONDS", 0.01)
    store, budget = MemoryStore(), Budget()
    rig = rig_with(budget, store)
    await rig.processor.assigned(frozenset({0}), 1)
    await rig.processor.process(batch(some(3, 3)))
    await rig.processor.process(batch([event(purchase("o9"), subject="c1")], start=3))
    answer, at_once = asyncio.Event(), store.customers

    async def slow(ids: Sequence[str]) -> dict[str, bytes]:
        await answer.wait()
        return await at_once(ids)

    monkeypatch.setattr(store, "customers", slow)
    late = [event(purchase(f"late{n}"), subject=f"c{n}") for n in range(6)]
    under_way = asyncio.create_task(rig.processor.process(batch(late, start=4)))
    await asyncio.sleep(0)
    await rig.processor.revoked(frozenset({0}))
    assert budget.used == 0
    answer.set()
    await under_way
    assert rig.published == []
    assert budget.used == 0
