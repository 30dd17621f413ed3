"""Two or three ids of one person, whose hand-overs and relays arrive when a test lets them."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import Any

from services.followup.domain.policy import Policy
from shared.schemas.base import Data
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.interactions import InteractionLogged
from shared.schemas.outreach import OutreachCancelled, OutreachFailed, OutreachSent, OutreachSuppressed

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
    if: 'subscriptions.active < 9 && size(interactions) < 99 && size(feedback.reviews) < 99'
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

    def __init__(self, named_apart: bool = False) -> None:
        self.named_apart, self.things = named_apart, set[tuple[str, str, int]]()
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

    def once(self, id: str, number: int, data: Data, kind: str) -> None:
        """Of two things of one name the first that is heard holds: which that is a log says, and each id has
        its own. So where what is known is compared each thing is told once."""
        if not self.named_apart or (kind, id, number) not in self.things:
            self.things.add((kind, id, number))
            self.tell(id, data)

    def name(self, kind: str, id: str, number: int) -> str:
        return f"{kind}-{id}-{number}" if self.named_apart else f"{kind}-{number}"

    def do_wait(self, hours: int) -> None:
        self.driver.after(timedelta(hours=hours))

    def do_buy(self, id: str, order: int) -> None:
        self.once(id, order, purchase(self.name("o", id, order), 1000 + order), "order")

    def do_return(self, id: str, order: int) -> None:
        data = returned(self.name("o", id, order), self.name("r", id, order), 500)
        self.once(id, order, data, "return")

    def do_consent(self, id: str, word: bool) -> None:
        self.tell(id, granted(word=word))

    def do_open(self, id: str, number: int) -> None:
        self.once(id, number, opened(self.name("k", id, number)), "complaint")

    def do_resolve(self, id: str, number: int) -> None:
        self.tell(id, resolved(self.name("k", id, number)))

    def do_rise(self, id: str) -> None:
        self.tell(id, tier("gold"))

    def do_answer(self, id: str, number: int) -> None:
        about = {"kind": "order", "id": f"o-{number}"}
        self.tell(id, SurveyAnswered.model_validate({"survey": "nps", "score": 9, "about": about}))

    def do_contact(self, id: str) -> None:
        told = {"channel": "chat", "direction": "inbound", "kind": "question", "summary": "s"}
        self.tell(id, InteractionLogged.model_validate(told))

    def do_subscribe(self, id: str, number: int) -> None:
        self.once(id, number, started(self.name("s", id, number)), "subscription")

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


def run(steps: Iterable[tuple[Any, ...]], named_apart: bool = False) -> World:
    world = World(named_apart)
    for step in steps:
        world.step(*step)
    return world
