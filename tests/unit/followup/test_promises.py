"""The gate's promises, over random histories in any order of arrival, across clock changes and in far zones:
nothing without consent, in quiet hours, outside windows, above a cap, during a complaint; and each refusal
says truly what blocked it and when that ends."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.gate.question import ask
from services.followup.domain.gate.steps import STEPS
from services.followup.domain.gate.verdicts import Refuse
from services.followup.domain.rules.caps import FrequencyCap
from services.followup.domain.rules.rule import Rule
from services.followup.domain.state import Planned
from shared.facts.complaints import OPENED, Step, life_of, step_of, with_step
from shared.schemas.complaints import ComplaintsData
from shared.schemas.customers import ConsentChanged, CustomerUpdated
from shared.schemas.outreach import OutreachCancelled, OutreachScheduled, OutreachSent, OutreachSuppressed
from shared.schemas.times import micros
from tests.examples import examples

from .driver import Driver, opened, purchase, reopened, resolved
from .gated import driven, rule

MICRO, HOUR, DAY = timedelta(microseconds=1), timedelta(hours=1), timedelta(days=1)
OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "02:30", "to": "18:00"}
NIGHT = {"from": "21:00", "to": "02:15"}
RULES: Sequence[dict[str, Any]] = (
    rule("news-a", channels=["email", "sms"], topic="events", group="club", priority=5),
    rule("news-b", delay="3h", priority=5, stale_after="8h"),
    rule("news-c", every=False, for_each="order_id", at_most_one_in="2d", delay="1h"),
    rule("urgent", template="note", urgent=True, group="club"),
    rule("calm", template="note", window={"from": "01:00", "to": "23:30"}),
    rule("asks", template="asked", triggers=["complaint.resolved", "purchase.made"], variables=[]),
)
FILE: dict[str, Any] = {
    "frequency_cap": {"max": 4, "per": "5d"},
    "caps": [
        {"max": 2, "per": "day"},
        {"max": 3, "per": "week", "purposes": ["marketing"]},
        {"max": 1, "per": "1d12h", "group": "club"},
        {"max": 6, "per": "month"},
    ],
    "quiet_hours": NIGHT,
    "send_windows": {"marketing": OFFICE},
    "stale_after": "3d",
}
ZONES = [
    "UTC", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu",
    "Africa/Cairo",
]  # fmt: skip
STARTS = [
    datetime(2026, 3, 27, 12, tzinfo=UTC),
    datetime(2026, 10, 23, 12, tzinfo=UTC),
    datetime(2028, 2, 27, 12, tzinfo=UTC),
    datetime(2011, 12, 28, 12, tzinfo=UTC),
]
"""Clocks go forward, and back; a leap day; the day that Apia skipped."""

STEP = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1, 2, 5, 9, 24, 60])),
    st.tuples(st.just("buy"), st.integers(0, 5)),
    st.tuples(st.just("buy"), st.just(0)),
    st.tuples(
        st.just("word"),
        st.sampled_from(["marketing", "marketing", "service", "survey"]),
        st.sampled_from(["email", "sms"]),
        st.sampled_from([None, None, "events"]),
        st.sampled_from([True, True, False]),
        st.integers(0, 30),
    ),
    st.tuples(st.sampled_from(["open", "resolve", "resolve", "reopen"]), st.sampled_from(["k-1", "k-2"])),
    st.tuples(st.just("move"), st.sampled_from(ZONES)),
    st.tuples(st.just("reach"), st.sampled_from(["email", "phone"]), st.booleans()),
    st.tuples(st.just("prefer"), st.sampled_from(["email", "sms", None])),
)


class Onlooker:
    """What one knows of the customer who does not look into the domain's state."""

    def __init__(self, start: datetime) -> None:
        self.driver: Driver = driven(*RULES, now=start, **FILE)
        self.words: dict[tuple[str, str, str | None], tuple[datetime, bool, str]] = {}
        self.complaints: dict[str, tuple[Step, ...]] = {}
        self.resolved: list[tuple[str, datetime]] = []
        self.zone = ZoneInfo("UTC")
        self.address: dict[str, bool] = {"email": True, "phone": True}
        self.told = 0
        self.counted: list[tuple[str, str, datetime]] = []
        self.driver.event(CustomerUpdated(phone="+49301234567"))
        self.word("marketing", "email", None, True, 0)
        self.word("survey", "email", None, True, 0)

    def step(self, name: str, *values: Any) -> None:
        getattr(self, name)(*values)
        self.check()

    def wait(self, hours: int) -> None:
        self.driver.after(hours * HOUR)

    def next(self) -> str:
        self.told += 1
        return f"told-{self.told}"

    def buy(self, hours_ago: int) -> None:
        self.driver.event(purchase(self.next()), at=self.driver.now - hours_ago * HOUR)

    def word(self, purpose: str, channel: str, topic: str | None, granted: bool, hours_ago: int) -> None:
        about, at, id = (purpose, channel, topic), self.driver.now - hours_ago * HOUR, self.next()
        if about not in self.words or at >= self.words[about][0]:
            self.words[about] = (at, granted, id)
        said = {"purpose": purpose, "channel": channel, "topic": topic, "granted": granted}
        self.driver.event(ConsentChanged.model_validate(said), at=at, id=id)

    def complain(self, data: ComplaintsData) -> None:
        step = step_of(data, micros(self.driver.now))
        known = self.complaints.get(data.complaint_id, ())
        assert step is not None
        if step.kind != OPENED or all(one.kind != OPENED for one in known):
            self.complaints[data.complaint_id] = with_step(known, step)
        self.driver.event(data)

    def open(self, id: str) -> None:
        self.complain(opened(id))

    def resolve(self, id: str) -> None:
        self.resolved.append((id, self.driver.now))
        self.complain(resolved(id))

    def reopen(self, id: str) -> None:
        self.complain(reopened(id))

    def move(self, where: str) -> None:
        self.zone = ZoneInfo(where)
        self.driver.event(CustomerUpdated(timezone=where))

    def reach(self, what: str, there: bool) -> None:
        self.address[what] = there
        value = {"email": "ada@example.org", "phone": "+49301234567"}[what] if there else None
        self.driver.event(CustomerUpdated.model_validate({what: value}))

    def prefer(self, channel: str | None) -> None:
        self.driver.event(CustomerUpdated(preferred_channel=channel))

    # --- what must be true

    def check(self) -> None:
        cited = {fact.outreach_id: fact.consent for fact in self.driver.facts(OutreachSent)}
        for message in self.driver.sent[len(self.counted) :]:
            mine = next(one for one in self.driver.policy.rules.rules if one.name == message["rule"])
            self.consented(message, mine, cited[message["_id"]])
            self.in_time(message, mine)
            if message["purpose"] != "service":
                about = self.about(message)
                others = (steps for name, steps in self.complaints.items() if name not in about)
                assert not any(life_of(steps).is_open for steps in others), "complains"
            self.below_caps(message, mine)
            self.counted.append((message["rule"], message["purpose"], message["at"]))

    def about(self, message: dict[str, Any]) -> set[str]:
        """The complaints that may have started it, which do not hold it: one may be resolved and reopened in
        one instant."""
        resolved_then = {name for name, at in self.resolved if at == message["due_at"]}
        return resolved_then if message["rule"] == "asks" else set()

    def consented(self, message: dict[str, Any], mine: Rule, cited: Any) -> None:
        purpose, channel = message["purpose"], message["channel"]
        word = self.words.get((purpose, channel, mine.topic)) or self.words.get((purpose, channel, None))
        assert self.address["email" if channel == "email" else "phone"]
        if word is None:
            assert purpose == "service"
            assert cited is None
            return
        _, granted, id = word
        assert granted, "sent without consent"
        assert cited.id == id, "it was another word"

    def in_time(self, message: dict[str, Any], mine: Rule) -> None:
        local = message["at"].astimezone(self.zone)
        if not mine.urgent:
            assert time(2, 15) <= local.time() < time(21), "at night"
        if message["purpose"] == "marketing":
            assert local.weekday() < 5, "at the weekend"
            assert time(2, 30) <= local.time() < time(18), "out of its window"
        if mine.window is not None:
            assert time(1) <= local.time() < time(23, 30), "out of its rule's window"
        stale = 8 * HOUR if mine.name == "news-b" else 3 * DAY
        assert message["at"] <= message["due_at"] + stale, "stale"

    def below_caps(self, message: dict[str, Any], mine: Rule) -> None:
        rules, at = self.driver.policy.rules, message["at"]
        if message["purpose"] == "service":
            return
        for cap in rules.all_caps:
            if message["purpose"] not in cap.purposes or cap.group not in (None, mine.group):
                continue
            since = at - cap.per + MICRO if isinstance(cap.per, timedelta) else self.begins(cap, at)
            before = [
                one
                for name, purpose, one in self.counted
                if purpose in cap.purposes and one >= since and self.in_group(name, cap)
            ]
            assert len(before) < cap.max, f"above {cap.words}"

    def in_group(self, name: str, cap: FrequencyCap) -> bool:
        known = self.driver.policy.rules.rule(name)
        return cap.group is None or (known is not None and known.group == cap.group)

    def begins(self, cap: FrequencyCap, at: datetime) -> datetime:
        """Found by walking back: the first minute whose local date is still of the period."""
        today = at.astimezone(self.zone).date()
        first = {"day": today, "week": today - timedelta(days=today.weekday()), "month": today.replace(day=1)}
        start: date = first[str(cap.per)]
        moment = at.replace(minute=0, second=0, microsecond=0)
        while moment.astimezone(self.zone).date() >= start:
            moment -= timedelta(minutes=15)
        return moment + timedelta(minutes=15)

    def told_truly(self) -> None:
        """Of all that was suppressed, and of each step as it stands."""
        order = ["erased", "no_consent", "condition_unmet", "address_suppressed", "stale", "open_complaint",
                 "outranked", "duplicate", "frequency_cap", "quiet_hours", "send_window"]  # fmt: skip
        for fact in self.driver.facts(OutreachSuppressed):
            assert fact.reason == fact.blocked_by[0]
            places = [order.index(reason) for reason in fact.blocked_by]
            assert places == sorted(set(places))
        for mine in self.driver.policy.rules.rules:
            self.ends_when_it_says(mine)

    def ends_when_it_says(self, mine: Rule) -> None:
        driver, now = self.driver, micros(self.driver.now)
        purpose = driver.policy.rules.purpose(mine.template)
        asked = Planned(
            at=now, by=now, outreach_id="asked", key=mine.name, rule=mine.name, template=mine.template,
            purpose=purpose, channel=mine.ways[0], due_at=now,
        )  # fmt: skip
        for step in STEPS:
            verdict = step.look(ask(driver.state, driver.policy, asked, now))
            if verdict is None or step.name == "outranked":  # that one's fate is not known
                continue
            ends = verdict.next_at if isinstance(verdict, Refuse) else verdict.until
            if ends is None:
                continue
            assert ends > now
            assert step.look(ask(driver.state, driver.policy, asked, ends)) is None, step.name
            before = step.look(ask(driver.state, driver.policy, asked, ends - 1))
            assert before is not None, step.name
            assert before.reason == verdict.reason


