"""Sends what the domain has decided: ``ready`` rows of ``deliveries`` of the customers this worker serves.

Each channel has a sender of its own, with its own pauses, so that none waits for another.

At most once: a row is marked ``sending`` before a byte of it leaves, and what is found so marked by a
process that is gone is reported ``in_doubt``, never sent again. The domain learns the outcome by a
``DeliveryReported`` command and alone changes the row from then on.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog
from pydantic import ValidationError
from pymongo.asynchronous.database import AsyncDatabase

from services.followup import telemetry
from services.followup.channels.base import Attempt, Channel, ChannelAwayError, Result
from services.followup.domain.reports import STALE
from services.followup.domain.rows import COLLECTION, Delivery, Known, unreadable
from services.followup.reports import Reports
from shared.runtime.telemetry import RETRIES
from shared.schemas.event import Event

log = structlog.get_logger(__name__)

BATCH = 50
IDLE_SECONDS = 1.0
PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
FIRST_BACKOFF = timedelta(seconds=15)
LONGEST_BACKOFF = timedelta(minutes=30)
SHORTEST_WISH, LONGEST_WISH = timedelta(seconds=1), timedelta(days=1)
"""How far the other side's own "not before" is heeded."""
DOUBT_SECONDS = 10.0
"""Between looks for what a process that is gone has left behind."""
LAST_SECONDS = 1.4
"""Once the worker stops, for the round under way: the message that is with the channel, above all."""
REPORT_SECONDS = 0.5
"""And then for the last reports."""
DOUBT = "in_doubt: the sender stopped before the outcome was known"


class SenderRuntime(Protocol):
    """What the sender needs of the worker."""

    @property
    def database(self) -> AsyncDatabase[dict[str, Any]]: ...
    @property
    def stopping(self) -> asyncio.Event: ...
    def owns(self, customer_id: str) -> bool: ...
    def now(self, customer_id: str) -> datetime: ...
    async def publish_event(self, event: Event) -> None: ...
    async def wait_for_commit(self, seconds: float) -> None: ...


async def send_all(channels: Sequence[Channel], runtime: SenderRuntime, *, event_time: bool) -> None:
    """Send by every channel until the worker stops: an ``extra`` task of ``run_worker``."""
    await asyncio.gather(*(Sender(runtime, c, event_time=event_time).run() for c in channels))


