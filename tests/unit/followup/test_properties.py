"""Whatever the order of purchases, consents, complaints, timers and deliveries: no message without
consent, in quiet hours, during a complaint, above the cap, too soon, too late, or twice."""

import contextlib
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.followup.domain.rules.caps import FrequencyCap
from services.followup.domain.rules.quiet import quiet_until, zone
from shared.domain import RefusedError
from shared.facts.complaints import OPENED, Step, life_of, step_of, with_step
from shared.schemas.base import Data
from shared.schemas.commands.followup import OutreachRequested
from shared.schemas.complaints import ComplaintsData
from shared.schemas.customers import CustomerErased
from shared.schemas.loyalty import RewardIssued
from shared.schemas.outreach import OutreachCancelled, OutreachFailed, OutreachSent, OutreachSuppressed
from shared.schemas.timer import TimerFired
from shared.schemas.times import micros
from tests.examples import examples

from .driver import (
    DAY,
    HOUR,
    NOON,
    Driver,
    granted,
    opened,
    policy,
    profile,
    purchase,
    reopened,
    resolved,
    reward,
    rules,
    tier,
)

CAP = FrequencyCap.model_validate({"max": 2, "per": "25d"})
SHIPPED = rules()
FASTER = {"thank-you": {"at_most_one_in": 10 * DAY}, "win-back": {"delay": 8 * DAY}}
"""Shorter times, so that few steps lead to sends that meet."""
RULES = rules(
    frequency_cap=CAP,
    rules=tuple(rule.model_copy(update=FASTER.get(rule.name, {})) for rule in SHIPPED.rules),
)
ZONES = [None, "Asia/Tokyo", "America/New_York", "Europe/Berlin"]

HOURS = st.one_of(st.integers(0, 30), st.integers(0, 24 * 12))
STATUS = st.sampled_from(["sent", "sent", "sent", "failed", "in_doubt"])
STEP = st.one_of(
    st.tuples(st.just("wait"), HOURS),
    st.tuples(st.just("buy"), st.integers(0, 100)),
    st.tuples(st.just("shop"), st.integers(2, 60), STATUS),
    st.tuples(st.just("shop"), st.integers(24 * 4, 24 * 14), STATUS),
    st.tuples(st.just("shop"), st.integers(2, 24), st.just(None)),
    st.tuples(st.just("news"), st.integers(1, 4)),
    st.tuples(st.just("program"), st.sampled_from(["reward", "up", "down", "spent"]), st.integers(0, 50)),
    st.tuples(st.just("down"), st.integers(0, 24 * 6)),
    st.tuples(st.just("consent"), st.booleans(), st.integers(0, 50)),
    st.tuples(st.just("consent"), st.just(True), st.integers(0, 50)),
    st.tuples(st.just("service"), st.booleans(), st.just(0)),
    st.tuples(st.sampled_from(["open", "resolve", "resolve", "reopen"]), st.integers(1, 2)),
    st.tuples(st.just("move"), st.sampled_from(ZONES)),
    st.tuples(st.just("deliver"), STATUS),
    st.tuples(st.just("again"), st.integers(0, 5)),
)
STEPS = st.lists(STEP, max_size=30)


