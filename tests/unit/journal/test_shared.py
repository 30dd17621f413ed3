"""What customers share, and events rejected later: the same result wherever batches are cut or killed."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from shared.domain import Context, Effects, Handler, Take
from shared.journal import drafting
from shared.journal import processor as journal
from shared.journal.plan import Plan
from shared.kafka.publisher import Record
from shared.schemas.codec import decode, open_envelope
from shared.schemas.event import Event
from shared.worker.processing import Batch, Message
from tests.examples import examples
from tests.unit.journal.driver import START, batch_of, processor, run
from tests.unit.journal.kiosk import GIFTS, KIOSK, Step, log_of
from tests.unit.journal.memory import CrashError, MemoryPublisher, MemoryStore

steps = st.lists(
    st.tuples(
        st.sampled_from(["buy", "buy", "return"]),
        st.integers(0, 2),
        st.integers(0, 3),
        st.integers(0, 12),
        st.integers(1, 9),
    ),
    max_size=40,
)
END = START + timedelta(days=60)


def outcome(store: MemoryStore) -> dict[str, Any]:
    return {
        "states": {customer: state for customer, (state, _) in store.states.items()},
        "journal": {uid: (e.origin, e.retracted) for uid, e in store.journal.items()},
        "rows": store.rows,
        "sums": {k: v for k, c in store.sums.items() if (v := {n: a for n, a in c.items() if a})},
        "used": {name: used for name, used in store.used.items() if used},
        "timers": store.timers,
        "watermarks": store.watermarks,
    }


def dead_letters(records: Iterable[Record]) -> list[dict[str, bytes]]:
    return [dict(r.headers) for r in records if r.topic.endswith(".dlq")]


def said(records: Iterable[Record]) -> list[Any]:
    """All that was published, but for when dead letters were written."""
    found = []
    for record in records:
        headers = dict(record.headers)
        headers.pop("rapport-failed-at", None)
        found.append((record.topic, record.key, record.value, record.partition, sorted(headers.items())))
    return sorted(found, key=repr)


def reference(log: list[Step]) -> tuple[MemoryStore, MemoryPublisher]:
    store, publisher = MemoryStore(KIOSK), MemoryPublisher()
    asyncio.run(run(processor(store, publisher, KIOSK), log_of(log), 1, END))
    return store, publisher


@given(log=steps, size=st.sampled_from([2, 3, 7, 500]), timers_a_step=st.sampled_from([1, 2, 500]))
@settings(deadline=None, max_examples=examples(150))
def test_the_result_does_not_depend_on_the_batch_size(log: list[Step], size: int, timers_a_step: int) -> None:
    one, published = reference(log)
    many, again = MemoryStore(KIOSK), MemoryPublisher()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drafting, "TIMERS_A_STEP", timers_a_step)
        asyncio.run(run(processor(many, again, KIOSK), log_of(log), size, END))
    assert outcome(many) == outcome(one)
    assert said(again.records) == said(published.records)
    assert one.used.get("gifts", 0) <= GIFTS
    with_gift = sum(len(state.gifts) for state, _ in one.states.values())
    assert one.used.get("gifts", 0) == with_gift


# A return that was rejected later is sent again, and is rejected at once: neither dead letter may be lost.
@example([("return", 0, 1, 0, 2), ("buy", 0, 1, 0, 1), ("return", 0, 1, 0, 2)], 500, 1, False)
@given(log=steps, size=st.sampled_from([1, 3, 500]), crash=st.integers(1, 20), after=st.booleans())
@settings(deadline=None, max_examples=examples(150))
def test_a_crash_around_any_publication_changes_nothing(
    log: list[Step], size: int, crash: int, after: bool
) -> None:
    one, published = reference(log)
    store, publisher = MemoryStore(KIOSK), MemoryPublisher()
    publisher.crash_at, publisher.crash_after = crash, after
    messages = log_of(log)
    try:
        asyncio.run(run(processor(store, publisher, KIOSK), messages, size, END))
    except CrashError:
        publisher.crash_at = None
        asyncio.run(run(processor(store, publisher, KIOSK), messages, size, END))
    assert outcome(store) == outcome(one)
    assert {repr(r) for r in said(publisher.records)} == {repr(r) for r in said(published.records)}


# --- shared counters


def sales(customers: Iterable[int], *, start: int = 0) -> list[Message]:
    return log_of([("buy", c, start + n, 0, 2) for n, c in enumerate(customers)])


async def test_counters_are_read_once_a_batch_and_only_by_those_who_ask() -> None:
    store, publisher = MemoryStore(KIOSK), MemoryPublisher()
    target = processor(store, publisher, KIOSK)
    await target.assigned(frozenset({0}), 2)
    await target.process(batch_of(log_of([("return", 0, 1, 1, 1)]), START))
    assert store.counter_reads == []  # nobody asked
    for n in range(3):
        await target.process(batch_of(sales([1], start=n), START))
    assert store.counter_reads == [["gifts"]] * 3  # the first batch was planned twice, no other
    await target.process(batch_of([], START))
    assert len(store.counter_reads) == 3  # an empty batch asks for none
    assert store.used == {"gifts": 3}


async def test_where_another_worker_was_faster_the_batch_is_planned_again() -> None:
    store, publisher = MemoryStore(KIOSK), MemoryPublisher()
    others = iter([1, 1, 1])

    def meddle() -> None:
        store.used["gifts"] = store.used.get("gifts", 0) + next(others, 0)

    store.meddle = meddle
    await run(processor(store, publisher, KIOSK), sales([0, 1, 0]), 500)
    # 3 of 4 went to others meanwhile: one was left for these three.
    assert store.used["gifts"] == GIFTS
    assert sum(row["gift"] for row in store.rows["ledger"].values()) == 1
    assert sum(len(state.gifts) for state, _ in store.states.values()) == 1


@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=6), st.lists(st.integers(1, 4), min_size=2, max_size=6)
)
@settings(deadline=None, max_examples=examples(30))
def test_two_partitions_never_take_more_than_there_is(first: list[int], second: list[int]) -> None:
    store = MemoryStore(KIOSK)

    async def worker(partition: int, sizes: list[int]) -> None:
        target = processor(store, MemoryPublisher(), KIOSK)
        await target.assigned(frozenset({partition}), 2)
        for n, size in enumerate(sizes):
            messages = sales([partition] * size, start=10 * n)
            await target.process(Batch(partition, 2, tuple(messages), START, START))
            assert store.used.get("gifts", 0) <= GIFTS

    async def both() -> None:
        await asyncio.gather(worker(0, first), worker(1, second))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "CONTENDED_SECONDS", 0.0001)
        asyncio.run(both())
    bought = sum(first) + sum(second)
    assert store.used["gifts"] == min(GIFTS, bought)
    assert sum(row["gift"] for row in store.rows["ledger"].values()) == min(GIFTS, bought)


async def test_a_domain_that_takes_more_than_is_left_is_a_bug_not_an_endless_loop() -> None:
    def greedy(state: Any, event: Event, context: Context) -> Effects[Any]:
        return Effects(state, takes=(Take("gifts", GIFTS + 1, GIFTS),))

    handler = Handler(KIOSK.service, KIOSK.consumes, KIOSK.state, KIOSK.initial, greedy)
    store, publisher = MemoryStore(handler), MemoryPublisher()
    await run(processor(store, publisher, handler), sales([0]), 500)
    assert [h["rapport-error"] for h in dead_letters(publisher.records)] == [b"unhandled"]
    assert store.used == {}


async def test_what_is_given_without_a_limit_may_go_above_it() -> None:
    def forced(state: Any, event: Event, context: Context) -> Effects[Any]:
        left = context.used("gifts") < GIFTS
        return Effects(state, takes=(Take("gifts", 1, GIFTS),) if left else (Take("gifts", 3),))

    handler = Handler(KIOSK.service, KIOSK.consumes, KIOSK.state, KIOSK.initial, forced)
    store = MemoryStore(handler)
    await run(processor(store, MemoryPublisher(), handler), sales([0] * 6), 500)
    assert store.used == {"gifts": GIFTS + 6}


# --- events rejected after they were accepted


def bad_return(*, size_of_purchase: int = 2) -> list[Message]:
    """A return of 9 that waits; its purchase, which cost less; the return corrected, under the same id."""
    return log_of(
        [("return", 0, 1, 1, 9), ("buy", 0, 1, 1, size_of_purchase), ("return", 0, 1, 1, size_of_purchase)]
    )


@pytest.mark.parametrize("size", [1, 2, 500])
async def test_an_event_rejected_later_is_a_dead_letter_and_its_id_counts_as_not_seen(size: int) -> None:
    store, publisher = MemoryStore(KIOSK), MemoryPublisher()
    messages = bad_return()
    await run(processor(store, publisher, KIOSK), messages[:2], size)
    (dead_letter,) = [r for r in publisher.records if r.topic == "purchases.dlq"]
    headers = dict(dead_letter.headers)
    assert headers["rapport-dead-letter-id"] == b"kiosk/purchases/0/0"
    assert (headers["rapport-error"], headers["rapport-service"]) == (b"too_much", b"kiosk")
    assert (dead_letter.key, dead_letter.partition) == (b"c0", 0)
    failed_at = datetime.fromisoformat(headers["rapport-failed-at"].decode())
    assert (
        decode(open_envelope(dead_letter.key, dead_letter.value, dead_letter.headers), wall_now=failed_at)
        == messages[0].event
    )
    assert store.journal["/till r1 c0"].retracted
    await run(processor(store, publisher, KIOSK), messages, size)  # redelivered, and then the correction
    assert store.states["c0"][0].returned == ("r1",)
    assert store.journal["/till r1 c0"].origin == messages[2].origin
    assert not store.journal["/till r1 c0"].retracted
    assert {h["rapport-dead-letter-id"] for h in dead_letters(publisher.records)} == {b"kiosk/purchases/0/0"}
    assert store.states["c0"][0].orders == (("o1", 2),)


async def test_the_same_process_forgets_a_rejected_event_too() -> None:
    store, publisher = MemoryStore(KIOSK), MemoryPublisher()
    await run(processor(store, publisher, KIOSK), bad_return(), 1)
    assert store.states["c0"][0].returned == ("r1",)
    assert len(dead_letters(publisher.records)) == 1


@pytest.mark.parametrize("size", [1, 500])
async def test_a_letter_survives_a_crash_between_transaction_and_publication(size: int) -> None:
    store, publisher = MemoryStore(KIOSK), MemoryPublisher()
    messages = bad_return()[:2]
    publisher.crash_at = 2 if size == 1 else 1
    with pytest.raises(CrashError):
        await run(processor(store, publisher, KIOSK), messages, size)
    assert not dead_letters(publisher.records)
    assert store.journal["/till r1 c0"].retracted
    publisher.crash_at = None
    await run(processor(store, publisher, KIOSK), messages, size)
    assert [h["rapport-origin"] for h in dead_letters(publisher.records)] == [b"purchases/0/0"]
    # What the return emitted while it waited came out too.
    assert len([r for r in publisher.records if r.topic == "loyalty"]) >= 2


@pytest.mark.parametrize("size", [1, 500])
async def test_a_letter_that_a_timer_causes_survives_a_crash_too(size: int) -> None:
    store, publisher = MemoryStore(KIOSK), MemoryPublisher()
    messages = bad_return()[:1]
    await run(processor(store, publisher, KIOSK), messages, size)
    publisher.crash_at = 1
    target = processor(store, publisher, KIOSK)
    await target.assigned(frozenset({0}), 2)
    with pytest.raises(CrashError):
        await target.process(batch_of([], messages[0].at, END))
    assert not dead_letters(publisher.records)
    publisher.crash_at = None
    # The purchase comes after all: the return is out, however often it is delivered again.
    await run(
        processor(store, publisher, KIOSK), [*messages, *bad_return(size_of_purchase=9)[1:2]], size, END
    )
    assert [h["rapport-error"] for h in dead_letters(publisher.records)] == [b"no_order"]
    assert store.states["c0"][0].returned == ()
    assert store.states["c0"][0].waiting == ()


async def test_a_letter_is_counted_once_however_often_its_batch_is_planned() -> None:
    def counted() -> float:
        labels = {"service": "kiosk", "reason": "too_much"}
        return REGISTRY.get_sample_value("rapport_dead_letters_total", labels) or 0.0

    before = counted()
    store = MemoryStore(KIOSK)
    others = iter([GIFTS])

    def meddle() -> None:
        store.used["gifts"] = store.used.get("gifts", 0) + next(others, 0)

    store.meddle = meddle
    await run(processor(store, MemoryPublisher(), KIOSK), bad_return()[:2], 500)
    assert counted() == before + 1


async def test_an_observer_sees_each_plan_that_took_effect() -> None:
    seen: list[Plan[Any]] = []
    store, publisher = MemoryStore(KIOSK), MemoryPublisher()
    publisher.crash_at = 1
    messages = sales([0, 0])
    with pytest.raises(CrashError):
        await run(processor(store, publisher, KIOSK, observe=seen.append), messages, 500)
    assert not seen
    publisher.crash_at = None
    await run(processor(store, publisher, KIOSK, observe=seen.append), messages, 500)
    await run(processor(store, publisher, KIOSK, observe=seen.append), sales([0], start=7), 500)
    assert [len(plan.entries) for plan in seen] == [0, 1]
    assert seen[1].increments == {("days", "01"): {"sales": 2, "gifts": 1}}
