"""Has all customers meet rules that are new in the file: a slow look at what is kept of each, beside the
worker, at a pace that nobody notices, which goes on where it stood."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Protocol

import structlog
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from services.followup.domain.journeys.review import fingerprint, needed
from services.followup.domain.policy import Policy
from services.followup.domain.rows import SWEEPS
from services.followup.domain.state import Customer
from shared.journal.later import read_state
from shared.runtime.words import words
from shared.schemas.commands.rules import RulesReviewRequested
from shared.schemas.event import Event
from shared.schemas.times import micros

SOURCE = "/rapport/followup/sweep"
LOOK = 200
"""States at a look, and a second from one to the next: a million customers take an hour and a half."""
PAUSE_SECONDS = 1.0
BREATH = 50
"""After so many states the worker's loop has its turn."""
LEASE = timedelta(minutes=2)
"""How long whoever looks is alone at it; a worker that is gone leaves it to others then."""
ROUNDS = 3
"""At most. There is another after one that found somebody: a worker with the old rules may have been told."""
BETWEEN_ROUNDS = timedelta(hours=1)
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0

log = structlog.get_logger(__name__)


class SweepRuntime(Protocol):
    """What is needed of the worker."""

    @property
    def database(self) -> AsyncDatabase[dict[str, Any]]: ...
    @property
    def stopping(self) -> asyncio.Event: ...
    async def publish_events(self, events: Sequence[Event]) -> None: ...


async def sweep(policy: Policy, runtime: SweepRuntime) -> None:
    """Until all have met the rules, or the worker stops: an ``extra`` task of ``run_worker``. Not under the
    stream clock, where a replay has one file of rules from its start."""
    name = fingerprint(policy)
    if name is None or policy.event_time:
        return
    sweeper, pause = Sweeper(policy, runtime, name), FIRST_PAUSE
    while not runtime.stopping.is_set():
        try:
            waits = await sweeper.look()
        except Exception as error:  # the store, the broker: both come back
            log.warning("customers wait for new rules", error=words(error))
            waits, pause = pause, min(pause * 2, LONGEST_PAUSE)
        else:
            pause = FIRST_PAUSE
        if waits is None:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(runtime.stopping.wait(), waits)


class Sweeper:
    """One worker's part in it. Where it stands is a document of the store, moved by one worker at a time."""

    def __init__(
        self,
        policy: Policy,
        runtime: SweepRuntime,
        name: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._policy, self._runtime, self._name, self._clock = policy, runtime, name, clock
        self._states, self._sweeps = runtime.database["state"], runtime.database[SWEEPS]
        self._me = uuid.uuid4().hex

    async def look(self) -> float | None:
        """See to the next few customers. How many seconds to wait before the next look; None: all is done."""
        now = self._clock()
        stands = await self._claim(now)
        if stands is None:
            await self._leave_behind(now)
            return None
        if stands["by"] != self._me:
            return LEASE.total_seconds()
        if stands["not_before"] > now:
            wait: timedelta = min(stands["not_before"] - now, LEASE / 2)
            return wait.total_seconds()
        query = {"_id": {"$gt": stands["after"]}}
        rows = await self._states.find(query).sort("_id", 1).limit(LOOK).to_list()
        events = [event async for event in self._reviews(rows, stands["round"], now)]
        if events:
            await self._runtime.publish_events(events)
        found = stands["found"] + len(events)
        if len(rows) == LOOK:
            await self._move(stands, {"after": rows[-1]["_id"], "found": found})
            return PAUSE_SECONDS
        done = not found or stands["round"] + 1 >= ROUNDS
        again = {"after": "", "found": 0, "round": stands["round"] + 1, "not_before": now + BETWEEN_ROUNDS}
        await self._move(stands, {"done": True, "after": ""} if done else again)
        log.info("customers have met new rules", rules=self._name, round=stands["round"], found=found)
        await self._leave_behind(now)
        return None if done else PAUSE_SECONDS

    async def _reviews(
        self, rows: Sequence[dict[str, Any]], number: int, now: datetime
    ) -> AsyncIterator[Event]:
        for place, row in enumerate(rows):
            if place % BREATH == BREATH - 1:
                await asyncio.sleep(0)
            if "/" in row["_id"]:  # no customer's
                continue
            if self._concerns(row, now):
                data = RulesReviewRequested(rules=self._name)
                yield Event(self._id(number, row["_id"]), SOURCE, row["_id"], now, data)

    def _concerns(self, row: dict[str, Any], now: datetime) -> bool:
        """Whether a rule has something to say to the customer; of a state that cannot be read, not: what is
        heard of that customer fails too, and the others are not to wait for it."""
        try:
            return needed(read_state(Customer, row["data"]), self._policy, micros(now))
        except Exception as error:  # whatever a broken state brings about; what it holds is not logged
            log.error("a customer's state cannot be read", customer=row["_id"], error=words(error))
            return False

    def _id(self, number: int, customer: str) -> str:
        return blake2b(f"{self._name} {number} {customer}".encode(), digest_size=16).hexdigest()

    async def _claim(self, now: datetime) -> dict[str, Any] | None:
        """Where it stands, ours if ``by`` says so; None where it is done."""
        begins = {"after": "", "round": 0, "found": 0, "done": False, "not_before": now}
        with contextlib.suppress(DuplicateKeyError):
            await self._sweeps.insert_one({"_id": self._name, **begins, "by": "", "until": now})
        mine = {"$set": {"by": self._me, "until": now + LEASE}}
        free = {"_id": self._name, "done": False, "$or": [{"by": self._me}, {"until": {"$lte": now}}]}
        await self._sweeps.update_one(free, mine)
        stands: dict[str, Any] | None = await self._sweeps.find_one({"_id": self._name})
        return None if stands is None or stands["done"] else stands

    async def _leave_behind(self, now: datetime) -> None:
        """Rounds under rules that nobody has by now begin anew if they ever come back: the place where they
        stood names a customer, who may be erased."""
        others = {"_id": {"$ne": self._name}, "done": False, "until": {"$lte": now}, "after": {"$ne": ""}}
        await self._sweeps.update_many(others, {"$set": {"after": "", "found": 0}})

    async def _move(self, stands: dict[str, Any], to: dict[str, Any]) -> None:
        """Only from where it stood: another may have taken it over meanwhile."""
        place = {"_id": self._name, "by": self._me, "after": stands["after"], "round": stands["round"]}
        await self._sweeps.update_one(place, {"$set": to})
