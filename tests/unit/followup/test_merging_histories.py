"""Two or three ids of one person, merged and unmerged at any time, with what is handed over and relayed
arriving whenever it does, and copies: the gate's promises hold over all of them, the books balance, and what
is known in the end is what one customer's events come to."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.told import Told
from shared.facts.names import NAME_BYTES
from tests.examples import examples

from .driver import (
    Driver,
)
from .merged import accounts, merge, unmerge
from .mergings import IDS, run, these

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
    """What one customer knows, apart from when and in what order it was heard, and from cancelling events,
    which are forgotten some time after they were heard."""
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
    world = run(steps, named_apart=True)
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
    world = run(steps, named_apart=True)
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
