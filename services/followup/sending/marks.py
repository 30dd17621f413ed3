"""What the sender writes to rows of ``deliveries``: that they are being sent, or are not after all."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

import structlog
from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from services.followup.channels.base import Attempt
from services.followup.domain.rows import COLLECTION, REPEATS, Delivery
from shared.runtime.words import words

log = structlog.get_logger(__name__)
Row = dict[str, Any]

FIRST_BACKOFF = timedelta(seconds=15)
LONGEST_BACKOFF = timedelta(minutes=30)
SHORTEST_WISH, LONGEST_WISH = timedelta(seconds=1), timedelta(days=1)
"""How far the other side's own "not before" is heeded."""


class Wait(NamedTuple):
    """What holds a message with its sender, and until when."""

    until: datetime
    reason: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class PutBack:
    """A message that was not taken, and may be tried again."""

    outreach_id: str
    attempt: int
    not_before: datetime
    error: str | None


def put_back(delivery: Delivery, refused: Attempt, now: datetime) -> PutBack:
    """What was refused for now is ready again after a while: when the other side wants it, else later with
    each try."""
    backoff = min(FIRST_BACKOFF * 2 ** min(delivery.attempt - 1, 10), LONGEST_BACKOFF)
    if refused.retry_after is not None:
        backoff = min(max(refused.retry_after, SHORTEST_WISH), LONGEST_WISH)
    return PutBack(delivery.outreach_id, delivery.attempt, now + backoff, refused.error)


class Marks:
    """Of one sender, which ``me`` names. Each claim has a name of its own, each try of a message a number:
    what is marked so is that claim's, or that try's, and no other's."""

    def __init__(self, database: AsyncDatabase[Row], me: str, clock: Callable[[], datetime]) -> None:
        self._rows = database[COLLECTION]
        self._repeats = database[REPEATS]
        self._me = me
        self._clock = clock
        self._claims = 0

    async def claim(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Mark them as being sent, in one write for each number of tries; those that are ours now, with the
        try counted. One that was cancelled or claimed meanwhile is left out. Raises what the store does,
        unless some are marked by then: these go."""
        claimed: list[Delivery] = []
        by_attempt = sorted(deliveries, key=lambda one: one.attempt)
        for attempt, group in groupby(by_attempt, key=lambda one: one.attempt):
            try:
                claimed += await self._claimed({one.outreach_id: one for one in group}, attempt)
            except Exception as error:  # whatever the store says: what is marked already is to be sent
                if not claimed:
                    raise
                log.warning("not all of a claim could be marked", marked=len(claimed), error=words(error))
                break
        return claimed

    async def _claimed(self, wanted: Mapping[str, Delivery], attempt: int) -> list[Delivery]:
        """Of those with so many tries."""
        mark = self._mark(attempt + 1)
        as_read = {"_id": {"$in": list(wanted)}, "status": "ready", "attempt": attempt}
        changed = await self._rows.update_many(as_read, {"$set": mark})
        kept: Collection[str] = wanted.keys()
        if changed.modified_count != len(wanted):
            ours = {"_id": {"$in": list(wanted)}, "status": "sending", "claimed_by": mark["claimed_by"]}
            kept = {row["_id"] for row in await self._rows.find(ours, {"_id": True}).to_list()}
        mine = (one for id, one in wanted.items() if id in kept)
        return [one.model_copy(update={"attempt": attempt + 1}) for one in mine]

    async def claim_one(self, row: Mapping[str, Any], attempt: int) -> None:
        """Mark one that is not to be sent, as it is."""
        as_it_is = {"_id": row["_id"], "status": row["status"]}
        await self._rows.update_one(as_it_is, {"$set": self._mark(attempt)})

    async def fail(self, row: Mapping[str, Any], reason: str) -> None:
        """Mark one that cannot even be claimed."""
        as_it_is = {"_id": row["_id"], "status": row["status"]}
        await self._rows.update_one(as_it_is, {"$set": {"status": "failed", "error": reason}})

    async def put_back(self, messages: Sequence[PutBack]) -> None:
        """They are ready again, from then on, but for what the domain has cancelled."""
        await self._rows.bulk_write(
            [
                UpdateOne(
                    {"_id": one.outreach_id, "status": "sending", "attempt": one.attempt},
                    {"$set": {"status": "ready", "not_before": one.not_before, "error": one.error}},
                )
                for one in messages
            ],
            ordered=False,
        )

    async def defer(self, waits: Mapping[Wait, Sequence[str]]) -> None:
        """These wait until then, and are ready as they were; what holds them is kept for who asks."""
        for wait, ids in waits.items():
            ready = {"_id": {"$in": list(ids)}, "status": "ready"}
            await self._rows.update_many(ready, {"$set": {"not_before": wait.until, "held": wait._asdict()}})

    async def repeat(self, channel: str, owns: Callable[[str], bool], most: int) -> int:
        """What the domain has found to be in doubt and wants tried again is ready again, unless it has ended.
        How many there were."""
        due = {"channel": channel, "not_before": {"$lte": self._clock()}}
        orders = [one for one in await self._repeats.find(due).limit(most).to_list() if owns(one["customer"])]
        for one in orders:
            doubtful = {"_id": one["_id"], "status": "sending", "attempt": one["attempt"]}
            await self._rows.update_one(doubtful, {"$set": {"status": "ready", "not_before": self._clock()}})
            await self._repeats.delete_one({"_id": one["_id"], "attempt": one["attempt"]})
        return len(orders)

    async def left_behind(self, channel: str, patience: timedelta, most: int) -> list[Row]:
        """What was marked longer ago than a send takes, by whomever."""
        query = {"status": "sending", "channel": channel, "claimed_at": {"$lt": self._clock() - patience}}
        return await self._rows.find(query).limit(most).to_list()

    def _mark(self, attempt: int) -> Row:
        self._claims += 1
        return {
            "status": "sending",
            "claimed_by": f"{self._me}-{self._claims}",
            "claimed_at": self._clock(),
            "attempt": attempt,
        }
