"""Two or three ids of one person, merged and unmerged at any time, with what is handed over and relayed
arriving whenever it does, and copies: the gate's promises hold over all of them, the books balance, and what
is known in the end is what one customer's events come to."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.policy import Policy
from services.followup.domain.told import Told
from shared.facts.names import NAME_BYTES
from shared.schemas.base import Data
from shared.schemas.commands.followup import UnsubscribeRequested
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.interactions import InteractionLogged
from shared.schemas.outreach import OutreachCancelled, OutreachFailed, OutreachSent, OutreachSuppressed
from tests.examples import examples

from .driver import (
    Driver,
    granted,
    opened,
    profile,
    purchase,
    resolved,
    returned,
    started,
    tier,
    written,
)
from .merged import accounts, merge, unmerge

IDS = ("a", "b", "c")
RULES = """$HEAD
consent: {service: not_refused}
quiet_hours: {from: "21:00", to: "08:00"}
frequency_cap: {max: 2, per: 20d}
hold_during_complaint: [marketing]
stale_after: 3d
rules:
  - name: thanks
    triggers: [purchase.made]
    for_each: order_id
    delay: 2h
    template: thank-you
    cancel_on: [purchase.returned]
    if: 'purchases.count < 90 && purchases.spent.EUR < 1000000 && !purchases.exists(p, "none" in p.skus)'
  - name: win-back
    triggers: [purchase.made]
    restart: true
    delay: 10d
    template: win-back
    at_most_one_in: 8d
  - name: rise
    triggers: [tier.changed]
    when: {direction: up}
    delay: 1d
    template: welcome
    at_most_one_in: 5d
    if: 'subscriptions.active < 9 && size(interactions) < 99 && (!has(feedback.nps) || feedback.nps.score < 99)'
  - name: check
    triggers: [complaint.resolved]
    for_each: complaint_id
    delay: 1d
    template: complaint-check
    variables: [complaint_id]
  - {name: birthday, triggers: [{date: profile.birthday, at: "09:00"}], template: win-back}
  - name: course
    triggers: [survey.answered]
    delay: 1h
    template: welcome
    goal: {event: purchase.made, within: 20d}
    steps: [{send: welcome}, {wait: 3d}, {send: thank-you}]
