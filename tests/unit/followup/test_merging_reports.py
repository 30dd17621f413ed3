"""What is heard of a message while that is on its way between ids: from its sender, who took it before, and
from whoever got it. It takes effect when the message comes, wherever that is, and once."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.deliverability.early import Early
from services.followup.domain.merging.early import arrived
from services.followup.domain.state import Customer
from shared.schemas.base import Data
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.commands.receipts import ReceiptReported
from shared.schemas.event import Event
from shared.schemas.outreach import (
    OutreachAnswered,
    OutreachBounced,
    OutreachCancelled,
    OutreachComplained,
    OutreachDelivered,
    OutreachFailed,
    OutreachSent,
    OutreachSuppressed,
)
from shared.schemas.times import micros
from tests.examples import examples

from .driver import DAY, HOUR, Driver, purchase, refusal, written
from .merged import balanced, merge, unmerge, world
from .mergings import IDS, World

HEARD: dict[str, type[OutreachAnswered]] = {
    "delivered": OutreachDelivered,
    "bounced": OutreachBounced,
    "complained": OutreachComplained,
}
WAYS = {
    "home": [("merge", "a", "b"), ("drain", 99), ("unmerge", "a")],
    "home from a chain": [("merge", "a", "b"), ("merge", "b", "c"), ("drain", 99), ("unmerge", "a")],
    "home by two": [
        ("merge", "a", "b"),
        ("merge", "b", "c"),
        ("drain", 99),
        ("unmerge", "b"),
        ("unmerge", "a"),
    ],
    "elsewhere": [("merge", "a", "b"), ("drain", 99), ("unmerge", "a"), ("merge", "a", "c")],
    "back again": [("merge", "a", "b"), ("drain", 99), ("unmerge", "a"), ("merge", "a", "b")],
    "there": [("merge", "a", "b")],
}


def with_flight(rule: str = "thanks") -> tuple[World, str]:
    """A message to ``a`` is with its sender."""
    world = World()
    if rule == "thanks":
        world.do_buy("a", 1)
        world.do_wait(3)
    else:
        world.do_open("a", 1)
        world.do_resolve("a", 1)
        world.do_wait(25)
    (flight,) = world.driver.worker.state("a").in_flight
    return world, flight.outreach_id


def play(world: World, way: str) -> None:
    for step in WAYS[way]:
        world.step(*step)


def heard(world: World, id: str, what: str) -> None:
    data = ReceiptReported.model_validate({"outreach_id": id, "what": what, "kind": None})
    world.driver.event(data, of="a")


def states(world: World) -> list[Customer]:
    return [world.driver.worker.state(id) for id in IDS]


def settled(world: World) -> None:
    world.settle()
    assert not [one for state in states(world) for one in (*state.in_flight, *state.early)]
    assert balanced(world.driver)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        ("sent", None, OutreachSent),
        ("failed", "550 no", OutreachFailed),
        ("in_doubt", None, OutreachFailed),
        ("failed", "stale", OutreachSuppressed),
    ],
)
def test_a_report_waits_for_its_message(way: str, status: str, error: str | None, kind: Any) -> None:
    told, id = with_flight()
    play(told, way)
    told.driver.deliver(status, error)
    told.do_again(0)
    settled(told)
    assert [one.outreach_id for one in told.driver.facts(kind)] == [id]
    assert told.driver.rows[id]["status"] == ("suppressed" if error == "stale" else status)
    counted = [one for state in states(told) for one in state.sends]
    assert len(counted) == (status in ("sent", "in_doubt"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", HEARD)
@pytest.mark.parametrize("first", ["report", "receipt", "the report was there"])
def test_what_is_heard_of_it_waits_too(way: str, what: str, first: str) -> None:
    told, id = with_flight()
    if first == "the report was there":
        told.driver.deliver()
    play(told, way)
    if first == "report":
        told.driver.deliver()
    heard(told, id, what)
    heard(told, id, what)
    if first == "receipt":
        told.driver.deliver()
    settled(told)
    assert [one.outreach_id for one in told.driver.facts(OutreachSent)] == [id]
    assert [one.outreach_id for one in told.driver.facts(HEARD[what])] == [id]
    assert told.driver.rows[id]["status"] == "sent"


def test_of_nobody_s_message_nothing_is_kept() -> None:
    """Who was never merged has no messages elsewhere; of who was it is forgotten some day."""
    driver = Driver(customer="a")
    data = ReceiptReported.model_validate({"outreach_id": "m", "what": "delivered"})
    assert refusal(driver, data).code == "unknown_outreach"
    merge(driver, "a", "b")
    unmerge(driver, "a", "b")
    driver.event(data)
    assert driver.outcome == {"outreach_id": "m", "status": "delivered"}
    driver.after(8 * DAY)
    driver.event(ReceiptReported.model_validate({"outreach_id": "n", "what": "delivered"}))
    assert [one.outreach_id for one in driver.state.early] == ["n"]


def test_a_copy_of_a_report_is_not_kept() -> None:
    told, id = with_flight()
    play(told, "home")
    told.settle()
    told.driver.deliver()
    told.driver.event(DeliveryReported(outreach_id=id, status="sent", attempt=1), of="a")
    settled(told)
    assert len(told.driver.facts(OutreachSent)) == 1


BUNDLED = """$HEAD
rules:
  - {name: one, triggers: [purchase.made], for_each: order_id, delay: 2h, bundle: true, template: thank-you}
  - {name: two, triggers: [purchase.made], for_each: order_id, delay: 2h, bundle: true, template: win-back}
