"""The processor's promises: exactly one effect, in order, wherever it is cut, killed or told twice."""

import asyncio
from datetime import timedelta

import pytest
from bson.errors import InvalidDocument
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.errors import DocumentTooLarge

from shared.journal import drafting
from shared.kafka.publisher import Record
from shared.worker.processing import FencedError, Message
from tests.examples import examples
from tests.unit.journal.driver import START, Step, batch_of, messages_of, processor, run
from tests.unit.journal.memory import HANDLER, CrashError, MemoryPublisher, MemoryStore

steps = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(0, 60).filter(lambda n: n not in (13, 14))),
    max_size=40,
)
END = START + timedelta(days=90)


def outcome(store: MemoryStore) -> tuple[object, ...]:
    return (
        {customer: state for customer, (state, _) in store.states.items()},
        set(store.journal),
        store.rows,
        store.timers,
    )


def emitted(publisher: MemoryPublisher) -> set[Record]:
    return set(publisher.records)


def reference(log: list[Step]) -> tuple[MemoryStore, MemoryPublisher]:
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    asyncio.run(run(processor(store, publisher), messages_of(log), 1, END))
    return store, publisher


@given(log=steps, size=st.sampled_from([2, 3, 7, 500]), timers_a_step=st.sampled_from([1, 2, 500]))
@settings(deadline=None, max_examples=examples(80))
def test_the_result_does_not_depend_on_the_batch_size(log: list[Step], size: int, timers_a_step: int) -> None:
    one, published = reference(log)
    many, again = MemoryStore(HANDLER), MemoryPublisher()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drafting, "TIMERS_A_STEP", timers_a_step)
        asyncio.run(run(processor(many, again), messages_of(log), size, END))
    assert outcome(many) == outcome(one)
    assert many.watermarks == one.watermarks
    # The order a customer's events were decided in shows in the trail; here, that each came out once.
    assert sorted(r.value or b"" for r in again.records) == sorted(r.value or b"" for r in published.records)


@given(log=steps, size=st.sampled_from([1, 3, 500]), crash=st.integers(1, 30), after=st.booleans())
@settings(deadline=None, max_examples=examples(80))
def test_a_crash_around_any_publication_loses_and_doubles_nothing(
    log: list[Step], size: int, crash: int, after: bool
) -> None:
    one, published = reference(log)
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    publisher.crash_at, publisher.crash_after = crash, after
    messages = messages_of(log)
    try:
        asyncio.run(run(processor(store, publisher), messages, size, END))
    except CrashError:
        publisher.crash_at = None
        # A new process: the whole log again, nothing was committed.
        asyncio.run(run(processor(store, publisher), messages, size, END))
    assert outcome(store) == outcome(one)
    assert emitted(publisher) == emitted(published)


@given(log=steps, data=st.data())
@settings(deadline=None, max_examples=examples(60))
def test_duplicates_in_any_place_change_nothing(log: list[Step], data: st.DataObject) -> None:
    one, published = reference(log)
    messages = messages_of(log)
    doubled: list[Message] = []
    for message in messages:
        doubled.append(message)
        for copy in data.draw(st.lists(st.sampled_from(doubled), max_size=2)):
            origin = type(copy.origin)("purchases", 0, 10_000 + len(doubled))
            doubled.append(Message(0, message.at, copy.event, origin, copy.raw))
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    half = len(doubled) // 2
    asyncio.run(run(processor(store, publisher), doubled[:half], 4))
    asyncio.run(run(processor(store, publisher), doubled[half:], 4, END))  # another process: cold memory
    assert outcome(store) == outcome(one)
    assert emitted(publisher) == emitted(published)


async def test_a_store_that_is_away_is_waited_for() -> None:
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    store.away, publisher.away = 2, 2
    await run(processor(store, publisher), messages_of([(0, 1, 5)]), 10)
    assert store.states["c0"][0].total == 5
    assert len(publisher.records) == 1


async def test_what_the_domain_refuses_is_a_dead_letter_and_stops_nothing() -> None:
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    await run(processor(store, publisher), messages_of([(0, 1, 5), (0, 1, 13), (0, 1, 14), (0, 1, 6)]), 10)
    dead_letters = [dict(r.headers) for r in publisher.records if r.topic == "purchases.dlq"]
    assert [h["rapport-error"] for h in dead_letters] == [b"unlucky", b"unhandled"]
    assert [h["rapport-origin"] for h in dead_letters] == [b"purchases/0/1", b"purchases/0/2"]
    assert store.states["c0"][0].total == 11
    assert store.journal["/till e1 c0"].retracted  # a corrected event under the same id takes effect


@pytest.mark.parametrize("bad", range(7))
async def test_what_the_store_cannot_take_is_set_aside_alone(bad: int) -> None:
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    store.poison = {f"/till e{bad} c{bad % 2}": InvalidDocument("the store cannot take this")}
    await run(processor(store, publisher), messages_of([(n % 2, n % 3, 1) for n in range(7)]), 10)
    dead_letters = [dict(r.headers) for r in publisher.records if r.topic == "purchases.dlq"]
    assert [h["rapport-error"] for h in dead_letters] == [b"store"]
    assert sum(state.total for state, _ in store.states.values()) == 6


async def test_a_timer_that_cannot_be_stored_is_set_aside_too() -> None:
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    target = processor(store, publisher)
    await run(target, messages_of([(0, 0, 3)]), 10)
    (timer,) = store.timers.values()
    store.poison = {target._planner.fire(timer).event.uid: DocumentTooLarge("16 MB")}
    await target.process(batch_of([], START, END))
    assert not store.timers
    assert [r.topic for r in publisher.records if r.topic.endswith(".dlq")] == ["commands.dlq"]


async def test_a_worker_that_lost_its_partition_is_fenced() -> None:
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    old, new = processor(store, publisher), processor(store, publisher)
    messages = messages_of([(0, 1, 5), (0, 1, 6), (0, 1, 7)])
    await run(old, messages[:1], 10)
    await new.assigned(frozenset({0}), 2)
    await new.process(batch_of(messages[1:2], START))
    with pytest.raises(FencedError):
        await old.process(batch_of(messages[2:], START))
    assert store.states["c0"][0].total == 11


async def test_the_offsets_of_a_batch_are_durable_only_after_it() -> None:
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    target = processor(store, publisher)
    await target.assigned(frozenset({0}), 2)
    publisher.crash_at = 1
    with pytest.raises(CrashError):
        await target.process(batch_of(messages_of([(0, 1, 5)]), START))
    assert target.durable() == {}
    publisher.crash_at = None
    await target.process(batch_of(messages_of([(0, 1, 5)]), START))
    assert target.durable() == {("purchases", 0): 1}
    assert target.durable() == {}