"""


@cache
def these() -> Policy:
    return written(RULES)


class World:
    """The ids' worker, whose commands to itself arrive when a test lets them; and what an onlooker knows."""

    def __init__(self) -> None:
        self.driver = Driver(policy=these(), instant=False, loopback=False)
        self.read = 0
        """How many of what the worker emitted have been looked at."""
        self.told: list[tuple[str, Event]] = []
        """What was told, and of whom."""
        self.into: dict[str, str] = {}
        self.number = 0
        for id in IDS:
            self.tell(id, profile(email=f"{id}@example.org", birthday="--03-09"))
            self.tell(id, granted())

    def tell(self, id: str, data: Data) -> None:
        self.number += 1
        # No two happen at one instant, and none is told ahead of its time.
        at = self.driver.now - timedelta(seconds=1) + timedelta(microseconds=self.number)
        event = Event(f"f-{self.number}", "/test", id, at, data)
        self.told.append((id, event))
        self.driver.send(event)

    def step(self, name: str, *values: Any) -> None:
        getattr(self, f"do_{name}")(*values)

    def do_wait(self, hours: int) -> None:
        self.driver.after(timedelta(hours=hours))

    def do_buy(self, id: str, order: int) -> None:
        self.tell(id, purchase(f"o-{order}", 1000 + order))

    def do_return(self, id: str, order: int) -> None:
        self.tell(id, returned(f"o-{order}", f"r-{order}", 500))

    def do_consent(self, id: str, word: bool) -> None:
        self.tell(id, granted(word=word))

    def do_unsubscribe(self, id: str) -> None:
        self.number += 1
        data = UnsubscribeRequested(purpose="marketing", channel="email")
        self.driver.send(Event(f"u-{self.number}", "/api/followup/link", id, self.driver.now, data))

    def do_open(self, id: str, number: int) -> None:
        self.tell(id, opened(f"k-{number}"))

    def do_resolve(self, id: str, number: int) -> None:
        self.tell(id, resolved(f"k-{number}"))

    def do_rise(self, id: str) -> None:
        self.tell(id, tier("gold"))

    def do_answer(self, id: str, number: int) -> None:
        about = {"kind": "order", "id": f"o-{number}"}
        self.tell(id, SurveyAnswered.model_validate({"survey": "nps", "score": 9, "about": about}))

    def do_contact(self, id: str) -> None:
        told = {"channel": "chat", "direction": "inbound", "kind": "question", "summary": "s"}
        self.tell(id, InteractionLogged.model_validate(told))

    def do_subscribe(self, id: str, number: int) -> None:
        self.tell(id, started(f"s-{number}"))

    def do_move(self, id: str, where: str) -> None:
        self.tell(id, profile(email=f"{id}@example.org", birthday="--03-09", timezone=where))

    def do_again(self, which: int) -> None:
        """A copy, by its event id."""
        self.driver.send(self.told[which % len(self.told)][1])

    def do_merge(self, old: str, into: str) -> None:
        if old != into:
            merge(self.driver, old, into)

    def do_unmerge(self, old: str) -> None:
        unmerge(self.driver, old, "whoever")

    def do_drain(self, most: int) -> None:
        """Commands of the worker to itself arrive, in their order."""
        while most and self.read < len(self.driver.emitted):
            event = self.driver.emitted[self.read]
            self.read += 1
            if event.data.topic == "commands":
                most -= 1
                self.driver.send(event)

    def do_deliver(self, status: str) -> None:
        self.driver.deliver(status)

    def settle(self) -> None:
        self.do_drain(100_000)

    def survivor(self, id: str) -> str:
        merging = self.driver.worker.state(id).merging
        while merging is not None and merging.moved is not None:
            id = merging.moved.into
            merging = self.driver.worker.state(id).merging
        return id

    def check_all(self) -> None:
        """What must be true of any history, once all has arrived."""
        assert all(account.difference == 0 for account in accounts(self.driver).values())
        sent = Counter(mail["_id"] for mail in self.driver.sent)
        assert max(sent.values(), default=0) <= 1, "sent twice"
        ends = Counter(
            event.data.outreach_id
            for event in self.driver.emitted
            if isinstance(event.data, OutreachSent | OutreachFailed | OutreachSuppressed | OutreachCancelled)
        )
        overtaken = {
            event.data.outreach_id
            for event in self.driver.emitted
            if isinstance(event.data, OutreachCancelled)
        }
        assert all(n <= 1 + (id in overtaken) for id, n in ends.items()), "an outreach ended twice"
        assert not self.driver.worker.dead_letters
        for id in IDS:
            state = self.driver.worker.state(id)
            if state.merging is not None and state.merging.moved is not None:
                left = [state.planned, state.in_flight, state.profile, state.shares]
                assert not any(left)
                assert not self.driver.worker.timers(id)


ID = st.sampled_from(IDS)
FEW = st.integers(1, 3)
FACT = st.one_of(
    st.tuples(st.just("buy"), ID, FEW),
    st.tuples(st.just("buy"), ID, FEW),
    st.tuples(st.just("return"), ID, FEW),
    st.tuples(st.just("consent"), ID, st.booleans()),
    st.tuples(st.just("open"), ID, FEW),
    st.tuples(st.just("resolve"), ID, FEW),
    st.tuples(st.just("rise"), ID),
    st.tuples(st.just("answer"), ID, FEW),
    st.tuples(st.just("contact"), ID),
    st.tuples(st.just("subscribe"), ID, FEW),
    st.tuples(st.just("move"), ID, st.sampled_from(["Asia/Tokyo", "Europe/Berlin"])),
)
TIME = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 60)),
    st.tuples(st.just("drain"), st.integers(1, 4)),
    st.tuples(st.just("again"), st.integers(0, 50)),
    st.tuples(st.just("deliver"), st.sampled_from(["sent", "sent", "failed", "in_doubt"])),
)
MERGE = st.tuples(st.just("merge"), ID, ID)
UNMERGE = st.tuples(st.just("unmerge"), ID)
STEPS = st.lists(st.one_of(FACT, FACT, TIME, TIME, MERGE, UNMERGE), max_size=25)


