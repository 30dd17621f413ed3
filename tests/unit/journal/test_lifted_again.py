"""Whoever came back and was erased again stays so, though the records of both are read a second time: a
worker dies after its transaction and before its offsets are committed. Found by seeds 382 and 1027."""

import asyncio

import pytest

from shared.journal import eraser
from shared.schemas.customers import CustomerErased, ErasureLifted
from shared.schemas.event import Event
from shared.worker.processing import Message, Origin
from tests.unit.journal.driver import START, batch_of, processor, purchase
from tests.unit.journal.memory import MemoryPublisher, MemoryStore
from tests.unit.journal.test_eraser import WRITER, erase, told


def log_of(customer: str = "c") -> list[Message]:
    """They are told that they may come back, buy, and are erased."""
    events = [
        Event("l", "/admin", customer, START, ErasureLifted()),
        purchase(1, customer, START, 1),
        Event("x", "/admin", customer, START, CustomerErased()),
    ]
    return [Message(0, START, event, Origin("purchases", 0, n)) for n, event in enumerate(events)]


async def begun() -> tuple[MemoryStore, MemoryPublisher]:
    """What a worker leaves that died behind its transaction."""
    store, publisher = MemoryStore(WRITER), MemoryPublisher()
    first = processor(store, publisher, WRITER)
    await first.assigned(frozenset({0}), 1)
    await first.process(batch_of(log_of(), START))
    return store, publisher


def check(store: MemoryStore, publisher: MemoryPublisher) -> None:
    (event,) = told(publisher)
    assert event.data.model_dump()["removed"] == {"letters": 1, "journal": 3}
    assert [*store.gone] == ["c"]
    assert store.stored == {}
    assert store.rows["letters"] == {}


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_a_lift_that_is_read_again_brings_nobody_back(size: int) -> None:
    store, publisher = await begun()
    second = processor(store, publisher, WRITER)
    await second.assigned(frozenset({0}), 1)
    log = log_of()
    for start in range(0, len(log), size):
        await second.process(batch_of(log[start : start + size], START))
    await erase(second, store)
    check(store, publisher)


@pytest.mark.parametrize("handled", [0, 1, 2])
async def test_nor_does_one_that_the_eraser_has_come_before(
    handled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eraser, "ASK_SECONDS", 0.0)
    store, publisher = await begun()
    second = processor(store, publisher, WRITER)
    await second.assigned(frozenset({0}), 1)
    log = log_of()
    if handled:
        await second.process(batch_of(log[:handled], START))
    for _ in range(20):
        await second.idle(None)
        await asyncio.sleep(0)
    await second.process(batch_of(log[handled:], START))
    await erase(second, store)
    check(store, publisher)