class World:
    """The driver, and what an onlooker knows of the customer without reading the domain's state."""

    def __init__(self) -> None:
        self.driver = Driver(policy=policy(RULES), instant=False)
        self.words: dict[str, tuple[datetime, bool]] = {}
        self.steps: dict[str, tuple[Step, ...]] = {}
        self.zone: str | None = None
        self.bought = 0
        self.rises = 0
        self.erased = False
        self.went: list[dict[str, Any]] = []
        """Each message that went, also those in the mail of another."""
        self.driver.event(profile())
        self.do_consent(True, 0)

    def step(self, name: str, *values: Any) -> None:
        getattr(self, f"do_{name}")(*values)

    def do_wait(self, hours: int) -> None:
        self.driver.after(timedelta(hours=hours))

    def do_buy(self, hours_ago: int) -> None:
        self.bought += 1
        self.driver.event(purchase(f"o-{self.bought}"), at=self.driver.now - timedelta(hours=hours_ago))

    def do_shop(self, hours: int, status: str | None) -> None:
        """Buy, some hours pass, what is ready goes (or not yet): what mostly leads to a message."""
        self.do_buy(0)
        self.do_wait(hours)
        if status is not None:
            self.do_deliver(status)

    def do_program(self, what: str, hours: int) -> None:
        """The loyalty program tells something, and some hours pass."""
        told: dict[str, Data] = {
            "reward": reward(),
            "up": tier("gold"),
            "down": tier("bronze", "down"),
            "spent": RewardIssued(reward_id="r", voucher_code="v", expires_at=NOON),
        }
        self.rises += what == "up"
        self.driver.event(told[what])
        self.do_wait(hours)
        self.do_deliver("sent")

    def do_news(self, count: int) -> None:
        for _ in range(count):
            with contextlib.suppress(RefusedError):
                text = {"subject": "s", "message": "m"}
                self.driver.event(OutreachRequested(template="news", variables=text))

    def do_down(self, hours: int) -> None:
        """The worker is away: time passes and no timer fires."""
        self.driver.now += timedelta(hours=hours)

    def word(self, purpose: str, word: bool, hours_ago: int) -> None:
        at = self.driver.now - timedelta(hours=hours_ago)
        self.driver.event(granted(purpose, word), at=at)
        if purpose not in self.words or at >= self.words[purpose][0]:
            self.words[purpose] = (at, word)

    def do_consent(self, word: bool, hours_ago: int) -> None:
        self.word("marketing", word, hours_ago)

    def do_service(self, word: bool, hours_ago: int) -> None:
        self.word("service", word, hours_ago)

    def complain(self, data: ComplaintsData) -> None:
        """Steps in any order, impossible ones too: a second opening is a copy."""
        self.driver.event(data)
        step = step_of(data, micros(self.driver.now))
        known = self.steps.get(data.complaint_id, ())
        assert step is not None
        if step.kind != OPENED or all(one.kind != OPENED for one in known):
            self.steps[data.complaint_id] = with_step(known, step)

    @property
    def complains(self) -> bool:
        return any(life_of(steps).is_open for steps in self.steps.values())

    def do_open(self, number: int) -> None:
        self.complain(opened(f"k-{number}"))

    def do_resolve(self, number: int) -> None:
        self.complain(resolved(f"k-{number}"))

    def do_reopen(self, number: int) -> None:
        self.complain(reopened(f"k-{number}"))

    def do_move(self, where: str | None) -> None:
        self.driver.event(profile(timezone=where))
        self.zone = where

    def do_again(self, which: int) -> None:
        """A timer that has fired fires once more, under another id."""
        fired = sorted(self.driver.fired)
        if fired:
            name, at = fired[which % len(fired)]
            self.driver.event(TimerFired(name=name, due_at=at), at=at)

    def do_erase(self) -> None:
        self.driver.event(CustomerErased())
        self.erased = True

    def do_deliver(self, status: str) -> None:
        before = len(self.driver.sent)
        ready = [row for row in self.driver.rows.values() if row["status"] == "ready"]
        self.driver.deliver(status)
        for mail in self.driver.sent[before:]:
            when = {name: mail[name] for name in ("at", "decided_at")}
            together = [row | when for row in ready if row.get("mail", row["_id"]) == mail["_id"]]
            assert mail["_id"] in {row["_id"] for row in together}
            for message in together:
                self.check(message)
            self.went += together

    def check(self, message: dict[str, Any]) -> None:
        """What must be true of a message at the moment it goes."""
        purpose = message["purpose"]
        word = self.words.get(purpose, (NOON, purpose == "service"))[1]
        assert word, "sent without consent"
        assert not self.erased, "sent to one who was erased"
        if purpose == "marketing":
            assert not self.complains, "marketing during a complaint"
        assert message["decided_at"] <= message["due_at"] + 3 * DAY, "stale"

    def check_all(self) -> None:
        sent = self.went
        assert max(Counter(m["_id"] for m in sent).values(), default=0) <= 1, "sent twice"
        marketing = sorted(m["at"] for m in self.driver.sent if m["purpose"] == "marketing")
        for first, third in zip(marketing, marketing[CAP.max :], strict=False):
            assert third - first >= CAP.per, "above the cap"
        for rule in RULES.rules:
            times = sorted(m["at"] for m in sent if m["rule"] == rule.name)
            for one, other in pairwise(times):
                assert other - one >= (rule.at_most_one_in or timedelta(0)), f"two of {rule.name} too near"
        assert sum(m["rule"] == "tier-up" for m in sent) <= self.rises, "congratulated on a fall"
        ends = Counter(
            emit.data.outreach_id
            for emit in self.driver.emitted
            if isinstance(emit.data, OutreachSent | OutreachFailed | OutreachSuppressed | OutreachCancelled)
        )
        assert max(ends.values(), default=0) <= 1, "an outreach ended twice"


def run(steps: list[tuple[Any, ...]]) -> World:
    world = World()
    for step in steps:
        decided = {row["_id"] for row in world.driver.rows.values() if row["status"] == "ready"}
        where = zone(world.zone, RULES.timezone)
        world.step(*step)
        rows = world.driver.rows
        for row in rows.values():
            if row["status"] == "ready" and row["_id"] not in decided:
                at = rows[row.get("mail", row["_id"])]["decided_at"]
                assert quiet_until(at, where, RULES.quiet_hours) is None, "decided at night"
    world.check_all()
    return world


IN_ONE_MAIL: list[tuple[Any, ...]] = [
    ("shop", 2, "sent"),
    ("shop", 96, "sent"),
    ("buy", 0),
    ("down", 134),
    ("program", "reward", 50),
    ("buy", 0),
    ("wait", 2),
]
"""A reward and the thanks go in one mail, whose instant the row of the first says."""


@given(STEPS)
@example(IN_ONE_MAIL)
@settings(max_examples=examples(400), deadline=None)
def test_nothing_goes_that_must_not(steps: list[tuple[Any, ...]]) -> None:
    run(steps)


def test_the_onlooker_sees_each_message_of_a_mail() -> None:
    world = run([*IN_ONE_MAIL, ("deliver", "sent")])
    assert [message["rule"] for message in world.went[-2:]] == ["reward-available", "thank-you"]
    assert len(world.driver.sent) == len(world.went) - 1


@given(STEPS, STEPS)
@settings(max_examples=examples(80), deadline=None)
def test_after_an_erasure_nothing_goes_and_nothing_is_left(
    before: list[tuple[Any, ...]], after: list[tuple[Any, ...]]
) -> None:
    world = run([*before, ("erase",), *after, ("wait", 24 * 100), ("deliver", "sent")])
    assert not world.driver.timers
    assert not world.driver.state.planned
    assert "Ada" not in str(world.driver.rows)


def test_the_onlooker_sees_messages_go() -> None:
    """The properties above are about something: this ordinary course sends both kinds."""
    world = run(
        [
            ("consent", True, 0),
            ("buy", 0),
            ("open", 1),
            ("resolve", 1),
            *[("wait", 12), ("deliver", "sent")] * 20,
        ]
    )
    assert [m["rule"] for m in world.driver.sent] == ["thank-you", "complaint-check", "win-back"]
    assert world.driver.sent[0]["at"] >= NOON + 2 * HOUR