"""


@pytest.mark.parametrize("status", ["sent", "failed", "in_doubt"])
@pytest.mark.parametrize("backwards", [False, True])
def test_of_one_mail_each_message_has_it_once(status: str, backwards: bool) -> None:
    """What is handed over is cut anywhere: one message of a mail may come before another."""
    driver = world(written(BUNDLED), "a", "b", instant=False)
    driver.event(purchase(), of="a")
    driver.after(3 * HOUR)
    state, now = driver.worker.state("a"), micros(driver.now)
    flights = state.in_flight[::-1] if backwards else state.in_flight
    mail = str(flights[0].mail)
    assert [flight.mail for flight in flights] == [mail, mail]
    report = DeliveryReported.model_validate({"outreach_id": mail, "status": status, "attempt": 1})
    word = Early(outreach_id=mail, whose="a", at=now, heard_at=now, report=report)
    state, facts = state.model_copy(update={"in_flight": (), "early": (word,)}), list[Data]()
    for flight in flights:
        state = state.model_copy(update={"in_flight": (*state.in_flight, flight)})
        effects = arrived(state, driver.policy, now, str)
        state = effects.state
        facts += [emit.data for emit in effects.emits]
    told = [one.outreach_id for one in facts if isinstance(one, OutreachSent | OutreachFailed)]
    assert told == [flight.outreach_id for flight in flights]
    assert not state.in_flight
    again = arrived(state.model_copy(update={"in_flight": flights}), driver.policy, now, str)
    assert again.emits == ()


ID = st.sampled_from(IDS)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), ID, st.integers(1, 3)),
        st.tuples(st.just("wait"), st.just(3)),
        st.tuples(st.just("merge"), ID, ID),
        st.tuples(st.just("unmerge"), ID),
        st.tuples(st.just("unmerge"), ID),
        st.tuples(st.just("drain"), st.integers(1, 3)),
        st.tuples(st.just("deliver"), st.sampled_from(["sent", "sent", "failed", "in_doubt"])),
        st.tuples(st.just("hear"), st.integers(0, 5), st.sampled_from([*HEARD])),
    ),
    min_size=4,
    max_size=20,
)


class Heard:
    """What was told of messages, as their sender and others did."""

    def __init__(self) -> None:
        self.world = World()
        self.reported, self.said = dict[str, str](), set[tuple[str, str]]()

    def step(self, name: str, *values: Any) -> None:
        if name == "hear":
            self.hear(*values)
            return
        ready = {id for id, row in self.world.driver.rows.items() if row["status"] == "ready"}
        self.world.step(name, *values)
        if name == "deliver":
            self.reported |= dict.fromkeys(ready - self.reported.keys(), values[0])

    def hear(self, which: int, what: str) -> None:
        """From the hook: of one that went."""
        driver, went = self.world.driver, sorted(id for id, s in self.reported.items() if s != "failed")
        if went:
            id = went[which % len(went)]
            self.said.add((id, what))
            data = ReceiptReported.model_validate({"outreach_id": id, "what": what})
            driver.send(Event(f"{id}-{what}", "/hook", driver.rows[id]["customer"], driver.now, data))


@given(STEPS)
@settings(max_examples=examples(200), deadline=None)
def test_whatever_was_heard_of_messages_has_its_effect(steps: list[tuple[Any, ...]]) -> None:
    told = Heard()
    for step in [("buy", "a", 1), ("buy", "b", 2), ("wait", 3), *steps]:
        told.step(*step)
    world = told.world
    world.settle()
    world.check_all()
    rows, driver = world.driver.rows, world.driver
    assert not [f for s in states(world) for f in s.in_flight if f.outreach_id in told.reported]
    overtaken = {one.outreach_id for one in driver.facts(OutreachCancelled)}
    for id, status in told.reported.items():
        assert rows[id]["status"] == status or (id in overtaken and status != "sent"), id
    went = {id for id in told.reported if rows[id]["status"] in ("sent", "in_doubt")}
    for what, kind in HEARD.items():
        facts = sorted(one.outreach_id for one in driver.facts(kind))
        assert facts == sorted(id for id, said in told.said if said == what and id in went)