def run(steps: Iterable[tuple[Any, ...]]) -> World:
    world = World()
    for step in steps:
        world.step(*step)
    return world


@given(STEPS)
@settings(max_examples=examples(150), deadline=None)
def test_whatever_is_merged_and_undone_the_books_balance_and_nothing_is_lost(
    steps: list[tuple[Any, ...]],
) -> None:
    world = run(steps)
    world.settle()
    world.check_all()
    for _ in range(30):
        world.do_wait(24)
        world.do_deliver("sent")
        world.settle()
    world.check_all()
    assert sum(account.waiting for account in accounts(world.driver).values()) == 0, "something was lost"


def known(told: Told) -> dict[str, Any]:
    """What one customer knows, apart from when and in what order it was heard."""
    names = told.names
    past = told.history
    bought = None if past is None or past.purchases is None else past.purchases
    return {
        "profile": {name: (one.encoded, one.at) for name, one in told.profile.items()},
        "names": {names[at : at + 8] for at in range(0, len(names), NAME_BYTES)},
        "consents": {(c.purpose, c.channel, c.topic, c.granted, c.at) for c in told.consents},
        "complaints": {c.complaint_id: ([s.step for s in c.steps], c.is_open) for c in told.complaints},
        "answers": {(a.place, a.at, a.held) for a in told.answers},
        "anchors": {(a.rule, a.at, a.days) for a in told.anchors},
        "undone": {(u.key, u.at, u.of, u.refund) for u in told.undone},
        "bought": bought and (bought.count, bought.first_at, bought.last_at, bought.spend, bought.latest),
        "subscriptions": past and past.subscriptions,
        "contacts": past and set(past.contacts),
        "scores": past and past.scores,
        "signals": {(s.rule, s.what, s.about, s.at) for s in told.signals},
        "wishes": told.wishes,
    }


APART = st.lists(st.one_of(FACT, FACT, FACT, TIME, MERGE), max_size=25)


@given(APART)
@settings(max_examples=examples(150), deadline=None)
def test_what_is_known_in_the_end_is_what_one_customer_would_know(steps: list[tuple[Any, ...]]) -> None:
    world = run(steps)
    world.settle()
    for old in ("b", "c"):  # in whatever way they were merged, they are one now
        if world.survivor(old) != world.survivor("a"):
            merge(world.driver, old, "a")
        world.settle()
    one = Driver(policy=these(), instant=False, customer="one")
    for _, event in world.told:
        one.now = event.time + timedelta(seconds=1)
        one.event(event.data, at=event.time)
    survivor = world.driver.worker.state(world.survivor("a"))
    assert known(survivor) == known(one.state)


@given(STEPS)
@settings(max_examples=examples(150), deadline=None)
def test_unmerged_each_knows_what_it_was_told(steps: list[tuple[Any, ...]]) -> None:
    world = run(step for step in steps if step[0] != "unsubscribe")
    world.settle()
    for _ in range(3):
        for id in IDS:
            unmerge(world.driver, id, "whoever")
        world.settle()
    for id in IDS:
        state = world.driver.worker.state(id)
        assert not state.shares
        alone = Driver(policy=these(), instant=False, customer=id)
        for whose, event in world.told:
            if whose == id:
                alone.now = event.time + timedelta(seconds=1)
                alone.event(event.data, at=event.time)
        assert known(state) == known(alone.state), id
