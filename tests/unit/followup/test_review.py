"""A rule that is new in the file meets customers of whom nothing is heard, once, with what it may say."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.followup.domain.journeys.review import fingerprint, needed
from services.followup.domain.policy import Policy
from services.followup.domain.rows import SWEEPS
from services.followup.sweep import BETWEEN_ROUNDS, LEASE, LOOK, PAUSE_SECONDS, Sweeper, sweep
from shared.journal.later import state_text
from shared.schemas.commands.rules import RulesReviewRequested
from shared.schemas.customers import CustomerErased, CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.times import micros

from .driver import DAY, NOON, Driver, granted, profile, purchase, refusal, written
from .mailserver import Database

BIRTHDAY = '{name: day, triggers: [{date: profile.birthday, at: "09:00"}], template: welcome}'
BEFORE = '{name: soon, triggers: [{date: profile.birthday, offset: -7d, at: "09:00"}], template: win-back}'
QUIET = "{name: quiet, triggers: [{silence: purchase.made, for: 20d}], template: win-back}"
QUIETER = "{name: quieter, triggers: [{silence: purchase.made, for: 30d}], template: welcome}"
USUAL = (
    "{name: usual, triggers: [{silence: purchase.made, usual: 2, at_least: 30d}], "
    "if: 'purchases.count > 1', template: welcome}"
)
COUNTED = (
    "{name: thanks, triggers: [purchase.made], delay: 1h, if: 'purchases.count > 9', template: thank-you}"
)


def file(*rules: str, more: str = "") -> Policy:
    return written("$HEAD\nrules:\n" + "\n".join(f"  - {rule}" for rule in rules) + more)


def silent(*rules: str, now: datetime = NOON) -> Driver:
    """A customer with a birthday on 20 March who bought once, and of whom nothing is heard since."""
    driver = Driver(policy=file(*rules), now=now)
    for told in (profile(birthday="1990-03-20"), granted(), purchase()):
        driver.event(told)
    return driver


def reviewed(driver: Driver, *rules: str, more: str = "") -> Driver:
    driver.policy = file(*rules, more=more)
    driver.event(RulesReviewRequested(rules="x"))
    return driver


def went(driver: Driver, days: int = 60) -> list[tuple[str, datetime]]:
    driver.after(days * DAY)
    return [(message["rule"], message["at"]) for message in driver.sent]


def test_a_new_date_begins_without_a_fact() -> None:
    found = went(reviewed(silent(BIRTHDAY), BIRTHDAY, BEFORE))
    assert found == [
        ("soon", datetime(2026, 3, 13, 9, tzinfo=UTC)),
        ("day", datetime(2026, 3, 20, 9, tzinfo=UTC)),
    ]


def test_a_new_silence_counts_from_what_another_rule_has_noted() -> None:
    driver = silent(QUIET)
    driver.after(5 * DAY)
    assert went(reviewed(driver, QUIET, QUIETER)) == [
        ("quiet", NOON + 20 * DAY),
        ("quieter", NOON + 30 * DAY),
    ]


def test_a_new_silence_counts_from_the_past_that_conditions_ask_about() -> None:
    driver = silent(COUNTED)
    driver.after(5 * DAY)
    assert went(reviewed(driver, COUNTED, QUIETER)) == [("quieter", NOON + 30 * DAY)]


def test_a_silence_that_was_over_long_ago_is_history() -> None:
    driver = silent(QUIET)
    driver.after(100 * DAY)
    before = driver.state
    reviewed(driver, QUIET, QUIETER)
    assert driver.state == before
    assert [rule for rule, _ in went(driver)] == ["quiet"]


def test_the_rhythm_is_taken_over() -> None:
    driver = Driver(policy=file(USUAL))
    driver.event(profile())
    driver.event(granted())
    for number in range(4):
        driver.event(purchase(f"o-{number}"))
        driver.after(20 * DAY)
    other = USUAL.replace("name: usual", "name: other")
    found = went(reviewed(driver, USUAL, other))
    assert sorted(found) == [("other", NOON + 100 * DAY), ("usual", NOON + 100 * DAY)]


def test_told_again_it_does_nothing() -> None:
    driver = reviewed(silent(BIRTHDAY, QUIET), BIRTHDAY, BEFORE, QUIET, QUIETER)
    after, timers = driver.state, driver.timers
    driver.event(RulesReviewRequested(rules="x"))
    assert (driver.state, driver.timers) == (after, timers)
    assert not needed(after, driver.policy, micros(driver.now))


def test_nobody_who_was_erased_is_looked_at() -> None:
    driver = silent(BIRTHDAY)
    driver.event(CustomerErased())
    assert refusal(driver, RulesReviewRequested(rules="x")).code == "erased"
    assert not driver.timers


def test_a_rule_of_a_later_version_counts_the_silence_before_it() -> None:
    """The message is judged by the version that has its rule."""
    driver = silent(QUIET)
    rules = f"\n---\neffective: 2026-03-10\n$HEAD\nrules:\n  - {QUIET}\n  - {QUIETER}"
    assert went(reviewed(driver, QUIET, more=rules)) == [
        ("quiet", NOON + 20 * DAY),
        ("quieter", NOON + 30 * DAY),
    ]


def test_what_stands_for_the_rules() -> None:
    assert fingerprint(file(COUNTED)) is None
    names = {fingerprint(file(*some)) for some in ((BIRTHDAY,), (BEFORE,), (BIRTHDAY, BEFORE), (QUIET,))}
    assert len(names) == 4
    assert fingerprint(file(BIRTHDAY, COUNTED)) == fingerprint(file(BIRTHDAY))


# --- the sweep, on a store


class Runtime:
    """A worker's, with what was published."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.stopping = asyncio.Event()
        self.published: list[Event] = []

    async def publish_events(self, events: Sequence[Event]) -> None:
        self.published += events


