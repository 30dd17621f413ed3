"""Many subjects asked at once, by the API itself and for nobody: one command each, and one look at the
journal for all of their outcomes."""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from shared.http.clock import ApiClock
from shared.http.commands import TOPIC, Sender
from shared.http.polling import polled
from shared.kafka.publisher import Record
from shared.runtime.telemetry import COMMANDS
from shared.runtime.tracing import current_traceparent
from shared.schemas.base import Data
from shared.schemas.codec import encode
from shared.schemas.event import Event


class Rounds:
    """Asks the workers of one service; ``timeout`` in seconds."""

    def __init__(
        self,
        service: str,
        database: AsyncDatabase[dict[str, Any]],
        sender: Sender,
        clock: ApiClock,
        *,
        timeout: float,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._service = service
        self._journal = database["journal"]
        self._sender = sender
        self._clock = clock
        self._timeout = timeout
        self._new_id = new_id

    async def ask(self, route: str, asked: Sequence[tuple[str, Data]]) -> dict[str, Mapping[str, Any]]:
        """Ask each of these subjects, each named once; ``route`` is a stable name. The bodies of the outcomes
        that were there in time, by subject; of a refusal there is none. What is asked must be harmless when
        it is asked again. Raises ``BrokerAwayError`` where not all were sent."""
        source, time = f"/api/{self._service}/rounds/{route}", await self._clock.now()
        events = [
            Event(self._new_id(), source, subject, time, data, current_traceparent())
            for subject, data in asked
        ]
        records = []
        for event in events:
            value, headers = encode(event)
            records.append(Record(TOPIC, event.subject.encode(), value, tuple(headers)))
        await self._sender.publish(records)
        outcomes = await self._outcomes({event.uid: event.subject for event in events})
        COMMANDS.labels(self._service, route, "answered").inc(len(outcomes))
        COMMANDS.labels(self._service, route, "pending").inc(len(events) - len(outcomes))
        return {
            key: outcome.get("body") or {}
            for key, outcome in outcomes.items()
            if int(outcome.get("status", 200)) < 400
        }

    async def _outcomes(self, subjects: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
        """By subject, of those that the journal has in time."""
        left = dict(subjects)
        found: dict[str, Mapping[str, Any]] = {}

        async def look() -> bool | None:
            for entry in await self._entries([*left]):
                found[left.pop(entry["_id"])] = entry.get("outcome") or {}
            return None if left else True

        if left:
            await polled(look, asyncio.get_running_loop().time() + self._timeout)
        return found

    async def _entries(self, uids: Sequence[str]) -> list[dict[str, Any]]:
        query = {"_id": uids[0] if len(uids) == 1 else {"$in": list(uids)}}
        return await self._journal.find(query, batch_size=len(uids) + 1).to_list()
