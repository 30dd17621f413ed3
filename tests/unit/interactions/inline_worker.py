"""The in-memory worker on a real store: what is published is handled at once, and the API reads it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import cast

from services.interactions.domain.state import Customer
from services.interactions.worker import handler
from shared.facts.erased import entry_mark
from shared.journal.eraser import Eraser
from shared.journal.partition import PartitionMemory
from shared.journal.plan import Plan, StoredState
from shared.journal.store import WorkerStore
from shared.journal.testing import InMemoryWorker
from shared.kafka.publisher import Publisher, Record
from shared.runtime.mongo import connect
from shared.runtime.settings import Settings
from shared.schemas.codec import decode, open_envelope
from shared.schemas.event import Event
from shared.worker.budget import Budget


class InlineWorker:
    """Stands in for Kafka, in an API that is under test."""

    ready = True

    def __init__(self, settings: Settings, *, wall: bool = False) -> None:
        """``wall``: it lives now, and timers fire when the next record comes; else time stands still."""
        self._settings, self._wall = settings, wall
        self._handler = handler(settings)
        self._plans: list[tuple[Plan[Customer], Mapping[str, StoredState[Customer]]]] = []
        now = datetime.now(UTC) if wall else None
        self._versions: dict[str, int] = {}
        self._memory = InMemoryWorker(
            self._handler, now=now, observe=self._made, secret_key=settings.oldest_key
        )

    async def start(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._client = connect(self._settings)
        self._store = WorkerStore(self._client, self._handler)
        await self._store.prepare()
        self._epoch, self._attempts = await self._store.take_over(0, 1), count(1)

    async def stop(self) -> None:
        await self._client.close()

    async def partitions(self, topic: str) -> int:
        return 1

    async def publish(self, records: Sequence[Record]) -> None:
        for record in records:
            envelope = open_envelope(record.key, record.value, record.headers)
            event = decode(envelope, wall_now=datetime.now(UTC))
            if self._wall:
                await self._fire()
            if self._memory.send(event).status == "repeated":
                self._plans.clear()
            await self._write()

    def remove_erased(self) -> None:
        """What is left of all who were erased goes, as between two batches."""
        asyncio.run_coroutine_threadsafe(self._remove_erased(), self.loop).result()

    async def _remove_erased(self) -> None:
        memory: PartitionMemory[Customer] = PartitionMemory(self._epoch, Budget(), set())
        memory.chores = {chore.hash: chore for chore in await self._store.erasing.chores(0, 1)}
        eraser = Eraser(
            self._handler,
            self._store,
            cast(Publisher, self),
            self._settings.oldest_key,
            stream=False,
            wall_clock=partial(datetime.now, UTC),
            mark_of=partial(entry_mark, self._settings.erased_by),
        )
        await eraser.finish(0, memory)

    async def _fire(self) -> None:
        """What fell due meanwhile."""
        now = datetime.now(UTC)
        while (timer := self._memory.store.next_timer()) is not None and timer.due_at <= now:
            self._memory.advance(timer.due_at)
            await self._write()
        self._memory.advance(now)

    def _made(self, plan: Plan[Customer]) -> None:
        """With the states as they were: what a service tells itself is handled in plans of its own."""
        stored = self._memory.store.stored
        before = {id: StoredState(state, stored[id].version - 1) for id, state in plan.states.items()}
        for id in plan.erased:
            before[id] = StoredState(stored[id].state, self._versions.get(id, 0))
        self._versions |= {id: stored[id].version for id in plan.states}
        self._plans.append((plan, before))

    async def _write(self) -> None:
        while self._plans:
            plan, before = self._plans.pop(0)
            await self._store.write(
                plan,
                before,
                partition=0,
                epoch=self._epoch,
                attempt=next(self._attempts),
                watermark=None,
            )

    @property
    def emitted(self) -> Sequence[Event]:
        """All so far."""
        return self._memory.emitted

    @property
    def rejected(self) -> list[str]:
        """The codes of all dead letters so far."""
        return [dead.code for dead in self._memory.dead_letters]
