"""A command that meets a bug of ours: its caller is told, its record is kept, a replay takes effect."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain import Context, Effects, Handler, Outcome
from shared.journal.documents import journalled, writes_of
from shared.journal.testing import InMemoryWorker
from shared.kafka.publisher import Record
from shared.schemas.codec import encode
from shared.schemas.commands.loyalty import AdjustmentRequested
from shared.schemas.event import Event
from shared.worker.processing import Message, Origin
from tests.unit.journal.driver import START, batch_of, processor
from tests.unit.journal.memory import CrashError, MemoryPublisher, MemoryStore, Tally

API, OTHERS = "/api/tally/anna/adjust", "/rapport/shop"


class Domain:
    """Fails until it is mended."""

    mended = False

    def apply(self, state: Tally, event: Event, context: Context) -> Effects[Tally]:
        assert isinstance(event.data, AdjustmentRequested)
        if not self.mended:
            raise ZeroDivisionError("of a secret")
        changed = state.model_copy(update={"total": state.total + event.data.points})
        return Effects(changed, outcome=Outcome(201, {"total": changed.total}))


@pytest.fixture
def domain() -> Domain:
    return Domain()


@pytest.fixture
def handler(domain: Domain) -> Handler[Tally]:
    return Handler("tally", (AdjustmentRequested,), Tally, lambda c: Tally(customer=c), domain.apply)


def command(source: str, offset: int) -> Message:
    event = Event("k-1", source, "c0", START, AdjustmentRequested(points=5, reason="r"))
    value, headers = encode(event)
    raw = Record("commands", b"c0", value, tuple(headers))
    return Message(0, START, event, Origin("commands", 0, offset), raw)


async def handle(target: Any, message: Message) -> None:
    await target.process(batch_of([message], START))


def dead(publisher: MemoryPublisher) -> list[Record]:
    return [record for record in publisher.records if record.topic == "commands.dlq"]


async def test_the_caller_is_told_and_the_record_is_kept_as_it_came(handler: Handler[Tally]) -> None:
    store, publisher = MemoryStore(handler), MemoryPublisher()
    target = processor(store, publisher, handler)
    await target.assigned(frozenset({0}), 2)
    await handle(target, command(API, 7))
    outcome = store.outcomes[f"{API} k-1"]
    assert (outcome.status, outcome.body["code"]) == (500, "internal")
    assert "secret" not in str(outcome.body)
    (record,) = dead(publisher)
    raw = command(API, 7).raw
    assert raw is not None
    assert (record.key, record.value) == (raw.key, raw.value)
    headers = dict(record.headers)
    assert headers["rapport-error"] == b"unhandled"
    assert headers["rapport-error-detail"].startswith(
        b"ZeroDivisionError at tests/unit/journal/test_bugs.py:"
    )
    assert headers["rapport-origin"] == b"commands/0/7"


@pytest.mark.parametrize("after", [True, False])
async def test_a_crash_loses_neither(handler: Handler[Tally], after: bool) -> None:
    store, publisher = MemoryStore(handler), MemoryPublisher()
    publisher.crash_at, publisher.crash_after = 1, after
    target = processor(store, publisher, handler)
    await target.assigned(frozenset({0}), 2)
    with pytest.raises(CrashError):
        await handle(target, command(API, 7))
    publisher.crash_at = None
    successor = processor(store, publisher, handler)
    await successor.assigned(frozenset({0}), 2)
    await handle(successor, command(API, 7))
    assert len({(r.value, r.headers) for r in dead(publisher)}) == 1
    assert store.outcomes[f"{API} k-1"].status == 500


@pytest.mark.parametrize("cold", [True, False])
async def test_a_replay_takes_effect_once_it_is_mended(
    handler: Handler[Tally], domain: Domain, cold: bool
) -> None:
    store, publisher = MemoryStore(handler), MemoryPublisher()
    target = processor(store, publisher, handler)
    await target.assigned(frozenset({0}), 2)
    await handle(target, command(API, 7))
    domain.mended = True
    if cold:
        target = processor(store, publisher, handler)
        await target.assigned(frozenset({0}), 2)
    await handle(target, command(API, 7))  # the same record redelivered is handled
    assert store.outcomes[f"{API} k-1"].status == 500
    for offset in (9, 9, 10):  # the replay, again, and a second one
        await handle(target, command(API, offset))
    assert store.outcomes[f"{API} k-1"] == Outcome(201, {"total": 5})
    assert store.states["c0"][0].total == 5


async def test_what_nobody_waits_for_is_a_dead_letter_alone(handler: Handler[Tally], domain: Domain) -> None:
    store, publisher = MemoryStore(handler), MemoryPublisher()
    target = processor(store, publisher, handler)
    await target.assigned(frozenset({0}), 2)
    await handle(target, command(OTHERS, 7))
    assert (len(dead(publisher)), store.outcomes) == (1, {})
    domain.mended = True
    await handle(target, command(OTHERS, 8))
    assert store.states["c0"][0].total == 5


def test_the_store_and_the_kit_tell_the_same(handler: Handler[Tally]) -> None:
    plans: list[Any] = []
    worker = InMemoryWorker(replace(handler), strict=False, observe=plans.append)
    handled = worker.send(command(API, 0).event)
    assert handled.refusal is not None
    assert (handled.status, handled.refusal.status, handled.refusal.code) == ("refused", 500, "internal")
    assert [letter.code for letter in worker.dead_letters] == ["unhandled"]
    (document,) = writes_of(plans[0], {}, partition=0, attempt=1, watermark=None).journal
    entry = journalled(document)
    assert document["outcome"]["status"] == 500
    assert entry.covers(entry.origin)
    assert not entry.covers(Origin("commands", 0, entry.origin.offset + 1))
    with pytest.raises(ZeroDivisionError):
        InMemoryWorker(handler).send(command(API, 0).event)