@pytest.fixture
async def store(database: Database) -> Database:
    await database[SWEEPS].delete_many({})
    known, other = silent(BIRTHDAY), silent(BIRTHDAY)
    other.event(CustomerUpdated.model_validate({"birthday": None}))
    texts = {f"c-{n:04}": state_text((other if n % 3 else known).state) for n in range(450)}
    documents: list[dict[str, Any]] = [{"_id": id, "data": text, "version": 1} for id, text in texts.items()]
    documents.append({"_id": "product/tea", "data": "{}", "version": 1})
    await database["state"].insert_many(documents)
    return database


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def sweeper(runtime: Runtime, clock: Clock, policy: Policy | None = None) -> Sweeper:
    return Sweeper(policy or file(BIRTHDAY, BEFORE), runtime, "rules-1", clock)


async def test_all_whom_a_rule_concerns_are_told_and_nobody_else(store: Database) -> None:
    runtime, clock = Runtime(store), Clock()
    one = sweeper(runtime, clock)
    waits = [await one.look() for _ in range(3)]
    assert waits == [PAUSE_SECONDS] * 3
    assert [event.subject for event in runtime.published] == [f"c-{n:04}" for n in range(0, 450, 3)]
    assert {type(event.data) for event in runtime.published} == {RulesReviewRequested}
    # They are told once more an hour later, if they are still in want of it, and that three times at most.
    clock.now += BETWEEN_ROUNDS
    ids = {event.id for event in runtime.published}
    while await one.look() is not None:
        clock.now += BETWEEN_ROUNDS
    assert len({event.id for event in runtime.published}) == 3 * len(ids)
    assert await sweeper(runtime, clock).look() is None


async def test_a_round_that_finds_nobody_is_the_last(store: Database) -> None:
    runtime, clock = Runtime(store), Clock()
    one = sweeper(runtime, clock, file(BIRTHDAY))
    assert [await one.look() for _ in range(3)] == [PAUSE_SECONDS, PAUSE_SECONDS, None]
    assert not runtime.published


async def test_no_place_where_rules_of_before_stood_names_anybody(store: Database) -> None:
    runtime, clock = Runtime(store), Clock()
    before = Sweeper(file(BIRTHDAY, BEFORE), runtime, "rules-0", clock)
    await before.look()
    assert (await store[SWEEPS].find_one({"_id": "rules-0"}) or {})["after"]
    clock.now += LEASE
    while await sweeper(runtime, clock, file(BIRTHDAY)).look() is not None:
        clock.now += LEASE
    assert [row["after"] for row in await store[SWEEPS].find({}).to_list()] == ["", ""]
    # They come back, and all are looked at.
    clock.now += LEASE
    again = Sweeper(file(BIRTHDAY, BEFORE), runtime, "rules-0", clock)
    begun = len(runtime.published)
    await again.look()
    assert runtime.published[begun].subject == "c-0000"


async def test_it_goes_on_where_it_stood_and_one_worker_is_at_it(store: Database) -> None:
    runtime, clock = Runtime(store), Clock()
    first, second = sweeper(runtime, clock), sweeper(runtime, clock)
    await first.look()
    assert await second.look() == LEASE.total_seconds()
    told = len(runtime.published)
    clock.now += LEASE + timedelta(seconds=1)  # the first is gone
    assert await second.look() == PAUSE_SECONDS
    assert runtime.published[told].subject > f"c-{LOOK - 1:04}"
    assert await first.look() == LEASE.total_seconds()


async def test_a_broker_that_is_away_loses_nobody(store: Database) -> None:
    runtime, clock = Runtime(store), Clock()
    one, publish = sweeper(runtime, clock), runtime.publish_events

    async def away(events: Sequence[Event]) -> None:
        raise ConnectionError("away")

    runtime.publish_events = away
    with pytest.raises(ConnectionError):
        await one.look()
    runtime.publish_events = publish
    for _ in range(3):
        await one.look()
    assert len(runtime.published) == 150


BAD: list[dict[str, Any]] = [
    {"data": '{"customer_id": 5, "planned": "secret"}'},
    {"data": "no state"},
    {"data": None},
    {"version": 2},
]


@pytest.mark.parametrize("bad", BAD, ids=str)
async def test_what_cannot_be_read_holds_up_nobody_else(store: Database, bad: dict[str, Any]) -> None:
    """Wherever it stands: the first of a look, and the last."""
    for id in ("c-", f"c-{LOOK - 2:04}-", "c-9999"):
        await store["state"].insert_one({"_id": id, **bad})
    runtime, clock = Runtime(store), Clock()
    one = sweeper(runtime, clock)
    with capture_logs() as logs:
        assert [await one.look() for _ in range(3)] == [PAUSE_SECONDS] * 3
    assert [event.subject for event in runtime.published] == [f"c-{n:04}" for n in range(0, 450, 3)]
    told = [entry for entry in logs if entry["log_level"] == "error"]
    assert "secret" not in str(told), "what it holds is not for a log"
    assert [entry["customer"] for entry in told] == ["c-", f"c-{LOOK - 2:04}-", "c-9999"]
    await store["state"].delete_many({})
    clock.now += BETWEEN_ROUNDS
    assert await one.look() is None


async def test_it_ends_by_itself(store: Database) -> None:
    runtime = Runtime(store)
    await sweep(file(COUNTED), runtime)
    assert not await store[SWEEPS].find().to_list()
    await store["state"].delete_many({})
    await sweep(file(BIRTHDAY), runtime)
    assert (await store[SWEEPS].find_one({}) or {})["done"]
