"""What is ready to be sent by one channel to the customers that this worker serves, in turn.

A look reads the names of all that is ready, not the texts; texts are read a few at a time, when it is nearly
their turn. A look costs with all that waits, so it is made when nothing is left, and else seldom enough to
take a small part of the time. Between two of them short looks read what has become ready meanwhile; where
times are not those of the clock there are none.
"""

import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

from services.followup.domain.rules.rule import REPLY
from services.followup.sending.turns import Line, Turns, Urgency

Row = dict[str, Any]

MOST_LINES = 100_000
"""Names that are kept in memory, some 300 bytes each; what waits longest comes first."""
MOST_BEHIND = 1_000
"""Names at a time of rules that have none among those."""
SHARE_OF_TIME, SHARE_OF_SHORT = 50, 10
"""Between two looks of a kind, while there is something left, so many times the seconds that one took."""
LEAST_SECONDS = 0.2
LATE = timedelta(seconds=5)
"""What is ready from a time on may be in the store so much later."""
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
        short: bool = True,
    ) -> None:
        """``held``: the ids of what was taken from here and is not done with. ``short``: rows are ready by
        this clock, so that short looks find them."""
        self._rows = rows
        self._channel = channel
        self._owns = owns
        self._held = held
        self._clock = clock
        self._short = short
        self._turns = Turns()
        self._next_look = self._next_short = 0.0
        self._looked_at: datetime | None = None

    async def take(self, most: int) -> list[Row]:
        """The rows whose turn it is, as they are now; one that is not ready any more is left out. Empty when
        nothing is ready."""
        began = time.monotonic()
        if not self._turns or began >= self._next_look:
            self._turns.fill(await self._look(None))
            self._next_look = self._next(began, SHARE_OF_TIME if self._short else SHARE_OF_SHORT)
        elif self._short and began >= self._next_short and self._looked_at is not None:
            self._turns.add(await self._look(self._looked_at - LATE))
            self._next_short = self._next(began, SHARE_OF_SHORT)
        found: list[Row] = []
        while not found and self._turns:
            ids = self._turns.take(most)
            rows = await self._rows.find({"_id": {"$in": ids}, "status": "ready"}).to_list()
            by_id = {row["_id"]: row for row in rows}
            found = [by_id[id] for id in ids if id in by_id]
        return found

    def _next(self, began: float, share: int) -> float:
        """When to look again after a look, by the monotonic clock."""
        now = time.monotonic()
        return now + max(share * (now - began), LEAST_SECONDS)

    async def _look(self, since: datetime | None) -> list[Line]:
        """What is ready, or has become so since then: the oldest, and of each rule that waits behind them the
        oldest of its own, so that no backlog hides another rule's message. To look behind one costs with all
        of it, as the index does not know rules."""
        now = self._clock()
        became = {"$lte": now} if since is None else {"$gt": since, "$lte": now}
        query = {"status": "ready", "channel": self._channel, "not_before": became}
        lines = last = await self._oldest(query, MOST_LINES)
        rules: set[str] = set()
        most = MOST_LINES
        while len(last) == most and (new := {line.rule for line in last} - rules):
            rules |= new
            most = MOST_BEHIND
            last = await self._oldest({**query, "rule": {"$nin": sorted(rules)}}, most)
            lines = lines + last
        self._looked_at = now
        return lines

    async def _oldest(self, query: Row, most: int) -> list[Line]:
        lines: list[Line] = []
        async with self._rows.find(query, NAMES).sort("not_before", 1).batch_size(most) as cursor:
            async for row in cursor:
                customer = row.get("customer")
                if row["_id"] in self._held or (isinstance(customer, str) and not self._owns(customer)):
                    continue
                lines.append(_line(row))
                if len(lines) == most:
                    break
        return lines


def _line(row: Mapping[str, Any]) -> Line:
    """From a document that may be anything."""
    rule, priority = str(row.get("rule")), row.get("priority")
    urgency = Urgency(
        reply=rule == REPLY,
        priority=priority if isinstance(priority, int) else 0,
        asked_for=row.get("class", row.get("purpose")) != "marketing",
    )
    return Line(row["_id"], rule, urgency)
