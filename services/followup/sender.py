"""Sends what the domain has decided: ``ready`` rows of ``deliveries`` of the customers this worker serves.

Each channel has a sender of its own, with its own pauses: none waits for another.
At most once: a row is marked ``sending`` before a byte of it leaves, and what is found so marked by a
process that is gone is reported ``in_doubt``, never sent again. The domain learns the outcome by a
``DeliveryReported`` command and alone changes the row from then on.

Fast: as many messages are under way as the channel has lanes; one write marks half of them, one publication
tells of as many. Under way is what is marked and not told: a crash puts no more in doubt than lanes.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

import structlog
from pymongo.asynchronous.database import AsyncDatabase

from services.followup import telemetry
from services.followup.channels.base import Attempt, Channel, ChannelAwayError, Result
from services.followup.domain.policy import Policy
from services.followup.domain.reports import RATE_LIMITED, STALE
from services.followup.domain.rows import COLLECTION, Delivery
from services.followup.sending.brakes import Brakes
from services.followup.sending.flow import GATHERING_SECONDS, Flow, Gathering
from services.followup.sending.marks import Marks, PutBack, put_back
from services.followup.sending.pace import Limits, Pace, no_limit
from services.followup.sending.pauses import Pauses
from services.followup.sending.queue import Queue
from services.followup.sending.ready import Ready
from services.followup.sending.reports import Reports
from services.followup.sending.supply import Supply
from services.followup.sending.unwanted import Unwanted
from shared.runtime.words import status, words
from shared.schemas.event import Event

log = structlog.get_logger(__name__)

MOST_DOUBTS = 500
"""Told of at a time."""
IDLE_SECONDS = 1.0
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
    async def publish_events(self, events: Sequence[Event]) -> None: ...
    async def wait_for_commit(self, seconds: float) -> None: ...


async def send_by(policy: Policy, channels: Sequence[Channel], runtime: SenderRuntime) -> None:
    """Send by every channel until the worker stops, as fast and as much as the rules allow: an ``extra`` task
    of ``run_worker``."""
    brakes = Brakes(runtime.database, policy, runtime.publish_events, lambda: datetime.now(UTC))
    clocked, limits = policy.event_time, policy.rate_limit
    unwanted = Unwanted(runtime.database, policy.erased_by)
    await send_all(channels, runtime, event_time=clocked, limits=limits, brakes=brakes, unwanted=unwanted)


async def send_all(
    channels: Sequence[Channel],
    runtime: SenderRuntime,
    *,
    event_time: bool,
    limits: Limits = no_limit,
    brakes: Brakes | None = None,
    unwanted: Unwanted | None = None,
) -> None:
    """Send by every channel until the worker stops."""
    begin = partial(Sender, event_time=event_time, limits=limits, brakes=brakes, unwanted=unwanted)
    await asyncio.gather(*(begin(runtime, channel).run() for channel in channels))


class Sender:
    """The loop of one channel. ``event_time``: the stream clock."""

    def __init__(
        self,
        runtime: SenderRuntime,
        channel: Channel,
        *,
        event_time: bool,
        limits: Limits = no_limit,
        brakes: Brakes | None = None,
        unwanted: Unwanted | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._runtime = runtime
        self._channel = channel
        telemetry.begin(channel.name, channel.dependency)
        self._event_time = event_time
        self._clock = clock
        self._reports = Reports(channel.name, runtime.publish_events)
        self._marks = Marks(runtime.database, uuid.uuid4().hex, clock)
        self._pace = Pace(runtime.database, channel.name, limits, clock)
        self._brakes = None if event_time else brakes
        held = self._held = set[str]()
        rows, owns, short = runtime.database[COLLECTION], runtime.owns, not event_time
        ready = Ready(rows, channel.name, owns=owns, held=held, clock=clock, short=short)
        now = runtime.now if event_time else lambda customer: clock()
        self._supply = Supply(
            channel, ready, self._marks, self._reports, owns=owns, now=now, unwanted=unwanted
        )
        clocked = None if event_time else runtime.now
        self._queue = Queue(
            self._supply, self._marks, self._pace, held, self._brakes, owns=runtime.owns, now=clocked
        )
        self._put_backs: list[PutBack] = []  # what was not taken, and is not written down yet
        self._to_claim, self._to_tell = Gathering(), Gathering()
        self._opened = False
        """The channel has been, in this round."""
        self._away: ChannelAwayError | None = None
        self._pauses = Pauses(runtime.stopping)
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
                        error=words(error),
                    )
                    await self._pauses.pause()
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
        """Send what is ready until nothing is, the channel goes away or the worker stops. True if there was
        something to do."""
        await self._reports.publish()
        flow, self._opened = Flow(), False
        self._queue.look_again()
        self._begin(flow)
        while await flow.wait(self._patience):
            self._begin(flow)
        for failure in flow.failures.values():
            raise failure
        if self._away is not None:
            away, self._away = self._away, None
            await self._pauses.for_channel(self._channel.dependency, away)
        elif self._queue and flow.going:
            await self._pauses.let_pass(self._patience)  # the rate limit lets nothing go until then
        return flow.worked or bool(self._queue)

    @property
    def _patience(self) -> float:
        """Seconds until there may be something to begin, though nothing has ended."""
        if self._to_claim.waits or self._to_tell.waits:
            return GATHERING_SECONDS
        return min(self._queue.wait_seconds, IDLE_SECONDS) or IDLE_SECONDS

    def _begin(self, flow: Flow) -> None:
        """Begin what can be done now: read what is next, claim as many as there is room for, report."""
        if self._runtime.stopping.is_set() or (self._opened and not self._channel.is_open):
            flow.over = True
        reads = flow.going and (self._queue.is_low or time.monotonic() >= self._next_doubt)
        if reads and flow.can("read"):
            flow.begin("read", self._read_more(flow))
        if flow.can("claim") and (self._put_backs or self._claims(flow)):
            flow.begin("claim", self._claim_next(flow))
        if flow.can("tell") and self._tells(flow):
            flow.begin("tell", self._reports.publish())

    def _claims(self, flow: Flow) -> bool:
        """Whether to mark messages now."""
        goes = flow.going and not self._queue.wait_seconds
        there = min(self._room(flow), len(self._queue)) if goes else 0
        return self._to_claim.enough(there, self._half, more=bool(flow.lanes or self._reports.untold))

    def _tells(self, flow: Flow) -> bool:
        """Whether to report now."""
        return self._to_tell.enough(self._reports.untold, self._half, more=bool(flow.lanes))

    def _room(self, flow: Flow) -> int:
        """How many more may be under way: with the channel, or not known by all to be sent or not. These are
        what a crash puts in doubt, and there are never more than the channel has lanes."""
        lanes = self._channel.lanes if self._opened else 1
        return lanes - len(flow.lanes) - self._reports.untold - len(self._put_backs)

    @property
    def _half(self) -> int:
        return max(self._channel.lanes // 2, 1) if self._opened else 1

    async def _read_more(self, flow: Flow) -> None:
        """Look for what was left behind, now and then, and read what has its turn."""
        if time.monotonic() >= self._next_doubt:
            refused = {one.outreach_id for one in self._put_backs}  # no doubt: only not written down yet
            for one in await self._supply.left_behind(MOST_DOUBTS):
                if one.outreach_id not in refused:
                    self._done(one, "in_doubt", DOUBT)
            flow.worked |= bool(await self._marks.repeat(self._channel.name, self._runtime.owns, MOST_DOUBTS))
            self._next_doubt = time.monotonic() + DOUBT_SECONDS
        if self._queue.is_low:
            flow.worked |= await self._queue.fill()

    async def _claim_next(self, flow: Flow) -> None:
        """Mark those that are next, and give them to the channel. It is open by then, so an outage leaves no
        trace on any message."""
        await self._give_back()
        if not (flow.going and self._queue):
            return
        try:
            await self._channel.open(min(len(self._queue) + len(flow.lanes), self._channel.connections))
        except ChannelAwayError as away:
            self._away, flow.over = away, True
            return
        self._opened = True
        self._pauses.over()
        claimed = await self._queue.claim(self._room(flow))
        for one in claimed.to_send:
            flow.send(self._send(one))
        for one in claimed.too_late:
            braked = self._brakes is not None and self._brakes.held(one)
            held = braked or self._pace.held(one.decided_at, self._clock())
            self._done(one, "failed", RATE_LIMITED if held else STALE, "rate_limited" if held else "stale")

    async def _give_back(self) -> None:
        """Write down which messages were not taken."""
        given = tuple(self._put_backs)
        if given:
            await self._marks.put_back(given)
            del self._put_backs[: len(given)]  # not before it is written: others may have come meanwhile
            self._held.difference_update(one.outreach_id for one in given)

    async def _send(self, claimed: Delivery) -> None:
        at = claimed.decided_at if self._event_time else self._clock()
        try:
            attempt = await self._channel.send(claimed, at)
        except asyncio.CancelledError:  # the worker ends; the message may have arrived or not
            self._done(claimed, "in_doubt", DOUBT)
            raise
        except Exception as error:  # unforeseen, so nobody knows how far it came
            attempt = Attempt(Result.IN_DOUBT, words(error))
        if attempt.result is Result.LATER:
            self._later(claimed, attempt)
        else:
            self._done(claimed, attempt.result.value, attempt.error, code=attempt.code)

    def _later(self, delivery: Delivery, attempt: Attempt) -> None:
        """It has not been taken: ready again, after a while, unless the domain has cancelled it."""
        self._put_backs.append(put_back(delivery, attempt, self._clock()))
        telemetry.DELIVERIES.labels(delivery.channel, "deferred").inc()
        until = self._put_backs[-1].not_before.isoformat()
        said = status(attempt.error or "")
        log.info("message deferred", outreach_id=delivery.outreach_id, error=said, until=until)

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
        self._held.discard(name)
        self._reports.add(name, customer, attempt, at, status, error, code=code, result=result)
