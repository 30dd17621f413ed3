"""A fact that takes itself back, and others of its id beside it in a step: each place in the log is judged
once, and every dead letter is published, whatever becomes of the others and wherever the worker dies."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest

from shared.domain import Context, Effects, RefusedError, Retract
from shared.journal.testing import InMemoryWorker
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from shared.worker.processing import Message
from tests.unit.journal.driver import START, batch_of, messages_of, processor
from tests.unit.journal.memory import HANDLER, CrashError, MemoryPublisher, MemoryStore, Tally, apply
from tests.unit.journal.test_refusals import at

WAYS = ("refused", "back", "accepted")
CASES = [(first, then) for first, then in product(WAYS, WAYS) if first != "accepted"]
ASKED = 4
"""A purchase of this amount is told again and again; what becomes of it is what the test says."""


class Domain:
    """Judges the purchase by how much was spent before: ten for each time that it was told."""

    def __init__(self, ways: Sequence[str]) -> None:
        self._ways = ways

    def apply(self, state: Tally, event: Event, context: Context) -> Effects[Tally]:
        if not isinstance(event.data, PurchaseMade) or event.data.total.amount != ASKED:
            return apply(state, event, context)
        way = self._ways[state.total // 10]
        if way == "refused":
            raise RefusedError("poor", "more must be spent first")
        if way == "back":
            changed = state.model_copy(update={"trail": (*state.trail, context.origin)})
            return Effects(changed, retracts=(Retract(event, context.origin, "early", "it came too early"),))
        return apply(state, event, context)


def log_of(ways: Sequence[str]) -> list[Message]:
    """The purchase, ten spent, the purchase again, and so on."""
    asked, *spent = messages_of([(0, 0, ASKED), *((0, 0, 10) for _ in ways[1:])])
    log = [asked]
    for message in spent:
        log += [at(message, len(log)), at(asked, len(log) + 1)]
    return log


def put_aside(ways: Sequence[str]) -> list[bytes]:
    return [f"purchases/0/{2 * n}".encode() for n, way in enumerate(ways) if way != "accepted"]


@pytest.mark.parametrize("size", [1, 2, 3, 500])
@pytest.mark.parametrize("after", [None, True, False])
@pytest.mark.parametrize("ways", [*CASES, ("back", "refused", "back", "accepted")])
async def test_each_has_its_dead_letter_though_the_worker_dies(
    ways: Sequence[str], after: bool | None, size: int
) -> None:
    handler = replace(HANDLER, apply=Domain(ways).apply)
    store, publisher, log = MemoryStore(handler), MemoryPublisher(), log_of(ways)

    async def process() -> None:
        target = processor(store, publisher, handler)
        await target.assigned(frozenset({0}), 1)
        for first in range(0, len(log), size):
            await target.process(batch_of(log[first : first + size], START))

    if after is not None:
        publisher.crash_at, publisher.crash_after = 1, after
        with pytest.raises(CrashError):
            await process()
        publisher.crash_at = None
    await process()
    await process()
    dead = {record for record in publisher.records if record.topic.endswith(".dlq")}
    assert sorted(dict(record.headers)["rapport-origin"] for record in dead) == put_aside(ways)
    assert store.stored["c0"].state.total == 10 * (len(ways) - 1) + (ASKED if "accepted" in ways else 0)


@pytest.mark.parametrize("ways", CASES)
def test_the_test_kit_tells_each(ways: Sequence[str]) -> None:
    worker = InMemoryWorker(replace(HANDLER, apply=Domain(ways).apply), clock="stream")
    log = log_of(ways)
    worker.send_batch([m.event for m in log], origins=[m.origin for m in log])
    told = sorted(letter.origin.offset for letter in worker.dead_letters)
    assert [f"purchases/0/{offset}".encode() for offset in told] == put_aside(ways)
