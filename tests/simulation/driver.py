"""A small record loop on the clients' protocols: it drives a real processor as the worker does.

It stands for ``shared/worker/loop.py`` at the seam of ``Processor``: one task that takes over or works,
looked at between polls. Merge, intake and batching are the real ones.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Any

from shared.kafka.clients import Assigned, BrokerAwayError, ConsumerClient, Lost, Revoked
from shared.worker.assignment import LONG_AGO, Assignment
from shared.worker.batching import Batching
from shared.worker.intake import Intake
from shared.worker.processing import FencedError, Processor

REVOKE_SECONDS = 5.0


class Driver:
    """Runs until it is cancelled, or raises what would end the process."""

    def __init__(
        self,
        consumer: ConsumerClient,
        processor: Processor,
        intake: Intake,
        topics: tuple[str, ...],
        *,
        stream: bool,
        batch_size: int,
        wall_clock: Callable[[], datetime],
    ) -> None:
        self._consumer = consumer
        self._processor = processor
        self._intake = intake
        self._topics = topics
        self._stream = stream
        self._batching = Batching(intake.service, stream=stream, limit=batch_size, wall_clock=wall_clock)
        self._assignment = Assignment()
        self._taken: Assigned | None = None
        self._task: asyncio.Task[None] | None = None
        self._idle_at = 0.0
        self._wait = 0.01
        self.stopping = False

    async def run(self) -> None:
        while not self.stopping:
            await self._round()
        await self._end(REVOKE_SECONDS)
        await self._let_go()
        self._consumer.commit(self._processor.durable())
        await self._consumer.close(2.0)

    async def _round(self) -> None:
        room = [
            (topic, p)
            for p, queues in self._assignment.queues.items()
            for topic, queue in queues.items()
            if len(queue) < 2000
        ]
        self._wait = min(self._wait * 2, 0.5) if self._task is not None else 0.01
        seconds = self._wait if self._task is not None else 0.0 if self._assignment.waiting else 1.0
        match await self._consumer.poll(seconds, 500, room):
            case Assigned() as taken:
                await self._end(0.0)
                self._taken = taken
                self._forget(frozenset(p for _, p in taken.held))
                if taken.held:
                    self._begin(self._take_over(taken, self._assignment))
            case Revoked() as revoked:
                await self._end(REVOKE_SECONDS)
                await self._let_go()
                self._consumer.release(revoked, self._processor.durable())
                self._forget(frozenset())
            case Lost():
                await self._end(0.0)
                await self._let_go()
                self._processor.durable()
                self._forget(frozenset())
            case records:
                for record in records:
                    self._assignment.queues[record.partition][record.topic].extend([record])
        if self._task is not None and self._task.done():
            self._settle()
        now = asyncio.get_running_loop().time()
        if (
            self._task is None
            and self._assignment.resumed
            and (self._assignment.waiting or now >= self._idle_at)
        ):
            self._idle_at = now + 1.0
            self._begin(self._work(self._assignment))

    def _forget(self, partitions: frozenset[int]) -> None:
        self._assignment = self._assignment.next(partitions)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.create_task(work)

    async def _end(self, seconds: float) -> None:
        """Let what is under way end, or give it up."""
        task, self._task = self._task, None
        if task is None:
            return
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            task.cancel()
            await asyncio.wait({task}, timeout=1.0)
        if task.done() and not task.cancelled():
            task.exception()

    async def _let_go(self) -> None:
        if self._assignment.resumed:
            try:
                await asyncio.wait_for(self._processor.revoked(self._assignment.partitions), REVOKE_SECONDS)
            except (TimeoutError, FencedError):
                return

    def _settle(self) -> None:
        """What is under way has ended. Raises what ends the process."""
        task, self._task = self._task, None
        assert task is not None
        try:
            task.result()
        except FencedError:
            self._assignment.close()
            if self._taken is not None:
                self._begin(self._take_over(self._taken, self._assignment, 0.2))

    async def _take_over(self, taken: Assigned, assignment: Assignment, seconds: float = 0.0) -> None:
        await asyncio.sleep(seconds)
        while True:
            try:
                assignment.count = await self._consumer.partitions(self._topics[0])
                break
            except BrokerAwayError:
                await asyncio.sleep(0.5)
        stored = await self._processor.assigned(assignment.partitions)
        for partition in assignment.partitions:
            assignment.watermarks[partition] = await self._processor.watermark(partition) or LONG_AGO
        while True:
            try:
                if await self._consumer.start(taken, dict(stored)):
                    read = partial(self._intake.read, partitions=assignment.count)
                    assignment.open(list(self._topics), read)  # type: ignore[arg-type]
                return
            except BrokerAwayError:
                await asyncio.sleep(0.5)

    async def _work(self, assignment: Assignment) -> None:
        unread: dict[int, frozenset[str]] = {}
        if self._stream and assignment.waiting:
            asked = [
                (t, p) for p, topics in assignment.queues.items() if any(topics.values()) for t in topics
            ]
            try:
                found = await self._consumer.unread(asked)
            except BrokerAwayError:
                return
            for topic, partition in found:
                unread[partition] = unread.get(partition, frozenset()) | {topic}
        for batch in self._batching.take(assignment, unread):
            await self._processor.process(batch)
        await self._processor.idle()
        self._consumer.commit(self._processor.durable())
