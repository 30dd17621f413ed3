"""What is ready to be sent by one channel to the customers that this worker serves, in turn.

A look reads the names of all that is ready, not the texts; texts are read a few at a time, when it is nearly
their turn. A look costs with all that waits, so it is made when nothing is left, and else seldom enough to
take a small part of the time: what came meanwhile has its turn after it.
"""

import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

from services.followup.domain.rules.rule import REPLY
from services.followup.sending.turns import Line, Turns, Urgency

Row = dict[str, Any]

MOST_LINES = 100_000
"""Names that are kept in memory, some 300 bytes each; what waits longest comes first."""
SHARE_OF_TIME = 10
"""Between two looks, while there is something left, so many times the seconds that one took."""
LEAST_SECONDS = 0.2
NAMES = {"customer": True, "rule": True, "priority": True, "purpose": True, "class": True}


class Ready:
    """Of one channel."""

    def __init__(
        self,
        rows: AsyncCollection[Row],
        channel: str,
        *,
        owns: Callable[[str], bool],
        held: Collection[str],
        clock: Callable[[], datetime],
    ) -> None:
        """``held``: the ids of what was taken from here and is not done with."""
        self._rows = rows
        self._channel = channel
        self._owns = owns
        self._held = held
        self._clock = clock
        self._turns = Turns()
        self._next_look = 0.0

    @property
    def worth_a_look(self) -> bool:
        """Whether there may be more than is known, and finding out is not too much."""
        return not self._turns or time.monotonic() >= self._next_look

    async def take(self, most: int) -> list[Row]:
        """The rows whose turn it is, as they are now; one that is not ready any more is left out. Empty when
        nothing is ready."""
        if self.worth_a_look:
            await self._look()
        found: list[Row] = []
        while not found and self._turns:
            ids = self._turns.take(most)
            rows = await self._rows.find({"_id": {"$in": ids}, "status": "ready"}).to_list()
            by_id = {row["_id"]: row for row in rows}
            found = [by_id[id] for id in ids if id in by_id]
        return found

    async def _look(self) -> None:
        began = time.monotonic()
        query = {"status": "ready", "channel": self._channel, "not_before": {"$lte": self._clock()}}
        lines: list[Line] = []
        async with self._rows.find(query, NAMES).sort("not_before", 1).batch_size(MOST_LINES) as cursor:
            async for row in cursor:
                customer = row.get("customer")
                if row["_id"] in self._held or (isinstance(customer, str) and not self._owns(customer)):
                    continue
                lines.append(_line(row))
                if len(lines) == MOST_LINES:
                    break
        self._turns.fill(lines)
        took = time.monotonic() - began
        self._next_look = began + took + max(SHARE_OF_TIME * took, LEAST_SECONDS)


def _line(row: Mapping[str, Any]) -> Line:
    """From a document that may be anything."""
    rule, priority = str(row.get("rule")), row.get("priority")
    urgency = Urgency(
        reply=rule == REPLY,
        priority=priority if isinstance(priority, int) else 0,
        asked_for=row.get("class", row.get("purpose")) != "marketing",
    )
    return Line(row["_id"], rule, urgency)
