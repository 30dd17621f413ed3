"""Messages whose end is heard before their plan: followup tells of the survivor as soon as it knows of a
merge, which may be before it is known here, and an old id is told of while what it has is on its way home."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.activity.outreach import ENDED_DAYS
from services.interactions.domain.state import MAX_ENDED, Customer
from shared.facts.names import NAME_BYTES
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.customers import CustomerMerged, CustomerUnmerged
from shared.schemas.event import Event
from shared.schemas.outreach import (
    OutreachCancelled,
    OutreachFailed,
    OutreachScheduled,
    OutreachSent,
    OutreachSuppressed,
)
from tests.examples import examples

from ..sla.contract import CONTRACT
from ..told import at
from .arrival import Arrival, settle
from .pair import HERE, OLD, hours, worker

IDS = ("here", "old", "older")
NOW = 60
ID, CHANCES = st.sampled_from(IDS), st.integers(0, 2**32).map(Random)
TRIED = (OutreachSent, OutreachFailed)
ENDS = (*TRIED, OutreachSuppressed, OutreachCancelled)
End = type[OutreachSent | OutreachFailed | OutreachSuppressed | OutreachCancelled]


def planned(name: str, due: float = 60 * 24 * 20) -> OutreachScheduled:
    return OutreachScheduled(outreach_id=name, rule="welcome", channel="email", due_at=at(due), attempt=0)


def ended(name: str, kind: End) -> Data:
    told = {"channel": "email", "due_at": at(1), "attempt": 1} if kind in TRIED else {"reason": "stale"}
    return kind.model_validate({"outreach_id": name, "rule": "welcome", **told})


def unmerged(into: str) -> CustomerUnmerged:
    return CustomerUnmerged.model_validate({"from": into, "reason": "r"})


def names(told: InMemoryWorker[Customer], id: str) -> set[str]:
    return {one.outreach_id for one in told.state(id).planned}


class Message(NamedTuple):
    """Of whom its plan is told, and whose end."""

    of: str
    ends: str | None
    kind: End


class Step(NamedTuple):
    """Of an id: merged into another, or itself again."""

    old: str
    into: str | None


MESSAGES = st.lists(
    st.builds(Message, ID, st.one_of(st.none(), ID), st.sampled_from(ENDS)), min_size=1, max_size=6
)
STEPS = st.lists(st.builds(Step, ID, st.one_of(st.none(), ID)), max_size=6)


def told_of(messages: Sequence[Message], own: bool) -> Iterable[tuple[str, Data]]:
    """The plans, then the ends: ``own``, each of whom its plan was told of."""
    for n, one in enumerate(messages):
        yield one.of, planned(f"m-{n}")
    for n, one in enumerate(messages):
        if one.ends is not None:
            yield one.of if own else one.ends, ended(f"m-{n}", one.kind)


def play(chance: Random, messages: Sequence[Message], steps: Sequence[Step], own: bool) -> Arrival:
    """All of it, merges amid; then each id is itself again."""
    arrival = Arrival(chance, worker(CONTRACT, now=at(NOW)))
    facts: list[tuple[int, str, Data]] = []
    told = [*told_of(messages, own)]
    for of, data in told:
        facts.append((len(facts), of, data))
    merges = [
        (chance.randint(0, len(facts)), one.old, unmerged("x"))
        if one.into is None
        else (chance.randint(0, len(facts)), one.old, CustomerMerged(into=one.into, reason="r"))
        for one in steps
        if one.into != one.old
    ]
    everything: list[tuple[int, str, Data]] = sorted([*merges, *facts], key=lambda one: one[0])
    for n, (_, of, data) in enumerate(everything):
        arrival.bring(Event(f"e-{n}", "/test", of, at(n / 10), data))
        arrival.some(chance.randint(0, 2))
    arrival.some(10_000)
    for n in range(3):
        for id in IDS:
            arrival.bring(Event(f"u-{n}-{id}", "/test", id, at(NOW - 10 + n), unmerged("x")))
        arrival.some(10_000)
    return arrival


@settings(max_examples=examples(150), deadline=None)
@given(CHANCES, MESSAGES, STEPS)
def test_of_one_person_what_has_ended_is_not_planned(
    chance: Random, messages: list[Message], steps: list[Step]
) -> None:
    """Whichever of their ids an end was told of."""
    arrival = play(chance, messages, steps, own=False)
    for id in IDS[1:]:
        merge = CustomerMerged(into=IDS[0], reason="r")
        arrival.bring(Event(f"m-{id}", "/test", id, at(NOW - 1), merge))
    arrival.some(10_000)
    assert names(arrival.done, IDS[0]) == {f"m-{n}" for n, one in enumerate(messages) if one.ends is None}


@settings(max_examples=examples(150), deadline=None)
@given(CHANCES, MESSAGES, STEPS)
def test_of_each_again_what_has_ended_is_not_planned(
    chance: Random, messages: list[Message], steps: list[Step]
) -> None:
    arrival = play(chance, messages, steps, own=True)
    for id in IDS:
        open = {f"m-{n}" for n, one in enumerate(messages) if one.of == id and one.ends is None}
        assert names(arrival.done, id) == open


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("way", ["before the merge is heard", "before it is home"])
def test_the_plan_comes_with_the_merge(kind: End, way: str) -> None:
    told = InMemoryWorker(worker(now=at(NOW))._handler, now=at(NOW), loopback=False)
    told.tell(OLD, planned("m-1"))
    told.tell(OLD, planned("m-2"))
    if way == "before the merge is heard":
        told.tell(HERE, ended("m-1", kind))
        told.tell(OLD, CustomerMerged(into=HERE, reason="r"))
        settle(told)
        assert names(told, HERE) == {"m-2"}
        told.tell(OLD, unmerged(HERE))
    else:
        told.tell(OLD, CustomerMerged(into=HERE, reason="r"))
        settle(told)
        told.tell(OLD, unmerged(HERE))
        told.tell(OLD, ended("m-1", kind))
    settle(told)
    assert (names(told, OLD), names(told, HERE)) == ({"m-2"}, set())


def test_a_plan_that_is_heard_late_is_none() -> None:
    """It was told of another id, and is relayed."""
    told = worker(now=at(NOW))
    told.tell(HERE, ended("m-1", OutreachSent))
    told.tell(HERE, ended("m-1", OutreachSent))
    told.tell(HERE, planned("m-1"))
    assert names(told, HERE) == set()
    assert len(told.state(HERE).ended) == NAME_BYTES


def test_ends_without_plans_are_forgotten_some_day() -> None:
    told = worker(now=at(NOW))
    for n in range(MAX_ENDED + 3):
        told.tell(HERE, ended(f"m-{n}", OutreachSuppressed))
    assert len(told.state(HERE).ended) == MAX_ENDED * NAME_BYTES
    told.advance(hours(24 * (ENDED_DAYS + 1)))
    told.tell(HERE, ended("late", OutreachSuppressed))
    assert len(told.state(HERE).ended) == NAME_BYTES