def run(start: datetime, steps: list[tuple[Any, ...]]) -> Onlooker:
    world = Onlooker(start)
    for step in steps:
        world.step(*step)
        world.told_truly()
    world.step("wait", 24 * 12)
    world.told_truly()
    return world


@given(st.sampled_from(STARTS), st.sampled_from(ZONES), st.lists(STEP, max_size=25))
@settings(max_examples=examples(120), deadline=None)
def test_what_the_gate_promises(start: datetime, where: str, steps: list[tuple[Any, ...]]) -> None:
    world = run(start, [("move", where), *steps])
    assert not world.driver.state.planned
    kinds = (OutreachSuppressed, OutreachCancelled, OutreachSent)
    ends = [fact.outreach_id for kind in kinds for fact in world.driver.facts(kind)]
    assert len(set(ends)) == len(ends)
    assert {one.outreach_id for one in world.driver.facts(OutreachScheduled)} <= set(ends)


def test_a_question_about_a_complaint_is_not_held_by_that_one() -> None:
    steps = [("open", "k-1"), ("reopen", "k-1"), ("resolve", "k-1")]
    assert run(STARTS[0], steps).counted[0][0] == "asks"


def test_the_onlooker_sees_all_kinds_of_ends() -> None:
    """The promises above are about something."""
    buys = [("buy", 0), ("wait", 9)] * 14
    complains = [("open", "k-1"), *buys[:6], ("resolve", "k-1")]
    refuses = [
        ("word", "marketing", "email", "events", False, 0),
        ("word", "survey", "email", None, False, 0),
    ]
    refuses += [("wait", 60), ("wait", 60), *buys]
    world = run(STARTS[0], [("move", "Asia/Kathmandu"), *buys, *complains, *refuses])
    assert {name for name, _, _ in world.counted} == {one["name"] for one in RULES}
    reasons = {fact.reason for fact in world.driver.facts(OutreachSuppressed)}
    assert reasons >= {"open_complaint", "frequency_cap", "send_window"}
