"""What holds back marketing mails that may go as far as their customers are concerned: the guard's pauses,
and the ceiling of a sender's domain that is new. Counts and pauses are the company's, in the store (ADR 38).
"""

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Any

import structlog
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from services.followup import telemetry
from services.followup.domain.deliverability.guard import Tally, first_day, recipient_domain, traffic_key
from services.followup.domain.deliverability.limits import GuardPolicy
from services.followup.domain.gate.sender import STEP
from services.followup.domain.policy import Policy
from services.followup.domain.rows import CEILINGS, PAUSES, TRAFFIC, Delivery
from services.followup.domain.rules.rules import Rules
from services.followup.sending.marks import Wait
from shared.schemas.event import Event
from shared.schemas.outreach import OutreachPaused
from shared.schemas.times import micros

SOURCE = "/rapport/followup/guard"
LOOK_SECONDS = 10.0
"""Between looks at the counts."""
Document = Mapping[str, Any]
Where = tuple[str, str]
"""A rule and a mail domain."""
Waits = dict[Wait, list[str]]

log = structlog.get_logger(__name__)


class Brakes:
    """Of one sender."""

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        policy: Policy,
        publish: Callable[[Sequence[Event]], Awaitable[None]],
        clock: Callable[[], datetime],
    ) -> None:
        self._traffic, self._pauses = database[TRAFFIC], database[PAUSES]
        self._ceilings = database[CEILINGS]
        self._policy = policy
        self._publish = publish
        self._clock = clock
        self._next_look = 0.0
        self._swept: date | None = None
        self._paused: dict[Where, datetime] = {}

    async def unpaused(self, chosen: Sequence[Delivery], waits: Waits) -> list[Delivery]:
        """Those whose rule does not pause; the ids of the others go into ``waits``, by when they are to be
        looked at again."""
        if not any(_domain(one) for one in chosen):
            return list(chosen)
        if time.monotonic() >= self._next_look:
            await self._look()
            self._next_look = time.monotonic() + LOOK_SECONDS
        now, free = self._clock(), list[Delivery]()
        for one in chosen:
            until = self._paused_until(one)
            if until is None or until <= now:
                free.append(one)
            else:
                _wait(waits, one, until, f"{one.rule} pauses for {_domain(one)}")
        return free

    async def below_ceiling(self, free: Sequence[Delivery], waits: Waits) -> list[Delivery]:
        """As many as today's ceiling has room for, which are taken of it; the others wait for tomorrow."""
        today = self._clock().astimezone(UTC).date()
        ceiling = self._ceiling(today)
        if ceiling is None:
            return list(free)
        wanted: dict[str, int] = {}
        for one in free:
            if _domain(one) is not None:
                wanted[_from(one)] = wanted.get(_from(one), 0) + 1
        room = {domain: await self._take(today, domain, count, ceiling) for domain, count in wanted.items()}
        tomorrow = datetime.combine(today + timedelta(days=1), time_of_day(), UTC)
        going = []
        for one in free:
            if _domain(one) is None:
                going.append(one)
            elif room[_from(one)] > 0:
                room[_from(one)] -= 1
                going.append(one)
            else:
                _wait(waits, one, tomorrow, f"{_from(one)} is new: {ceiling} a day")
        return going

    def held(self, delivery: Delivery) -> bool:
        """Whether one that has become too old waited here."""
        until, today = self._paused_until(delivery), self._clock().astimezone(UTC).date()
        if until is not None and until > delivery.decided_at:
            return True
        waited = delivery.decided_at.astimezone(UTC).date() < today
        return _domain(delivery) is not None and waited and self._ceiling(today) is not None

    def _paused_until(self, delivery: Delivery) -> datetime | None:
        domain = _domain(delivery)
        return None if domain is None else self._paused.get((delivery.rule, domain))

    def _rules(self) -> Rules:
        return self._policy.at(micros(self._clock())).rules

    def _ceiling(self, today: date) -> int | None:
        warm_up = self._rules().warm_up
        return None if warm_up is None else warm_up.ceiling(today)

    async def _take(self, day: date, domain: str, wanted: int, ceiling: int) -> int:
        """Take up to so many of the day's ceiling: what is taken is never above it, whoever takes."""
        key, wanted = f"{day.isoformat()} {domain}", min(wanted, ceiling)
        while wanted > 0:
            room = {"_id": key, "sent": {"$lte": ceiling - wanted}}
            try:
                await self._ceilings.update_one(room, {"$inc": {"sent": wanted}}, upsert=True)
            except DuplicateKeyError:  # there is less room
                known = await self._ceilings.find_one({"_id": key}) or {"sent": 0}
                wanted = min(wanted, ceiling - int(known["sent"]))
            else:
                return wanted
        return 0

    async def _look(self) -> None:
        """See which pauses hold, begin those that are due, and tell of them."""
        now, policy = self._clock(), self._rules().guard
        if policy is None:
            self._paused = {}
            return
        known = {(p["rule"], p["domain"]): p["until"] for p in await self._pauses.find({}).to_list()}
        for where, tally in (await self._tallies(policy, now.date(), known)).items():
            why = tally.too_much(policy)
            if why is not None and (where not in known or known[where] <= now):
                known[where] = await self._begin(where, why, tally, now, now + policy.pause)
        self._paused = known
        await self._tell()
        await self._sweep(now.date() - timedelta(days=policy.days))

    async def _tallies(
        self, policy: GuardPolicy, today: date, paused: Mapping[Where, datetime]
    ) -> dict[Where, Tally]:
        """Of what something came back, or was complained about, on the days that count."""
        earliest = first_day(policy, today, None)
        trouble = {
            "key": {"$gte": earliest.isoformat()},
            "$or": [{"bounced": {"$gt": 0}}, {"complained": {"$gt": 0}}],
        }
        found = await self._traffic.find(trouble, {"key": True}).to_list()
        tallies = {}
        for where in {_where(one["key"]) for one in found}:
            until = paused.get(where)
            first = first_day(policy, today, None if until is None else until.date())
            days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
            keys = [traffic_key(day, *where) for day in days]
            counts = await self._traffic.find({"key": {"$in": keys}}).to_list()
            tallies[where] = Tally(
                *(sum(int(c.get(name, 0)) for c in counts) for name in ("sent", "bounced", "complained"))
            )
        return tallies

    async def _begin(self, where: Where, why: str, tally: Tally, now: datetime, until: datetime) -> datetime:
        """Whoever is first begins it; the others find it there."""
        rule, domain = where
        told = {"sent": tally.sent, "bounced": tally.bounced, "complained": tally.complained}
        begun = {"rule": rule, "domain": domain, "why": why, "since": now, "until": until, "told": False}
        over = {"_id": f"{rule} {domain}", "until": {"$lte": now}}
        try:
            await self._pauses.update_one(over, {"$set": {**begun, **told}}, upsert=True)
        except DuplicateKeyError:
            known = await self._pauses.find_one({"_id": over["_id"]})
            return until if known is None else known["until"]
        log.warning("marketing pauses", rule=rule, domain=domain, why=why, until=until.isoformat(), **told)
        telemetry.PAUSES.labels(why).inc()
        return until

    async def _tell(self) -> None:
        """Each pause, under one id however often it is tried."""
        untold = await self._pauses.find({"told": False}).to_list()
        if not untold:
            return
        await self._publish([_event(pause) for pause in untold])
        for pause in untold:
            begun = {"_id": pause["_id"], "since": pause["since"]}
            await self._pauses.update_one(begun, {"$set": {"told": True}})

    async def _sweep(self, before: date) -> None:
        """Counts of days that are over go, once a day."""
        if self._swept != before:
            await self._traffic.delete_many({"key": {"$lt": before.isoformat()}})
            await self._ceilings.delete_many({"_id": {"$lt": before.isoformat()}})
            self._swept = before


def _domain(delivery: Delivery) -> str | None:
    return recipient_domain(delivery.channel, delivery.class_ or delivery.purpose, delivery.to.address)


def _from(delivery: Delivery) -> str:
    return delivery.sender.address.rpartition("@")[2].lower()


def _where(key: str) -> Where:
    _, rule, domain = key.split(" ", 2)
    return rule, domain


def _wait(waits: Waits, delivery: Delivery, until: datetime, why: str) -> None:
    """It is looked at again when it has become too old, at the latest."""
    past = delivery.expires_at + timedelta(milliseconds=1)
    waits.setdefault(Wait(min(until, past), STEP, why), []).append(delivery.outreach_id)


def _event(pause: Document) -> Event:
    told = ("domain", "why", "sent", "bounced", "complained", "until")
    data = OutreachPaused.model_validate({name: pause[name] for name in told})
    name = hashlib.sha256(f"{pause['_id']} {pause['since'].isoformat()}".encode()).hexdigest()[:32]
    return Event(name, SOURCE, pause["rule"], pause["since"], data)
