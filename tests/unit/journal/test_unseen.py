"""An event that has no effect here since another service makes a dead letter of it: its very record read
again is no second judgement, and the event put right under its id has its effect."""

from dataclasses import replace

import pytest

from shared.domain import Context, Effects, Handler, Unseen
from shared.journal.testing import InMemoryWorker
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from shared.worker.processing import Message, Origin
from tests.unit.journal.driver import messages_of, processor, run
from tests.unit.journal.memory import HANDLER, CrashError, MemoryPublisher, MemoryStore, Tally, apply

BAD = 4
"""A purchase of this amount has no effect here until the customer has spent ten."""


def deaf(state: Tally, event: Event, context: Context) -> Effects[Tally]:
    if isinstance(event.data, PurchaseMade) and event.data.total.amount == BAD and state.total < 10:
        return Effects(state, unseen=(Unseen(event, context.origin),))
    return apply(state, event, context)


DEAF: Handler[Tally] = replace(HANDLER, apply=deaf)


class Bench:
    """One store and one broker."""

    def __init__(self) -> None:
        self.store, self.publisher = MemoryStore(DEAF), MemoryPublisher()

    async def process(self, *messages: Message, size: int = 500) -> None:
        """By a new worker, which remembers nothing."""
        await run(processor(self.store, self.publisher, DEAF), messages, size)

    @property
    def total(self) -> int:
        return self.store.stored["c0"].state.total


@pytest.fixture
def bench() -> Bench:
    return Bench()


def under(name: Message, told: Message, offset: int) -> Message:
    """What ``told`` says, under the id of ``name``, in another place."""
    event = replace_id(told.event, name.event.id)
    return Message(0, told.at, event, Origin("purchases", 0, offset), told.raw)


def replace_id(event: Event, id: str) -> Event:
    return Event(id, event.source, event.subject, event.time, event.data)


@pytest.mark.parametrize("size", [1, 2, 500])
async def test_the_event_put_right_has_its_effect_once(bench: Bench, size: int) -> None:
    bad, good = messages_of([(0, 1, BAD), (0, 1, 7)])
    log = [bad, under(bad, good, 1), under(bad, good, 2), under(bad, bad, 3)]
    await bench.process(*log, size=size)
    await bench.process(*log, size=size)
    assert bench.total == 7
    assert not [r for r in bench.publisher.records if r.topic.endswith(".dlq")]


async def test_its_own_record_read_again_is_not_judged_again(bench: Bench) -> None:
    """By then the state speaks for it."""
    bad, enough = messages_of([(0, 1, BAD), (0, 1, 10)])
    await bench.process(bad, enough)
    await bench.process(bad, enough)
    assert bench.total == 10
    await bench.process(under(bad, bad, 9))
    assert bench.total == 14


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("size", [1, 500])
async def test_a_crash_around_the_publication_changes_nothing(bench: Bench, size: int, after: bool) -> None:
    bad, good, more = messages_of([(0, 1, BAD), (0, 1, 7), (0, 1, 20)])
    log = [bad, under(bad, good, 1), under(more, more, 2), under(bad, bad, 3)]
    bench.publisher.crash_at, bench.publisher.crash_after = 1, after
    with pytest.raises(CrashError):
        await bench.process(*log, size=size)
    bench.publisher.crash_at = None
    await bench.process(*log, size=size)
    assert bench.total == 27


def test_it_is_no_dead_letter_in_the_kit_either() -> None:
    worker = InMemoryWorker(DEAF)
    bad, good = messages_of([(0, 1, BAD), (0, 1, 7)])
    assert worker.send(bad.event).status == "applied"
    assert worker.send(replace_id(good.event, bad.event.id)).status == "applied"
    assert worker.send(bad.event).status == "repeated"
    assert (worker.state("c0").total, worker.dead_letters) == (7, [])
