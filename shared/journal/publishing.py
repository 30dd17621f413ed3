"""What a step says to the world: its events, its dead letters, and what a worker before left unsaid."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Generic

from shared.domain import S
from shared.journal.plan import Plan
from shared.journal.refusals import Rejected, dead_letter
from shared.journal.step import Step
from shared.journal.store import WorkerStore
from shared.kafka.publisher import Publisher
from shared.runtime import telemetry
from shared.worker import faults
from shared.worker.retry import retry


class StepPublisher(Generic[S]):
    """Publishes for one service. Kafka and the store are waited for while they are in trouble."""

    def __init__(self, service: str, store: WorkerStore[S], publisher: Publisher) -> None:
        self._service = service
        self._store = store
        self._publisher = publisher

    async def publish(self, step: Step[S], plan: Plan[S]) -> None:
        """What the plan emitted, dead letters for what it rejected, and what redelivered events of it
        emitted their first time. Then what it put into the outbox goes. Raises ``FencedError``."""
        records = [r for e in plan.entries for r in e.emitted]
        rejected = [*plan.rejected]
        again = [(m, entry) for m in plan.repeated if (entry := step.redelivered(m)) is not None]
        for message, entry in again:
            records += entry.emitted
            if entry.refusal is not None:
                rejected.append(Rejected(message, entry.refusal))
        if rejected or again:  # entries may have dead letters too, and what those emitted before them
            records = [*dict.fromkeys([*records, *(dead_letter(self._service, r) for r in rejected)])]
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
