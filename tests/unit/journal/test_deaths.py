"""Workers that die one after the other, each before it has said all: what was emitted by an entry of the
journal outlives what comes in that entry's place, and what was judged is judged once."""

import asyncio
import contextlib
from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.worker.processing import Message, Origin
from tests.examples import examples
from tests.unit.journal.driver import START, batch_of, processor, purchase, run
from tests.unit.journal.kiosk import KIOSK, Step, give_back, log_of
from tests.unit.journal.memory import CrashError, MemoryPublisher, MemoryStore
from tests.unit.journal.test_shared import END, dead_letters, outcome, reference, said, steps

HOUR = timedelta(hours=1)
Life = tuple[int, int, bool]
"""Of a worker: how large its batches are, at which publication it dies, and whether that is out by then."""


# A return was accepted, retracted by the next worker, and neither came to publish what it had emitted.
@example([("return", 0, 1, 0, 2), ("buy", 0, 0, 30, 1)], [(1, 1, False), (500, 1, False)])
# The same of a dead letter: refused, then accepted as another record of its id.
@example(
    [("buy", 0, 1, 0, 2), ("return", 0, 1, 0, 9), ("return", 0, 1, 0, 1)], [(2, 1, False), (500, 1, False)]
)
@given(
    log=steps,
    lives=st.lists(
        st.tuples(st.sampled_from([1, 2, 3, 7, 500]), st.integers(1, 4), st.booleans()), max_size=4
    ),
)
@settings(deadline=None, max_examples=examples(150))
def test_workers_that_die_one_after_the_other_change_nothing(log: list[Step], lives: list[Life]) -> None:
    one, published = reference(log)
    store, publisher, messages = MemoryStore(KIOSK), MemoryPublisher(), log_of(log)
    for size, publisher.crash_at, publisher.crash_after in lives:
        with contextlib.suppress(CrashError):
            asyncio.run(run(processor(store, publisher, KIOSK), messages, size, END))
    publisher.crash_at = None
    asyncio.run(run(processor(store, publisher, KIOSK), messages, 500, END))
    assert outcome(store) == outcome(one)
    assert {repr(r) for r in said(publisher.records)} == {repr(r) for r in said(published.records)}


def test_what_was_not_said_is_said_though_a_timer_takes_it_back_before_it_is_read_again() -> None:
    """Under the wall clock timers fire before the first records are there."""
    steps_told: list[Step] = [("return", 0, 1, 0, 2)]
    one, published = reference(steps_told)
    store, publisher, log = MemoryStore(KIOSK), MemoryPublisher(), log_of(steps_told)

    async def lives() -> None:
        publisher.crash_at = 1
        with contextlib.suppress(CrashError):
            await run(processor(store, publisher, KIOSK), log, 500)
        publisher.crash_at = None
        target = processor(store, publisher, KIOSK)
        await target.assigned(frozenset({0}), 2)
        await target.process(batch_of([], START, END))
        await target.process(batch_of(log, END))

    asyncio.run(lives())
    assert outcome(store) == outcome(one)
    assert {repr(r) for r in said(publisher.records)} == {repr(r) for r in said(published.records)}


async def test_what_was_refused_before_another_of_its_id_was_taken_back_is_not_judged_again() -> None:
    """All in one step. The purchase that came at last would have let the old record of the return hold."""
    store, publisher = MemoryStore(KIOSK), MemoryPublisher()
    told = [
        purchase(1, "c0", START + 30 * HOUR, 5),
        give_back("r0", "c0", START + 1 * HOUR, "o0", 2),  # too old to wait
        give_back("r0", "c0", START + 31 * HOUR, "o0", 2),  # waits in vain
        purchase(2, "c0", START + 60 * HOUR, 5),
        purchase(0, "c0", START + 61 * HOUR, 5),
    ]
    log = [
        Message(0, max(e.time, START + 30 * HOUR), e, Origin("purchases", 0, n)) for n, e in enumerate(told)
    ]
    for _ in range(2):
        await run(processor(store, publisher, KIOSK), log, 500)
        assert store.stored["c0"].state.returned == ()
    assert {h["rapport-origin"] for h in dead_letters(publisher.records)} == {
        b"purchases/0/1",
        b"purchases/0/2",
    }
