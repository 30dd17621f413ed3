"""Sends what the domain has decided: ``ready`` rows of ``deliveries`` of the customers this worker serves.

At most once: a row is marked ``sending`` before a byte of it goes to the server, and what is found so
marked by a process that is gone is reported ``in_doubt``, never sent again. The domain learns the
outcome by a ``DeliveryReported`` command and alone changes the row from then on.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog
from aiosmtplib import SMTPException
from pymongo.asynchronous.database import AsyncDatabase

from services.followup import telemetry
from services.followup.channels.email import Attempt, BadMessage, Connection, Result, Server, build
from services.followup.domain.delivery import STALE
from services.followup.domain.rows import COLLECTION
from services.followup.domain.rules.quiet import quiet_until, zone
from services.followup.domain.rules.rules import QuietHours
from services.followup.settings import FollowupSettings
from shared.runtime.telemetry import RETRIES
from shared.schemas.commands import DeliveryReported
from shared.schemas.event import Event

log = structlog.get_logger(__name__)

SOURCE = "/rapport/followup/sender"
BATCH = 50
IDLE_SECONDS = 1.0
PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
FIRST_BACKOFF = timedelta(seconds=15)
LONGEST_BACKOFF = timedelta(minutes=30)
REMEMBERED = 10_000
DOUBT_SECONDS = 10.0
"""Between looks for what a process that is gone has left behind."""

Row = dict[str, Any]


class SenderRuntime(Protocol):
    """What the sender needs of the worker."""

    @property
    def database(self) -> AsyncDatabase[Row]: ...
    @property
    def stopping(self) -> asyncio.Event: ...
    def owns(self, customer_id: str) -> bool: ...
    def now(self, customer_id: str) -> datetime: ...
    async def publish_event(self, event: Event) -> None: ...
    async def wait_for_commit(self, seconds: float) -> None: ...


async def send_mail(settings: FollowupSettings, runtime: SenderRuntime) -> None:
    """Send until the worker stops: an ``extra`` task of ``run_worker``."""
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
    server = Server(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls=settings.smtp_tls,
        starttls=settings.smtp_starttls,
        username=settings.smtp_username,
        password=password,
        timeout=settings.smtp_timeout,
    )
    grace = timedelta(seconds=2 * settings.smtp_timeout + 10)
    sender = Sender(runtime, Connection(server), event_time=settings.clock == "stream", doubt_after=grace)
    await sender.run()


class Sender:
    """The loop. ``doubt_after`` is how long the mark of another process is taken for work in progress;
    it must be longer than a send can take. ``event_time``: the stream clock."""

    def __init__(
        self,
        runtime: SenderRuntime,
        connection: Connection,
        *,
        event_time: bool,
        doubt_after: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._runtime = runtime
        self._rows = runtime.database[COLLECTION]
        self._connection = connection
        self._event_time = event_time
        self._doubt_after = doubt_after
        self._clock = clock
        self._me = uuid.uuid4().hex
        self._unreported: dict[str, Event] = {}
        self._reported: dict[str, None] = {}
        """The latest reports made, by id, the oldest first."""
        self._pause = PAUSE_SECONDS
        self._next_doubt = 0.0

    async def run(self) -> None:
        """Until the runtime stops. Whatever breaks is waited for: the worker goes on without mail."""
        stopping = self._runtime.stopping
        try:
            while not stopping.is_set():
                try:
                    worked = await self.round()
                except Exception as error:  # the broker, the store, the server: all come back
                    log.warning("sending is held up", error=f"{type(error).__name__}: {error}"[:300])
                    await self._wait()
                else:
                    if not worked:
                        await self._runtime.wait_for_commit(IDLE_SECONDS)
        finally:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._report_all(), 3.0)
            await self._connection.close()
            telemetry.SMTP_CONNECTED.set(0)

    async def round(self) -> bool:
        """One look at what is ready, and its sending. True if there was something to do."""
        await self._report_all()
        if time.monotonic() >= self._next_doubt:
            await self._find_doubtful()
            self._next_doubt = time.monotonic() + DOUBT_SECONDS
        rows = await self._ready()
        sendable = [row for row in rows if not await self._held_back(row)]
        if sendable and await self._connected():
            for row in sendable:
                if self._runtime.stopping.is_set() or not self._connection.connected:
                    break
                await self._send(row)
        await self._report_all()
        return bool(rows)

    async def _ready(self) -> list[Row]:
        """Up to ``BATCH`` rows of customers served here, the longest waiting first."""
        found: list[Row] = []
        query = {"status": "ready", "not_before": {"$lte": self._clock()}}
        async with self._rows.find(query).sort("not_before", 1).batch_size(BATCH) as cursor:
            async for row in cursor:
                if self._runtime.owns(row["customer"]):
                    found.append(row)
                    if len(found) == BATCH:
                        break
        return found

    async def _held_back(self, row: Row) -> bool:
        """Whether it got too late for the message, or night, while it waited. Under the stream clock the
        time of sending is the time of the decision, where neither was so."""
        if self._event_time:
            return False
        now = self._runtime.now(row["customer"])
        if now > row["expires_at"]:
            claimed = await self._claim(row)
            if claimed is not None:
                self._done(claimed, "failed", STALE, "stale")
            return True
        quiet = row["quiet"]
        if quiet is None:
            return False
        hours = QuietHours.model_validate({"from": quiet["from"], "to": quiet["to"]})
        until = quiet_until(now, zone(quiet["timezone"], "UTC"), hours)
        if until is None:
            return False
        await self._rows.update_one({"_id": row["_id"], "status": "ready"}, {"$set": {"not_before": until}})
        return True

    async def _connected(self) -> bool:
        """Be connected before a row is marked: an outage then leaves no trace on any message."""
        try:
            await self._connection.open()
        except (SMTPException, OSError) as error:
            telemetry.SMTP_CONNECTED.set(0)
            telemetry.SMTP_OUTAGES.inc()
            RETRIES.labels("followup", "smtp").inc()
            log.warning("waiting for a part", part="smtp", error=f"{error}"[:300], retry_in=self._pause)
            await self._wait()
            return False
        telemetry.SMTP_CONNECTED.set(1)
        self._pause = PAUSE_SECONDS
        return True

    async def _wait(self) -> None:
        """The pause after a failure, which doubles up to a limit; a stop ends it."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._runtime.stopping.wait(), self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    async def _claim(self, row: Row) -> Row | None:
        """Mark the row as ours, if it is still ready. Reading is batched; this mark is written a message,
        as a batch of marks would put a whole batch in doubt at a crash."""
        if not self._runtime.owns(row["customer"]):
            return None
        claim = {"status": "sending", "claimed_by": self._me, "claimed_at": self._clock()}
        claimed = {**row, **claim, "attempt": row["attempt"] + 1}
        changed = await self._rows.update_one(
            {"_id": row["_id"], "status": "ready"}, {"$set": {**claim, "attempt": claimed["attempt"]}}
        )
        return claimed if changed.modified_count else None

    async def _send(self, row: Row) -> None:
        claimed = await self._claim(row)
        if claimed is None:
            return
        date = claimed["decided_at"] if self._event_time else self._clock()
        try:
            message = build(claimed, date)
        except BadMessage as fault:
            self._done(claimed, "failed", str(fault))
            return
        started = time.perf_counter()
        try:
            attempt = await self._connection.send(message)
        except Exception as error:  # unforeseen, so nobody knows how far it came
            attempt = Attempt(Result.IN_DOUBT, f"{type(error).__name__}: {error}"[:500])
        telemetry.SEND_SECONDS.observe(time.perf_counter() - started)
        if attempt.result is Result.LATER:
            await self._put_back(claimed, attempt.error)
        else:
            self._done(claimed, attempt.result.value, attempt.error)

    async def _put_back(self, row: Row, error: str | None) -> None:
        """The server has not taken it: ready again, after a while, unless the domain has cancelled it."""
        backoff = min(FIRST_BACKOFF * 2 ** min(row["attempt"] - 1, 10), LONGEST_BACKOFF)
        telemetry.DELIVERIES.labels(row["channel"], "deferred").inc()
        log.info("message deferred", outreach_id=row["_id"], error=error, retry_in=backoff.total_seconds())
        mine = {"_id": row["_id"], "status": "sending", "claimed_by": self._me}
        ready = {"status": "ready", "not_before": self._clock() + backoff, "error": error}
        await self._rows.update_one(mine, {"$set": ready})

    def _done(self, row: Row, status: str, error: str | None, result: str | None = None) -> None:
        event = self._report(row, status, error)
        if event.id in self._reported:
            return
        telemetry.DELIVERIES.labels(row["channel"], result or status).inc()
        self._unreported[event.id] = event
        self._reported[event.id] = None
        if len(self._reported) > REMEMBERED:
            del self._reported[next(iter(self._reported))]

    def _report(self, row: Mapping[str, Any], status: str, error: str | None) -> Event:
        """Its id is the try's: whoever reports first on a try is heard, once."""
        at = row["decided_at"] if self._event_time else self._clock()
        data = DeliveryReported.model_validate(
            {"outreach_id": row["_id"], "status": status, "attempt": row["attempt"], "error": error}
        )
        return Event(f"{row['_id']}-{row['attempt']}", SOURCE, row["customer"], at, data)

    async def _report_all(self) -> None:
        """Publish the reports that are not acknowledged yet, together. Raises ``BrokerAway``."""
        events = list(self._unreported.values())
        outcomes = await asyncio.gather(*map(self._runtime.publish_event, events), return_exceptions=True)
        failure: BaseException | None = None
        for event, outcome in zip(events, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                failure = outcome
            else:
                self._unreported.pop(event.id, None)
        if failure is not None:
            raise failure

    async def _find_doubtful(self) -> None:
        """Report what was marked long ago and never reported: by another process, or by this one when the
        store broke at the mark. A report that is merely on its way has the same id and comes first."""
        query = {"status": "sending", "claimed_at": {"$lt": self._clock() - self._doubt_after}}
        for row in await self._rows.find(query).limit(10 * BATCH).to_list():
            if self._runtime.owns(row["customer"]):
                self._done(row, "in_doubt", "in_doubt: the sender stopped before the outcome was known")
