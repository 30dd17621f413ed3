"""An event that became a dead letter: its very record read again is the same refusal, whatever the state has
come to by then; another record under its id is judged anew."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bson.errors import InvalidDocument

from shared.domain import Context, Effects, Handler, RefusedError
from shared.journal.documents import journalled, writes_of
from shared.journal.testing import InMemoryWorker
from shared.kafka.publisher import Record
from shared.schemas.commands.loyalty import AdjustmentRequested
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from shared.worker.processing import Message, Origin
from tests.unit.journal.driver import START, batch_of, messages_of, processor
from tests.unit.journal.memory import HANDLER, CrashError, MemoryPublisher, MemoryStore, Tally, apply
from tests.unit.journal.test_bugs import API, OTHERS, command

POOR = 4
"""A purchase of this amount is refused until the customer has spent ten."""
TOO_LARGE = InvalidDocument("the store cannot take this")


def picky(state: Tally, event: Event, context: Context) -> Effects[Tally]:
    if isinstance(event.data, AdjustmentRequested):
        return Effects(state.model_copy(update={"total": state.total + event.data.points}))
    if isinstance(event.data, PurchaseMade) and event.data.total.amount == POOR and state.total < 10:
        raise RefusedError("poor", "ten must be spent first")
    return apply(state, event, context)


PICKY: Handler[Tally] = replace(HANDLER, consumes=(PurchaseMade, AdjustmentRequested), apply=picky)


class Bench:
    """One store, one broker, and workers that come and go."""

    def __init__(self) -> None:
        self.store, self.publisher = MemoryStore(PICKY), MemoryPublisher()

    async def worker(self) -> Any:
        target = processor(self.store, self.publisher, PICKY)
        await target.assigned(frozenset({0}), 1)
        return target

    async def process(self, *messages: Message, size: int = 500) -> None:
        """By a new worker, which remembers nothing."""
        target = await self.worker()
        for first in range(0, len(messages), size):
            await target.process(batch_of(messages[first : first + size], START))

    @property
    def dead(self) -> set[Record]:
        return {r for r in self.publisher.records if r.topic.endswith(".dlq")}

    @property
    def total(self) -> int:
        return self.store.stored["c0"].state.total


@pytest.fixture
def bench() -> Bench:
    return Bench()


def at(message: Message, offset: int) -> Message:
    """The same event told again."""
    return Message(0, message.at, message.event, Origin("purchases", 0, offset), message.raw)


@pytest.mark.parametrize("after", [True, False])
async def test_a_refusal_stands_however_the_state_has_moved(bench: Bench, after: bool) -> None:
    """The worker dies around the publication; by then the next event has made the refused one possible."""
    log = messages_of([(0, 1, POOR), (0, 1, 10)])
    bench.publisher.crash_at, bench.publisher.crash_after = 1, after
    with pytest.raises(CrashError):
        await bench.process(*log)
    bench.publisher.crash_at = None
    await bench.process(*log)
    await bench.process(*log)
    assert bench.total == 10
    (letter,) = bench.dead
    assert dict(letter.headers)["rapport-origin"] == b"purchases/0/0"


@pytest.mark.parametrize("cold", [True, False])
async def test_another_record_under_its_id_is_judged_anew(bench: Bench, cold: bool) -> None:
    log = messages_of([(0, 1, POOR), (0, 1, 10)])
    target = await bench.worker()
    for message in (*log, log[0], at(log[0], 7), at(log[0], 7), at(log[0], 8)):
        await target.process(batch_of([message], START))
        target = await bench.worker() if cold else target
    assert bench.total == 14
    assert len(bench.dead) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 500])
@pytest.mark.parametrize("again", [(0, 0, 7, 7), (7, 8), (0, 7, 0, 8)])
async def test_where_it_is_cut_changes_nothing(bench: Bench, size: int, again: tuple[int, ...]) -> None:
    """Refused twice, then accepted; each place in the log is judged once, in its order."""
    poor, enough = messages_of([(0, 1, POOR), (0, 1, 10)])
    log = [poor, at(poor, 1), at(enough, 2), *(at(poor, offset) for offset in again)]
    await bench.process(*log, size=size)
    await bench.process(*log, size=size)
    assert bench.total == 14
    origins = sorted(dict(r.headers)["rapport-origin"] for r in bench.dead)
    assert origins == [b"purchases/0/0", b"purchases/0/1"]


@pytest.mark.parametrize("after", [True, False])
async def test_a_dead_letter_whose_id_was_accepted_in_the_same_step_is_published(
    bench: Bench, after: bool
) -> None:
    poor, enough = messages_of([(0, 1, POOR), (0, 1, 10)])
    log = (poor, at(enough, 1), at(poor, 2))
    bench.publisher.crash_at, bench.publisher.crash_after = 1, after
    with pytest.raises(CrashError):
        await bench.process(*log)
    bench.publisher.crash_at = None
    await bench.process(*log)
    assert bench.total == 14
    assert [dict(r.headers)["rapport-origin"] for r in bench.dead] == [b"purchases/0/0"]


async def test_a_firing_that_is_refused_is_a_dead_letter_even_if_the_worker_dies_before_it_says_so(
    bench: Bench,
) -> None:
    def bug(state: Tally, event: Event, context: Context) -> Effects[Tally]:
        if not isinstance(event.data, PurchaseMade):
            raise ZeroDivisionError
        return picky(state, event, context)

    await bench.process(*messages_of([(0, 0, 3)]))
    broken = processor(bench.store, bench.publisher, replace(PICKY, apply=bug))
    await broken.assigned(frozenset({0}), 1)
    bench.publisher.crash_at = 1
    with pytest.raises(CrashError):
        await broken.process(batch_of([], START, START + timedelta(hours=3)))
    bench.publisher.crash_at = None
    assert not bench.store.timers
    await bench.worker()
    assert [dict(r.headers)["rapport-error"] for r in bench.dead] == [b"unhandled"]


# What the store cannot keep


async def test_the_caller_of_a_command_that_cannot_be_stored_is_told(bench: Bench) -> None:
    bench.store.indigestible = {f"{API} k-1": TOO_LARGE}
    await bench.process(command(API, 7))
    outcome = bench.store.outcomes[f"{API} k-1"]
    assert (outcome.status, outcome.body["code"]) == (500, "unstorable")
    bench.store.indigestible = {}
    await bench.process(command(API, 7))  # its record read again
    assert bench.store.outcomes[f"{API} k-1"].status == 500
    assert [dict(r.headers)["rapport-error"] for r in bench.dead] == [b"store"]
    await bench.process(command(API, 9))  # a replay
    assert bench.store.outcomes[f"{API} k-1"].status == 200
    assert bench.total == 5


@pytest.mark.parametrize("source", [API, OTHERS])
async def test_it_is_told_once_though_the_worker_dies(bench: Bench, source: str) -> None:
    bench.store.indigestible = {f"{source} k-1": TOO_LARGE}
    bench.publisher.crash_at = 1
    with pytest.raises(CrashError):
        await bench.process(command(source, 7))
    bench.publisher.crash_at = None
    bench.store.indigestible = {}
    await bench.process(command(source, 7))
    assert bench.store.stored["c0"].state.total == 0
    assert len(bench.dead) == 1


async def test_what_cannot_be_kept_even_as_refused_is_a_dead_letter_all_the_same(bench: Bench) -> None:
    bench.store.poison = {f"{API} k-1": TOO_LARGE}
    later = replace_offset(command(API, 8), "k-2")
    await bench.process(command(API, 7), later)
    assert [dict(r.headers)["rapport-error"] for r in bench.dead] == [b"store"]
    assert list(bench.store.journal) == [f"{API} k-2"]
    assert bench.total == 5


def replace_offset(message: Message, id: str) -> Message:
    event = message.event
    renamed = Event(id, event.source, event.subject, event.time, event.data)
    return Message(0, message.at, renamed, message.origin, message.raw)


async def test_a_firing_that_cannot_be_stored_goes_with_its_row(bench: Bench) -> None:
    await bench.process(*messages_of([(0, 0, 3)]))
    (timer,) = bench.store.timers.values()
    target = await bench.worker()
    uid = target._planner.fire(timer).event.uid
    bench.store.indigestible = {uid: TOO_LARGE}
    bench.publisher.crash_at = 1
    with pytest.raises(CrashError):
        await target.process(batch_of([], START, START + timedelta(hours=3)))
    bench.publisher.crash_at = None
    await bench.worker()
    assert not bench.store.timers
    assert [dict(r.headers)["rapport-error"] for r in bench.dead] == [b"store"]


def test_the_journal_gives_a_refusal_back_as_it_was() -> None:
    plans: list[Any] = []
    worker = InMemoryWorker(PICKY, observe=plans.append)
    handled = worker.send(messages_of([(0, 1, POOR)])[0].event)
    assert handled.refusal is not None
    assert (handled.status, handled.refusal.code) == ("refused", "poor")
    (document,) = writes_of(plans[0], {}, partition=0, attempt=1, watermark=None).journal
    (entry,) = plans[0].entries
    back = journalled(document)
    assert (back.refusal, back.until, back.emitted) == (entry.refusal, entry.until, ())
    assert entry.refusal.failed_at.microsecond % 1000 == 0
