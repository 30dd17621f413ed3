"""What the journal's worker keeps in memory: within one budget, and what does not fit is read again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Context, Effects
from shared.journal.partition import BYTES_A_CHARACTER, STATE_BYTES
from shared.schemas.event import Event
from shared.worker.budget import RECENT, STATES, Budget
from shared.worker.processing import Message, Origin
from tests.unit.journal.driver import START, batch_of, messages_of, processor, run
from tests.unit.journal.memory import HANDLER, MemoryPublisher, MemoryStore, Tally

LARGE = "x" * 100_000


def swells(state: Tally, event: Event, context: Context) -> Effects[Tally]:
    """Each event makes a state larger by 100,000 characters."""
    return Effects(state.model_copy(update={"total": state.total + 1, "trail": (*state.trail, LARGE)}))


SWELLING = replace(HANDLER, apply=swells)


def elsewhere(messages: list[Message], partition: int) -> list[Message]:
    return [
        Message(partition, m.at, m.event, Origin("purchases", partition, m.origin.offset), m.raw)
        for m in messages
    ]


steps = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9), st.integers(1, 50)), max_size=25)


@given(steps, st.integers(1, 9), st.sampled_from([1, 1_000, 4 * STATE_BYTES, 100_000]))
async def test_with_however_little_memory_the_result_is_the_same(
    log: list[tuple[int, int, int]], size: int, limit: int
) -> None:
    stores = []
    for budget in (Budget(), Budget(limit)):
        store = MemoryStore(HANDLER)
        await run(processor(store, MemoryPublisher(), budget=budget), messages_of(log), size)
        assert budget.used <= budget.limit
        assert budget.used == sum(budget.kinds.values())
        stores.append(store)
    first, second = ({s: state for s, (state, _) in store.states.items()} for store in stores)
    assert first == second
    assert stores[0].rows == stores[1].rows
    assert stores[0].timers == stores[1].timers


async def test_warm_states_are_those_used_last_of_all_partitions() -> None:
    store, budget = MemoryStore(HANDLER), Budget(6 * (STATE_BYTES + 500))
    target = processor(store, MemoryPublisher(), budget=budget)
    await target.assigned(frozenset({0, 1}), 1)
    for message in messages_of([(n, 1, 1) for n in range(5)]):
        await target.process(batch_of([message], START))
    for message in elsewhere(messages_of([(n, 1, 1) for n in range(10, 13)]), 1):
        await target.process(replace(batch_of([message], START), partition=1))
    warm = [[*target._partitions[p].warm._entries] for p in (0, 1)]
    assert warm[1] == ["c10", "c11", "c12"]
    assert warm[0] == ["c2", "c3", "c4"]


def renamed(event: Event, id: str) -> Event:
    data = event.data.model_copy(update={"order_id": id})
    return Event(id, event.source, event.subject, event.time, data)


async def test_a_revoke_gives_back_all_and_a_batch_that_goes_on_keeps_nothing() -> None:
    budget = Budget()
    target = processor(MemoryStore(HANDLER), MemoryPublisher(), budget=budget)
    await run(target, messages_of([(n, 1, 1) for n in range(9)]), 4)
    assert budget.kinds[STATES] > 0 < budget.kinds[RECENT]
    memory = target._partitions[0]
    await target.revoked(frozenset({0}))
    assert budget.used == 0
    memory.keep(await target._store.load(["c1"], 1_000))
    memory.recent.add(["e1"])
    assert budget.used == 0


async def test_a_takeover_gives_back_what_was_held_before() -> None:
    budget = Budget()
    target = processor(MemoryStore(HANDLER), MemoryPublisher(), budget=budget)
    await run(target, messages_of([(1, 1, 1)]), 4)
    await target.assigned(frozenset({0, 1}), 1)
    assert budget.used == 0


@pytest.mark.parametrize("limit", [1, 2_000_000, 40_000_000])
async def test_states_too_large_together_are_handled_in_smaller_steps(limit: int) -> None:
    """Ten customers of 300,000 characters each: one at a time, if it must be."""
    customers = 10
    log = messages_of([(n % customers, 1, 1) for n in range(3 * customers)])
    store, budget = MemoryStore(SWELLING), Budget(limit)
    target: Any = processor(store, MemoryPublisher(), SWELLING, budget=budget)
    await run(target, log, customers)
    await target.assigned(frozenset({0}), 1)  # nothing is warm
    store.loads.clear()
    last = [
        Message(0, m.at + timedelta(days=9), renamed(m.event, f"last{n}"), Origin("purchases", 0, 99 + n))
        for n, m in enumerate(log[:customers])
    ]
    await target.process(batch_of(last, START + timedelta(days=9)))
    assert [state.total for state, _ in store.states.values()] == [4] * customers
    assert budget.used <= budget.limit
    together = [sum(sizes.values()) for sizes in store.loads if len(sizes) > 1]
    assert max(together, default=0) <= budget.step_limit // (BYTES_A_CHARACTER + 2)
    assert bool(together) is (limit == 40_000_000)