class Sender:
    """The loop of one channel. ``event_time``: the stream clock."""

    def __init__(
        self,
        runtime: SenderRuntime,
        channel: Channel,
        *,
        event_time: bool,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._runtime = runtime
        self._rows = runtime.database[COLLECTION]
        self._channel = channel
        self._event_time = event_time
        self._clock = clock
        self._me = uuid.uuid4().hex
        self._reports = Reports(channel.name, runtime.publish_event)
        self._pause = PAUSE_SECONDS
        self._next_doubt = 0.0
        self._limit: asyncio.Timeout | None = None
        """Of the round under way; set when the worker stops."""

    async def run(self) -> None:
        """Until the runtime stops: then the message that is with the channel is finished, or given up after a
        while, and reported. Whatever breaks is waited for: the worker goes on without."""
        stopping = self._runtime.stopping
        ending = asyncio.create_task(self._end())
        try:
            while not stopping.is_set():
                try:
                    async with asyncio.timeout(None) as self._limit:
                        worked = await self.round()
                except Exception as error:  # the broker, the store, the channel: all come back
                    log.warning(
                        "sending is interrupted",
                        channel=self._channel.name,
                        error=f"{type(error).__name__}: {error}"[:300],
                    )
                    await self._wait()
                else:
                    if not worked:
                        await self._runtime.wait_for_commit(IDLE_SECONDS)
        finally:
            ending.cancel()
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._reports.publish(), REPORT_SECONDS)
            await self._channel.close()

    async def _end(self) -> None:
        """Bound the round that is under way when the worker stops."""
        await self._runtime.stopping.wait()
        if self._limit is not None:
            with contextlib.suppress(RuntimeError):  # it has ended meanwhile
                self._limit.reschedule(asyncio.get_running_loop().time() + LAST_SECONDS)

    async def round(self) -> bool:
        """One look at what is ready, and its sending. True if there was something to do."""
        await self._reports.publish()
        if time.monotonic() >= self._next_doubt:
            await self._find_doubtful()
            self._next_doubt = time.monotonic() + DOUBT_SECONDS
        found = await self._ready()
        sendable = [delivery for delivery in found if not await self._must_wait(delivery)]
        if sendable and await self._opened():
            for delivery in sendable:
                if self._runtime.stopping.is_set() or not self._channel.is_open:
                    break
                await self._send(delivery)
        await self._reports.publish()
        return bool(found)

    async def _ready(self) -> list[Delivery]:
        """Up to ``BATCH`` messages to customers served here, the longest waiting first."""
        found: list[Delivery] = []
        query = {"status": "ready", "channel": self._channel.name, "not_before": {"$lte": self._clock()}}
        async with self._rows.find(query).sort("not_before", 1).batch_size(BATCH) as cursor:
            async for row in cursor:
                delivery = await self._read(row)
                if delivery is not None:
                    found.append(delivery)
                    if len(found) == BATCH:
                        break
        return found

    async def _read(self, row: Mapping[str, Any]) -> Delivery | None:
        """The row's message, if it is to a customer served here and can be read."""
        customer = row.get("customer")
        if isinstance(customer, str) and not self._runtime.owns(customer):
            return None
        try:
            return Delivery.model_validate(row)
        except ValidationError as error:
            await self._set_aside(row, error)
            return None

    async def _must_wait(self, delivery: Delivery) -> bool:
        """Whether it got too late for the message (which is then reported), or night, or its hours ended.
        Under the stream clock the time of sending is the time of the decision, where neither was so."""
        if self._event_time:
            return False
        now = self._runtime.now(delivery.customer)
        if now > delivery.expires_at:
            claimed = await self._claim(delivery)
            if claimed is not None:
                self._done(claimed, "failed", STALE, "stale")
            return True
        until = delivery.must_wait(now)
        if until is None:
            return False
        ready = {"_id": delivery.outreach_id, "status": "ready"}
        await self._rows.update_one(ready, {"$set": {"not_before": until}})
        return True

    async def _opened(self) -> bool:
        """Have the channel open before a row is marked: an outage then leaves no trace on any message."""
        try:
            await self._channel.open()
        except ChannelAwayError as away:
            needed = self._channel.dependency
            RETRIES.labels("followup", needed).inc()
            log.warning(
                "waiting for a dependency", dependency=needed, error=f"{away}"[:300], retry_in=self._pause
            )
            await self._wait()
            return False
        self._pause = PAUSE_SECONDS
        return True

    async def _wait(self) -> None:
        """The pause after a failure, which doubles up to a limit; a stop ends it."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._runtime.stopping.wait(), self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    async def _claim(self, delivery: Delivery) -> Delivery | None:
        """Mark the row as ours, if it is still ready. Reading is batched; this mark is written per message,
        as a batch of marks would put a whole batch in doubt at a crash."""
        if not self._runtime.owns(delivery.customer):
            return None
        claimed = delivery.model_copy(update={"attempt": delivery.attempt + 1})
        changed = await self._rows.update_one(
            {"_id": delivery.outreach_id, "status": "ready"},
            {
                "$set": {
                    "status": "sending",
                    "claimed_by": self._me,
                    "claimed_at": self._clock(),
                    "attempt": claimed.attempt,
                }
            },
        )
        return claimed if changed.modified_count else None

    async def _send(self, delivery: Delivery) -> None:
        claimed = await self._claim(delivery)
        if claimed is None:
            return
        at = claimed.decided_at if self._event_time else self._clock()
        try:
            attempt = await self._channel.send(claimed, at)
        except asyncio.CancelledError:  # the worker ends; the message may have arrived or not
            self._done(claimed, "in_doubt", DOUBT)
            raise
        except Exception as error:  # unforeseen, so nobody knows how far it came
            attempt = Attempt(Result.IN_DOUBT, f"{type(error).__name__}: {error}"[:500])
        if attempt.result is Result.LATER:
            await self._put_back(claimed, attempt)
        else:
            self._done(claimed, attempt.result.value, attempt.error, code=attempt.code)

    async def _put_back(self, delivery: Delivery, attempt: Attempt) -> None:
        """It has not been taken: ready again, after a while, unless the domain has cancelled it."""
        backoff = min(FIRST_BACKOFF * 2 ** min(delivery.attempt - 1, 10), LONGEST_BACKOFF)
        if attempt.retry_after is not None:
            backoff = min(max(attempt.retry_after, SHORTEST_WISH), LONGEST_WISH)
        telemetry.DELIVERIES.labels(delivery.channel, "deferred").inc()
        log.info(
            "message deferred",
            outreach_id=delivery.outreach_id,
            error=attempt.error,
            retry_in=backoff.total_seconds(),
        )
        mine = {"_id": delivery.outreach_id, "status": "sending", "claimed_by": self._me}
        ready = {"status": "ready", "not_before": self._clock() + backoff, "error": attempt.error}
        await self._rows.update_one(mine, {"$set": ready})

    def _done(
        self,
        delivery: Delivery,
        status: str,
        error: str | None,
        result: str | None = None,
        code: str | None = None,
    ) -> None:
        at = delivery.decided_at if self._event_time else self._clock()
        name, customer, attempt = delivery.outreach_id, delivery.customer, delivery.attempt
        self._reports.add(name, customer, attempt, at, status, error, code=code, result=result)

    async def _set_aside(self, row: Mapping[str, Any], error: ValidationError) -> None:
        """A row that nobody can read must not hold up the others: it failed, and it says why. It is marked as
        any other is before it is reported; where not even that can be done, that is all."""
        reason = f"unreadable: {unreadable(error)}"
        log.error("a message cannot be read", outreach_id=str(row["_id"]), error=reason)
        as_it_is = {"_id": row["_id"], "status": row["status"]}
        try:
            known = Known.model_validate(row)
        except ValidationError:
            telemetry.DELIVERIES.labels(self._channel.name, "failed").inc()
            await self._rows.update_one(as_it_is, {"$set": {"status": "failed", "error": reason}})
            return
        attempt = max(1, known.attempt + (row["status"] == "ready"))
        mark = {"status": "sending", "claimed_by": self._me, "claimed_at": self._clock(), "attempt": attempt}
        await self._rows.update_one(as_it_is, {"$set": mark})
        at = self._runtime.now(known.customer) if self._event_time else self._clock()
        self._reports.add(known.outreach_id, known.customer, attempt, at, "failed", reason)

    async def _find_doubtful(self) -> None:
        """Report what was marked long ago and never reported: by another process, or by this one when the
        store broke at the mark. A report that is merely on its way has the same id and comes first."""
        query = {
            "status": "sending",
            "channel": self._channel.name,
            "claimed_at": {"$lt": self._clock() - self._channel.patience},
        }
        for row in await self._rows.find(query).limit(10 * BATCH).to_list():
            doubtful = await self._read(row)
            if doubtful is not None:
                self._done(doubtful, "in_doubt", DOUBT)
