"""The guard and the warm-up: what is counted, when marketing to a domain pauses, and for how long."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.followup.domain.deliverability.guard import Tally, first_day
from services.followup.domain.deliverability.limits import GuardPolicy, WarmUp
from services.followup.domain.rows import CEILINGS, PAUSES, TRAFFIC, Delivery
from services.followup.domain.rules.rules import Rules
from services.followup.sending import brakes as module
from services.followup.sending.brakes import SOURCE, Brakes
from shared.schemas.event import Event
from shared.schemas.outreach import OutreachPaused

from .driver import DAY, NOON, Driver, reachable, rules
from .mailserver import Database, delivery
from .test_receipts import NEWS, NOTE, asked, receipt

TODAY = NOON.date()


def traffic(driver: Driver) -> dict[str, tuple[int, int, int]]:
    return {
        row["key"]: (row.get("sent", 0), row.get("bounced", 0), row.get("complained", 0))
        for row in driver.worker.rows(TRAFFIC)
    }


def test_marketing_mail_is_counted_on_the_day_it_went() -> None:
    driver = reachable(Driver())
    asked(driver, NOTE)
    ids = [asked(driver, NEWS) for _ in range(3)]
    key = f"{TODAY} manual example.org"
    assert traffic(driver) == {key: (3, 0, 0)}
    driver.after(DAY)
    for _ in range(2):
        driver.event(receipt(ids[0], kind="hard", code="5.1.1"))
        driver.event(receipt(ids[1], kind="soft", code="4.2.2"))  # full: nobody's fault
        driver.event(receipt(ids[1], "delivered"))
        driver.event(receipt(ids[2], code="5.7.1"))
        driver.event(receipt(ids[2], "complained"))
    assert traffic(driver) == {key: (3, 2, 1)}


def test_what_is_refused_at_once_counts_as_gone_and_come_back() -> None:
    driver = reachable(Driver(instant=False))
    asked(driver, NEWS)
    driver.deliver("failed", "554 5.7.1 blocked", "5.7.1")
    asked(driver, NEWS)
    driver.deliver("failed", "554 no")
    assert traffic(driver) == {f"{TODAY} manual example.org": (1, 1, 0)}


@pytest.mark.parametrize(
    ("tally", "why"),
    [
        (Tally(99, 99, 99), None),
        (Tally(100, 5, 0), None),
        (Tally(100, 6, 0), "bounces"),
        (Tally(100, 0, 2), None),  # two people are no rate
        (Tally(1000, 0, 3), None),
        (Tally(1000, 0, 4), "complaints"),
    ],
)
def test_when_it_is_too_much(tally: Tally, why: str | None) -> None:
    assert tally.too_much(GuardPolicy()) == why


def test_after_a_pause_only_what_is_new_counts() -> None:
    assert first_day(GuardPolicy(days=3), date(2026, 3, 5), None) == date(2026, 3, 3)
    assert first_day(GuardPolicy(days=3), date(2026, 3, 5), date(2026, 3, 4)) == date(2026, 3, 4)
    assert first_day(GuardPolicy(days=3), date(2026, 3, 9), date(2026, 3, 4)) == date(2026, 3, 7)


@given(st.integers(-10, 60))
def test_the_ceiling_rises_and_ends(day: int) -> None:
    warm = WarmUp(start=TODAY, first=50, factor=2, days=10)
    ceiling = warm.ceiling(TODAY + timedelta(days=day))
    assert ceiling == (None if day >= 10 else 50 * 2 ** max(day, 0))


@pytest.mark.parametrize(
    "bad",
    [
        {"guard": {"bounces": 0}},
        {"guard": {"complaints": 1.1}},
        {"guard": {"pause": "1h"}},
        {"guard": {"days": 0}},
        {"warm_up": {"start": "2026-03-01", "factor": 0.5}},
        {"warm_up": {}},
        {"soft_bounces": {"max": 0}},
    ],
)
def test_bad_limits_are_refused(bad: dict[str, Any]) -> None:
    told = rules().model_dump(by_alias=True)
    with pytest.raises(ValidationError):
        Rules.model_validate({**told, **bad})


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
        return Brakes(self.database, lambda: self.rules, self.publish, lambda: self.now)

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
        going, waits = await guard.sift(waiting)
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
        await company.brakes().sift([mail("a")])
    company.away = False
    for _ in range(2):
        assert (await company.brakes().sift([mail("a")]))[0] == []
    assert [event.data.why for event in company.told] == ["complaints"]  # type: ignore[attr-defined]


async def test_it_goes_on_after_the_pause_and_pauses_again(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    await company.count(TODAY, "news", "mail.example", sent=100, bounced=50)
    guard = company.brakes()
    assert (await guard.sift([mail("a")]))[0] == []
    company.now = NOON + DAY
    assert ids((await guard.sift([mail("a")]))[0]) == ["a"]
    await company.count(TODAY, "news", "mail.example", bounced=9)  # of what went before
    assert ids((await guard.sift([mail("a")]))[0]) == ["a"]
    await company.count(TODAY + DAY, "news", "mail.example", sent=100, bounced=50)
    assert (await guard.sift([mail("a")]))[0] == []
    assert [event.time for event in company.told] == [NOON, NOON + DAY]
    assert len({event.id for event in company.told}) == 2


async def test_days_that_are_over_are_swept(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    for days in (0, 2, 4):
        await company.count(TODAY - days * DAY, "news", "mail.example", sent=1)
    await company.brakes().sift([mail("a")])
    left = await company.database[TRAFFIC].find({}).to_list()
    assert len(left) == 2


async def test_a_guard_that_is_switched_off_holds_nothing(company: Company) -> None:
    company.rules = rules(guard=None)
    await company.count(TODAY, "news", "mail.example", sent=100, bounced=99)
    assert ids((await company.brakes().sift([mail("a")]))[0]) == ["a"]


async def test_one_that_would_be_too_old_by_then_is_looked_at_before(company: Company) -> None:
    await company.count(TODAY, "news", "mail.example", sent=100, bounced=99)
    soon = NOON + timedelta(hours=1)
    old = mail("a").model_copy(update={"expires_at": soon})
    assert (await company.brakes().sift([old]))[1] == {soon + timedelta(milliseconds=1): ["a"]}


async def test_a_new_domain_sends_so_many_a_day_all_workers_together(company: Company) -> None:
    company.rules = rules(warm_up=WarmUp(start=TODAY, first=5, factor=2), guard=None)
    one, other = company.brakes(), company.brakes()
    three = [mail(f"m{n}") for n in range(3)]
    service = mail("s", purpose="service")
    assert ids((await one.sift([*three, service]))[0]) == ["m0", "m1", "m2", "s"]
    going, waits = await other.sift([*three, service])
    assert ids(going) == ["m0", "m1", "s"]
    midnight = datetime.combine(TODAY + DAY, datetime.min.time(), UTC)
    assert waits == {midnight: ["m2"]}
    company.now = midnight
    going, waits = await one.sift([mail(f"n{n}") for n in range(12)])
    assert (len(going), sum(map(len, waits.values()))) == (10, 2)
    elsewhere = {"name": "Store", "address": "a@old.example"}
    assert ids((await one.sift([mail("x", **{"from": elsewhere})]))[0]) == ["x"]
