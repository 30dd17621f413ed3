"""Brakes on marketing mail: pauses and ceilings that all workers share, and what waits for them."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.followup.domain.deliverability.limits import WarmUp
from services.followup.domain.reports import RATE_LIMITED
from services.followup.domain.rows import CEILINGS, COLLECTION, PAUSES, TRAFFIC, Delivery
from services.followup.sending import brakes as module
from services.followup.sending.brakes import SOURCE, Brakes, Waits
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.event import Event
from shared.schemas.outreach import OutreachPaused

from .driver import DAY, NOON, policy, rules
from .mailserver import (
    Database,
    FakeRuntime,
    Inbox,
    delivery,
    free_port,
    row,
    sender_of,
    smtp_server,
)

TODAY = NOON.date()


class Company:
    """Its store, its rules, its wall clock; what its guards tell."""

    def __init__(self, database: Database, **changes: Any) -> None:
        self.database = database
        self.rules = rules(**changes)
        self.now = NOON
        self.told: list[Event] = []
        self.away = False

    async def publish(self, events: Sequence[Event]) -> None:
        if self.away:
            raise ConnectionError("no broker")
        self.told += events

    def brakes(self) -> Brakes:
        return Brakes(self.database, policy(self.rules), self.publish, lambda: self.now)

    async def count(self, day: date, rule: str, domain: str, partition: int = 0, **counts: int) -> None:
        key = f"{day} {rule} {domain}"
        await self.database[TRAFFIC].update_one(
            {"_id": f"{partition}|{key}"}, {"$inc": counts, "$setOnInsert": {"key": key}}, upsert=True
        )


@pytest.fixture
async def company(database: Database) -> Company:
    for name in (TRAFFIC, PAUSES, CEILINGS):
        await database[name].delete_many({})
    return Company(database)


def mail(id: str, rule: str = "news", domain: str = "mail.example", **more: Any) -> Delivery:
    to = {"name": "Ada", "address": f"{id}@{domain}"}
    return delivery(id, rule=rule, to=to, expires_at=NOON + 3 * DAY, **more)


async def sift(
    brakes: Brakes, waiting: Sequence[Delivery]
) -> tuple[list[Delivery], dict[datetime, list[str]]]:
    """What goes, and until when the others wait."""
    waits: Waits = {}
    going = await brakes.below_ceiling(await brakes.unpaused(waiting, waits), waits)
    assert all(wait.reason == "rate_limited" and wait.detail for wait in waits)
    return going, {wait.until: names for wait, names in waits.items()}


def ids(deliveries: Sequence[Delivery]) -> list[str]:
    return [one.outreach_id for one in deliveries]


async def test_one_rules_marketing_to_one_domain_pauses(company: Company) -> None:
    await company.count(TODAY, "news", "mail.example", 0, sent=60, bounced=4)
    await company.count(TODAY - DAY, "news", "mail.example", 3, sent=40, bounced=2)
    await company.count(TODAY, "news", "other.example", sent=100, bounced=5)
    first, second = company.brakes(), company.brakes()
    waiting = [
        mail("a"),
        mail("b", domain="MAIL.example"),
        mail("c", domain="other.example"),
        mail("d", rule="thanks"),
        mail("e", purpose="service"),
        mail("f", purpose="survey"),
        mail("g", channel="sms"),
    ]
    for guard in (first, second):
        going, waits = await sift(guard, waiting)
        assert ids(going) == ["c", "d", "e", "g"]
        assert waits == {NOON + DAY: ["a", "b", "f"]}
    (event,) = company.told
    assert (event.source, event.subject, event.time) == (SOURCE, "news", NOON)
    assert event.data == OutreachPaused(
        domain="mail.example", why="bounces", sent=100, bounced=6, complained=0, until=NOON + DAY
    )


async def test_what_nobody_was_told_is_told_once_the_broker_is_back(company: Company) -> None:
    await company.count(TODAY, "news", "mail.example", sent=1000, complained=9)
    company.away = True
    with pytest.raises(ConnectionError):
        await sift(company.brakes(), [mail("a")])
    company.away = False
    for _ in range(2):
        assert (await sift(company.brakes(), [mail("a")]))[0] == []
    assert [event.data.why for event in company.told] == ["complaints"]


async def test_it_goes_on_after_the_pause_and_pauses_again(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    await company.count(TODAY, "news", "mail.example", sent=100, bounced=50)
    guard = company.brakes()
    assert (await sift(guard, [mail("a")]))[0] == []
    company.now = NOON + DAY
    assert ids((await sift(guard, [mail("a")]))[0]) == ["a"]
    await company.count(TODAY, "news", "mail.example", bounced=9)  # of what went before
    assert ids((await sift(guard, [mail("a")]))[0]) == ["a"]
    await company.count(TODAY + DAY, "news", "mail.example", sent=100, bounced=50)
    assert (await sift(guard, [mail("a")]))[0] == []
    assert [event.time for event in company.told] == [NOON, NOON + DAY]
    assert len({event.id for event in company.told}) == 2


async def test_days_that_are_over_are_swept(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    for days in (0, 2, 4):
        await company.count(TODAY - days * DAY, "news", "mail.example", sent=1)
    await sift(company.brakes(), [mail("a")])
    left = await company.database[TRAFFIC].find({}).to_list()
    assert len(left) == 2


async def test_a_guard_that_is_switched_off_holds_nothing(company: Company) -> None:
    company.rules = rules(guard=None)
    await company.count(TODAY, "news", "mail.example", sent=100, bounced=99)
    assert ids((await sift(company.brakes(), [mail("a")]))[0]) == ["a"]


async def test_one_that_would_be_too_old_by_then_is_looked_at_before(company: Company) -> None:
    await company.count(TODAY, "news", "mail.example", sent=100, bounced=99)
    soon = NOON + timedelta(hours=1)
    old = mail("a").model_copy(update={"expires_at": soon})
    assert (await sift(company.brakes(), [old]))[1] == {soon + timedelta(milliseconds=1): ["a"]}


async def test_a_new_domain_sends_so_many_a_day_all_workers_together(company: Company) -> None:
    company.rules = rules(warm_up=WarmUp(start=TODAY, first=5, factor=2), guard=None)
    one, other = company.brakes(), company.brakes()
    three = [mail(f"m{n}") for n in range(3)]
    service = mail("s", purpose="service")
    assert ids((await sift(one, [*three, service]))[0]) == ["m0", "m1", "m2", "s"]
    going, waits = await sift(other, [*three, service])
    assert ids(going) == ["m0", "m1", "s"]
    midnight = datetime.combine(TODAY + DAY, datetime.min.time(), UTC)
    assert waits == {midnight: ["m2"]}
    company.now = midnight
    going, waits = await sift(one, [mail(f"n{n}") for n in range(12)])
    assert (len(going), sum(map(len, waits.values()))) == (10, 2)
    elsewhere = {"name": "Store", "address": "a@old.example"}
    assert ids((await sift(one, [mail("x", **{"from": elsewhere})]))[0]) == ["x"]


async def test_what_is_held_back_waits_in_the_store_and_says_so_when_it_is_too_late(
    company: Company, runtime: FakeRuntime, inbox: Inbox
) -> None:
    now = datetime.now(UTC)
    company.now = now
    await company.count(now.date(), "news", "mail.example", sent=100, bounced=99)
    to = {"name": "Ada", "address": "ada@mail.example"}
    soon = now + timedelta(seconds=0.5)
    await company.database[COLLECTION].insert_many(
        [row("a", rule="news", to=to), row("b"), row("c", rule="news", to=to, expires_at=soon)]
    )
    port = free_port()
    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port, brakes=company.brakes())
        await sender.round()
        assert runtime.reports == [("b", "sent")]
        waiting = await company.database[COLLECTION].find_one({"_id": "a"})
        assert waiting is not None
        assert waiting["status"] == "ready"
        assert abs(waiting["not_before"] - now - DAY) < timedelta(seconds=1)
        await asyncio.sleep(0.6)
        await sender.round()
    (late,) = [e.data for e in runtime.published if e.subject == "c-c"]
    assert isinstance(late, DeliveryReported)
    assert (late.status, late.error) == ("failed", RATE_LIMITED)


async def test_a_store_that_breaks_under_the_brakes_loses_no_message(
    company: Company, runtime: FakeRuntime, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await company.database[COLLECTION].insert_many([row("a"), row("b")])
    brakes, port = company.brakes(), free_port()

    async def broken(*told: object) -> list[Delivery]:
        raise ConnectionError("the store is away")

    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port, brakes=brakes)
        with monkeypatch.context() as patch:
            patch.setattr(brakes, "unpaused", broken)
            with pytest.raises(ConnectionError):
                await sender.round()
        await asyncio.sleep(1.1)
        while await sender.round():
            pass
    assert sorted(runtime.reports) == [("a", "sent"), ("b", "sent")]
