"""A worker as a member of its consumer group: it polls in every state, and lets go of what is taken away."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import TypeVar

import structlog

from shared.kafka.clients import Assigned, BrokerAwayError, ConsumerClient, ConsumerFactory, Lost, Revoked
from shared.runtime import telemetry
from shared.runtime.words import words
from shared.worker.assignment import Assignment
from shared.worker.budget import Budget
from shared.worker.commits import Commits
from shared.worker.lag import Lag
from shared.worker.processing import FencedError, Processor, TopicOffset

log = structlog.get_logger(__name__)
T = TypeVar("T")

REVOKE_SECONDS = 5.0
"""A batch in flight has so long to take effect before it is given up. This, ``CANCEL_SECONDS`` and
``LET_GO_SECONDS`` fit ``RELEASE_SECONDS``, which the group waits."""
CANCEL_SECONDS = 0.3
LET_GO_SECONDS = 1.5
ATTEND_SECONDS = 0.2
"""Between two polls while something is under way."""
RENEW_SECONDS = 1.0
STANDBY_SECONDS = 0.2
POLL_LIMIT = 500
"""Records at a time: about what a round takes of one partition, so that its queue does not fill up."""

BESIDE_LIMIT = 1
"""While something is under way and a round's worth waits: no poll is without any, and pausing costs more."""


class AssignmentPassedError(Exception):
    """The group has taken back what was being worked on: it is to be left as it is."""


class Member:
    """Owns the client, what is assigned now, and the one thing that is under way for it."""

    def __init__(
        self,
        service: str,
        make: ConsumerFactory,
        processor: Processor,
        commits: Commits,
        lag: Lag,
        budget: Budget,
    ) -> None:
        self._service = service
        self._make = make
        self._processor = processor
        self._commits = commits
        self._lag = lag
        self._client: ConsumerClient | None = None
        self._task: asyncio.Task[object] | None = None
        self._late: set[asyncio.Task[object]] = set()
        """Given up and not ended: a cancellation can get lost in a driver's call."""
        self.assignment = Assignment(budget=budget)
        self.progress = monotonic()
        """When it last went round: the worker's liveness."""

    @property
    def client(self) -> ConsumerClient:
        """The one of now: a new one where the one before could go on no more."""
        if self._client is None:
            self._client = self._make()
        return self._client

    def note_progress(self) -> None:
        self.progress = monotonic()

    async def poll(self, seconds: float, limit: int = POLL_LIMIT) -> None:
        """Queue what is new, up to ``limit`` records, or follow a change of the group, within about
        ``seconds``."""
        self.note_progress()
        client, assignment = self.client, self.assignment
        pauses = assignment.pauses
        room = assignment.room()
        if assignment.pauses > pauses:
            telemetry.FETCH_PAUSES.labels(self._service).inc(assignment.pauses - pauses)
        try:
            polled = await client.poll(seconds, limit, room, assignment.most_bytes)
        except BrokerAwayError as error:
            await self._renew(client, error)
            return
        self._commits.look(client)
        match polled:
            case Assigned():
                self.assignment = self.assignment.next(polled)
            case Revoked():
                client.release(polled, await self._let_go(REVOKE_SECONDS, LET_GO_SECONDS))
            case Lost():
                await self._let_go(0.0, LET_GO_SECONDS)
            case _:
                self.assignment.extend(polled)

    async def _renew(self, client: ConsumerClient, error: BrokerAwayError) -> None:
        log.warning("the consumer is made anew", error=words(error))
        telemetry.RETRIES.labels(self._service, "kafka").inc()
        await self._let_go(0.0, LET_GO_SECONDS)
        await client.close(RENEW_SECONDS)
        self._client = None
        await asyncio.sleep(RENEW_SECONDS)

    async def attend(self, work: Callable[[], Awaitable[T]]) -> T:
        """Let this happen, for what is assigned now, and poll meanwhile. Nothing of it is left running
        on return. Raises what it raises, and ``AssignmentPassedError``."""
        assignment = self.assignment
        while self._late:  # of an assignment before, beside which nothing may begin
            await self.poll(ATTEND_SECONDS)
            if self.assignment is not assignment:
                raise AssignmentPassedError
        task: asyncio.Task[T] = asyncio.create_task(_awaited(work))
        self._task = task
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=ATTEND_SECONDS)
                if not task.done():
                    await self.poll(0.0, BESIDE_LIMIT if assignment.enough else POLL_LIMIT)
                if self.assignment is not assignment:
                    raise AssignmentPassedError
            return task.result()
        finally:
            await self._end(task)
            self._task = None

    async def _end(self, task: asyncio.Task[T]) -> None:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_SECONDS)
        if not task.done():
            late: asyncio.Task[object] = task
            self._late.add(late)
            late.add_done_callback(self._ended)
        elif not task.cancelled():
            task.exception()  # looked at, so that it does not complain when it is collected

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()

    async def _let_go(self, batch_seconds: float, seconds: float) -> Mapping[TopicOffset, int]:
        """From now on nothing is assigned. What is under way has ``batch_seconds``, its processor
        ``seconds``. Returns the last offsets to commit."""
        leaving, self.assignment = self.assignment, self.assignment.next()
        self._lag.clear()
        self._commits.forget()
        telemetry.PARTITIONS_HELD.labels(self._service).set(0)
        task = self._task
        if task is not None:
            if leaving.resumed and batch_seconds:
                await asyncio.wait({task}, timeout=batch_seconds)
            if not task.done():
                log.warning("given up as the partitions go", partitions=sorted(leaving.partitions))
                await self._end(task)  # its transaction, if it goes on, is fenced
            elif not task.cancelled() and isinstance(task.exception(), FencedError):
                leaving.close()  # nothing good is left to let go of
        if not leaving.resumed:
            return {}
        try:
            async with asyncio.timeout(seconds):
                await self._processor.revoked(leaving.partitions)
        except (TimeoutError, BrokerAwayError, FencedError) as error:
            log.warning("let go without a last write", error=words(error))
        return self._processor.durable()

    async def leave(self, seconds: float) -> None:
        """Let go and leave the group, with nothing under way; within about twice ``seconds``."""
        offsets = await self._let_go(0.0, seconds / 2)
        if self._client is not None:
            if offsets:
                self._client.commit(offsets)
            await self._client.close(seconds)


async def _awaited(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
