"""Faults that a review found (issue 9), each as a run of the real processor and store: regressions.

What went wrong is named in each test; without its mending the test fails.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain import Append, Context, Effects, Handler
from shared.journal.processor import JournalProcessor
from shared.journal.store import WorkerStore
from shared.kafka.publisher import Record
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from shared.worker.processing import FencedError, Message
from tests.simulation.client import SimClient
from tests.simulation.scheduler import Node, VirtualLoop
from tests.simulation.store import CallFault, Store
from tests.unit.journal.driver import START, batch_of, messages_of
from tests.unit.journal.kiosk import KIOSK, log_of
from tests.unit.journal.memory import HANDLER, CrashError, Tally, apply

HOUR = timedelta(hours=1)
HUGE = 55
"""A purchase of this amount makes a row that no BSON can hold: a poison event for the store."""


def poisonous(state: Tally, event: Event, context: Context) -> Effects[Tally]:
    effects = apply(state, event, context)
    if isinstance(event.data, PurchaseMade) and event.data.total.amount == HUGE:
        return replace(effects, rows=(Append("ledger", {"_id": context.new_id("row"), "amount": 2**70}),))
    return effects


TALLY: Handler[Tally] = replace(HANDLER, apply=poisonous)


class Outbound:
    """Keeps what is published; ``dead``: the process ends instead."""

    def __init__(self, records: list[Record]) -> None:
        self.records = records
        self.dead = False

    async def publish(self, records: Sequence[Record]) -> None:
        if self.dead and records:
            raise CrashError
        self.records += records


class Bench:
    """One partition, one store, and as many workers as a test wants."""

    def __init__(self) -> None:
        self.loop = VirtualLoop(1)
        self.store = Store(self.loop)
        self.published: list[Record] = []
        self.offset = 0

    def worker(self, name: str, handler: Handler[Any] = TALLY) -> "Worker":
        return Worker(self, name, handler)

    def run(self, work: Any) -> Any:
        try:
            return self.loop.run_until_complete(work)
        finally:
            self.store.closed = True
            self.loop.bury()

    def state(self, customer: str) -> Tally:
        (document,) = self.store.server.find(("rapport_tally", "state"), {"_id": customer})
        return Tally.model_validate_json(document["data"])

    @property
    def dead_letters(self) -> list[Record]:
        return [r for r in self.published if r.topic.endswith(".dlq")]


class Worker:
    def __init__(self, bench: Bench, name: str, handler: Handler[Any]) -> None:
        self.node = Node(name, bench.loop)
        self.outbound = Outbound(bench.published)
        self._before = START
        store: WorkerStore[Any] = WorkerStore(SimClient(bench.store, self.node), handler)  # type: ignore[arg-type]
        self.processor = JournalProcessor(
            handler,
            store,
            self.outbound,
            secret_key=b"k" * 16,
            stream=True,  # type: ignore[arg-type]
        )

    async def takes_over(self) -> None:
        await self.processor.assigned(frozenset({0}), 2)

    async def process(self, messages: Sequence[Message], until: datetime | None = None) -> None:
        await self.processor.process(batch_of(messages, self._before, until))
        self._before = max([self._before, *(m.at for m in messages), until or self._before])


def trail(*steps: str) -> tuple[str, ...]:
    return steps


def test_1_a_lost_acknowledgement_loses_no_timer_that_its_firing_set_anew() -> None:
    bench = Bench()

    async def main() -> None:
        worker = bench.worker("a")
        await worker.takes_over()
        await worker.process(messages_of([(0, 0, 9)]))  # t1 at 9:00, and once more seven hours later
        bench.store.on["commit"] = CallFault("lose_reply")
        await worker.process([], START + 10 * HOUR)
        assert "commit" not in bench.store.on
        await worker.process([], START + 24 * HOUR)

    bench.run(main())
    assert bench.state("c0").trail == trail("o0", "t1@01.09", "t1@01.16")


def test_1_a_lost_acknowledgement_fires_no_timer_that_the_batch_has_moved() -> None:
    bench = Bench()

    async def main() -> None:
        worker = bench.worker("a")
        await worker.takes_over()
        first, second = messages_of([(0, 0, 6), (0, 5, 12)])  # t0 at 6:00 is moved to 17:00 at 5:00
        await worker.process([first])
        bench.store.on["commit"] = CallFault("lose_reply")
        await worker.process([second], START + 8 * HOUR)
        await worker.process([], START + 24 * HOUR)

    bench.run(main())
    assert bench.state("c0").trail == trail("o0", "o1", "t0@01.17")


def test_2_the_second_half_has_the_timers_that_the_first_half_left() -> None:
    bench = Bench()

    async def main() -> None:
        worker = bench.worker("a")
        await worker.takes_over()
        first, *rest = messages_of([(0, 0, 6), (0, 1, 12), (1, 1, 1), (1, 20, HUGE)])
        await worker.process([first])  # t0 at 6:00
        await worker.process(rest)  # it is moved to 13:00 at 1:00; at 22:00 comes the poison
        await worker.process([], START + 30 * HOUR)

    bench.run(main())
    assert bench.state("c0").trail == trail("o0", "o1", "t0@01.13")
    assert len(bench.dead_letters) == 1


@pytest.mark.parametrize("code", [8000, 11601, 13, 18, 371])
@pytest.mark.parametrize("where", ["bulk journal", "bulk state", "commit"])
def test_5_no_error_of_the_store_but_a_documents_own_is_poison(code: int, where: str) -> None:
    bench = Bench()

    async def main() -> None:
        worker = bench.worker("a")
        await worker.takes_over()
        bench.store.on[where] = CallFault("error", code)
        await worker.process(messages_of([(0, 0, 1)]))

    bench.run(main())
    assert bench.dead_letters == []
    assert bench.state("c0").trail == trail("o0")


def test_6_what_a_worker_committed_after_its_takeover_is_published_or_not_written() -> None:
    bench = Bench()

    async def main() -> None:
        old, new, third = bench.worker("old"), bench.worker("new"), bench.worker("third")
        await old.takes_over()
        await old.process(messages_of([(0, 0, 9)]))
        await new.takes_over()
        old.outbound.dead = True
        with pytest.raises((CrashError, FencedError)):
            await old.process([], START + 10 * HOUR)  # it does not know; it dies before it publishes
        await new.process([], START + 12 * HOUR)
        await new.process([], START + 20 * HOUR)
        await third.takes_over()

    bench.run(main())
    assert bench.state("c0").trail == trail("o0", "t1@01.09", "t1@01.16")
    assert len({r.value for r in bench.published}) == 3


def test_7_a_worker_that_lost_its_partition_writes_nothing_not_even_timers() -> None:
    bench = Bench()

    async def main() -> None:
        old, new = bench.worker("old"), bench.worker("new")
        await old.takes_over()
        await old.process(messages_of([(0, 0, 9)]))
        await new.takes_over()
        with pytest.raises(FencedError):
            await old.process([], START + 10 * HOUR)

    bench.run(main())


def test_7_a_session_announced_during_a_takeover_holds_up_no_successor() -> None:
    bench = Bench()

    async def main() -> None:
        old, new, third = bench.worker("old"), bench.worker("new"), bench.worker("third")
        await old.takes_over()
        bench.store.on["delete writers"] = CallFault("hang", seconds=2.0)
        taking = bench.loop.create_task(new.takes_over())
        await asyncio.sleep(0.5)
        # It announces its session now, writes, and dies before its commit.
        bench.store.before["commit"] = old.node.kill
        old.node.spawn(old.process(messages_of([(0, 0, 1)])))
        await asyncio.sleep(0.5)
        await taking
        began = bench.loop.time()
        await third.takes_over()
        await third.process(messages_of([(0, 0, 1)]))
        assert bench.loop.time() - began < 5.0

    bench.run(main())


def test_a_refused_facts_dead_letter_outlives_a_crash_where_its_correction_is_in_the_same_step() -> None:
    """Found by a seed whose worker slept between its transaction and its publish."""
    bench = Bench()
    messages = log_of([("buy", 0, 0, 1, 5), ("return", 0, 0, 1, 9), ("return", 0, 0, 1, 2)])

    async def main() -> None:
        old, new = bench.worker("old", KIOSK), bench.worker("new", KIOSK)
        await old.takes_over()
        old.outbound.dead = True
        with pytest.raises(CrashError):
            await old.process(messages)
        await new.takes_over()
        await new.process(messages)

    bench.run(main())
    assert [dict(r.headers)["rapport-error"] for r in bench.dead_letters] == [b"too_much"]
