"""What a step says to the world: its events, its dead letters, and what a worker before left unsaid."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import Generic

import structlog

from shared.domain import S
from shared.journal.plan import Plan, Rejected
from shared.journal.step import Step
from shared.journal.store import WorkerStore
from shared.kafka.publisher import Publisher, Record
from shared.runtime import telemetry
from shared.worker import faults
from shared.worker.dead_letters import dead_letter, written_anew
from shared.worker.processing import Message
from shared.worker.retry import retry

log = structlog.get_logger(__name__)


class StepPublisher(Generic[S]):
    """Publishes for one service. Kafka and the store are waited for while they are in trouble."""

    def __init__(
        self, service: str, store: WorkerStore[S], publisher: Publisher, wall_clock: Callable[[], datetime]
    ) -> None:
        self._service = service
        self._store = store
        self._publisher = publisher
        self._wall_clock = wall_clock

    async def publish(self, step: Step[S], plan: Plan[S]) -> None:
        """What the plan emitted, dead letters for what it rejected, and what redelivered events of it
        emitted their first time. Then what it put into the outbox goes. Raises ``FencedError``."""
        records = [r for e in plan.entries for r in e.emitted]
        records += [self._dead_letter(r) for r in plan.rejected]
        for message in plan.repeated:
            entry = step.redelivered(message)
            if entry is not None:
                records += entry.emitted
        started = perf_counter()
        await retry(self._service, "kafka", lambda: self._publisher.publish(records))
        if plan.outbox:
            await self._clear(step.batch.partition, step.memory.epoch, plan.outbox)
        telemetry.BATCH_SECONDS.labels(self._service, "publish").observe(perf_counter() - started)
        faults.point("after_publish")

    async def empty_outbox(self, partition: int, epoch: int) -> None:
        """Publish what a worker before may have left of its fired timers. Raises ``FencedError``."""
        outbox = await retry(self._service, "mongo", lambda: self._store.outbox(partition))
        if not outbox:
            return
        records = [record for emitted in outbox.values() for record in emitted]
        await retry(self._service, "kafka", lambda: self._publisher.publish(records))
        await self._clear(partition, epoch, list(outbox))

    async def _clear(self, partition: int, epoch: int, uids: Sequence[str]) -> None:
        clear = partial(self._store.clear_outbox, partition, epoch, uids)
        await retry(self._service, "mongo", clear)

    async def set_aside(self, step: Step[S], message: Message, error: Exception) -> None:
        """Dead-letter what the store refuses for good; a timer's row goes. Raises ``FencedError``."""
        log.error("event cannot be stored", event_id=message.event.uid, error=str(error)[:500])
        dead_letter = self._dead_letter(Rejected(message, "store", f"{type(error).__name__}: {error}"[:500]))
        await retry(self._service, "kafka", lambda: self._publisher.publish([dead_letter]))
        if not step.messages:
            drop = partial(self._store.drop_timer, step.batch.partition, step.memory.epoch, step.due[0])
            await retry(self._service, "mongo", drop)

    def _dead_letter(self, rejected: Rejected) -> Record:
        """A dead letter for an event that only this service cannot apply."""
        message = rejected.message
        log.warning("dead letter", event_id=message.event.uid, code=rejected.code, detail=rejected.detail)
        original, origin = message.raw, message.origin
        if original is None:
            origin, original = written_anew(message.event, origin)
        return dead_letter(
            self._service,
            origin,
            original,
            code=rejected.code,
            detail=rejected.detail,
            failed_at=self._wall_clock(),
        )
