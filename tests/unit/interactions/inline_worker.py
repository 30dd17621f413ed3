"""The worker's own plan and transaction, without Kafka: what is published is handled at once."""

from collections.abc import Sequence
from datetime import UTC, datetime

from services.interactions.worker import handler
from shared.http.app import connect
from shared.journal.planner import Planner
from shared.journal.store import WorkerStore
from shared.kafka.publisher import Record
from shared.runtime.settings import Settings
from shared.schemas.codec import decode, open_envelope
from shared.worker.processing import Origin, Work


class InlineWorker:
    """Stands in for Kafka: what is published is handled at once, as the worker handles it."""

    ready = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._handler = handler(settings)
        self._planner = Planner(self._handler, b"secret", stream=False)
        self._offset = 0
        self.emitted: list[Record] = []
        self.rejected: list[str] = []

    async def start(self) -> None:
        self._client = connect(self._settings)
        self._store = WorkerStore(self._client, self._handler)
        await self._store.prepare()

    async def stop(self) -> None:
        await self._client.close()

    async def partitions(self, topic: str) -> int:
        return 1

    async def publish(self, records: Sequence[Record]) -> None:
        for record in records:
            self._offset += 1
            event = decode(
                open_envelope(record.key, record.value, record.headers), wall_now=datetime.now(UTC)
            )
            assert isinstance(event.data, self._handler.consumes)
            if await self._store.journalled([event.uid]):
                continue
            work = Work(0, event.time, event, Origin(record.topic, 0, self._offset))
            held = await self._store.load([event.subject])
            plan = self._planner.plan([work], [], held, now=event.time, horizon=event.time)
            self.rejected += [rejected.code for rejected in plan.rejected]
            await self._store.write(plan, held, partition=0, watermark=None)
            self.emitted += [r for entry in plan.entries for r in entry.emitted]
