"""A conversation that is snoozed rests until its time, or until the customer writes; notes change nothing."""

from datetime import timedelta
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.course import course
from services.interactions.domain.conversations.rest import TIMER
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.times import moment
from tests.examples import examples

from .talk import (
    answers,
    assigned,
    closed,
    escalated,
    merged,
    noted,
    returned,
    says,
    snoozed,
    story,
    worker_of,
)
from .told import CUSTOMER, HANDLER, START, at

CHAT = says("hello?", channel="chat", conversation_id="c-1")
ANSWER = answers("we look", channel="chat", conversation_id="c-1", agent_id="a-1")


def standing(worker: InMemoryWorker[Any], id: str = "c-1") -> Conversation:
    found = course(worker.state(CUSTOMER).conversations).of(id)
    assert found is not None
    return found


def row(worker: InMemoryWorker[Any]) -> tuple[str, str | None, bool]:
    (one,) = [r for r in worker.rows("conversations") if r["into"] is None]
    return one["status"], one["agent_id"], one["snoozed"]


def living(*facts: tuple[float, Data]) -> InMemoryWorker[Any]:
    """A worker whose clock goes with the facts."""
    worker: InMemoryWorker[Any] = InMemoryWorker(HANDLER, now=START)
    for told in story(*facts):
        worker.advance(told.time)
        worker.send(told)
    return worker


def test_it_rests_until_its_time_and_is_with_the_same_agent_again() -> None:
    worker = living((0, CHAT), (1, assigned("c-1")), (2, snoozed("c-1", 60)))
    assert row(worker) == ("waiting", "a-1", True)
    worker.advance(at(59))
    assert row(worker) == ("waiting", "a-1", True)
    worker.advance(at(60))
    assert row(worker) == ("assigned", "a-1", False)
    assert standing(worker).updated_at == round(at(60).timestamp() * 1_000_000)


def test_the_customer_wakes_it_at_once_and_nothing_does_later() -> None:
    worker = living((0, CHAT), (1, assigned("c-1")), (2, snoozed("c-1", 60)), (3, CHAT), (4, ANSWER))
    assert row(worker) == ("waiting", "a-1", False)
    worker.advance(at(61))
    assert row(worker) == ("waiting", "a-1", False)


def test_what_is_answered_rests_on() -> None:
    worker = living((0, CHAT), (1, assigned("c-1")), (2, snoozed("c-1", 60)), (3, ANSWER))
    assert row(worker) == ("waiting", "a-1", True)
    worker.advance(at(60))
    assert row(worker) == ("assigned", "a-1", False)


def test_without_a_time_only_the_customer_wakes_it() -> None:
    worker = living((0, CHAT), (1, assigned("c-1")), (2, snoozed("c-1")))
    worker.advance(START + timedelta(days=90))
    assert row(worker) == ("waiting", "a-1", True)


@pytest.mark.parametrize(
    ("step", "stands"),
    [
        (assigned("c-1", "a-2"), ("assigned", "a-2", False)),
        (escalated("c-1"), ("queued", None, False)),
        (returned("c-1", "queue"), ("queued", None, False)),
        (closed("c-1"), ("closed", "a-1", False)),
        (snoozed("c-1", 120), ("waiting", "a-1", True)),
        (snoozed("c-1"), ("waiting", "a-1", True)),
        (snoozed("c-1", 1), ("waiting", "a-1", True)),
    ],
    ids=["given to another", "escalated", "given back", "closed", "for longer", "for ever", "till before"],
)
def test_what_else_ends_its_rest_or_moves_it(step: Data, stands: tuple[str, str | None, bool]) -> None:
    worker = living((0, CHAT), (1, assigned("c-1")), (2, snoozed("c-1", 60)), (3, step))
    assert row(worker) == stands
    worker.advance(at(60))
    till_before = isinstance(step, type(snoozed("c-1"))) and step.until == at(1)
    assert row(worker) == (("assigned", "a-1", False) if till_before else stands)


def test_of_nobodys_comes_back_to_the_queue() -> None:
    worker = living((0, CHAT), (1, escalated("c-1")), (2, snoozed("c-1", 60)))
    assert row(worker) == ("waiting", None, True)
    worker.advance(at(60))
    assert row(worker) == ("queued", None, False)


def test_each_comes_back_at_its_own_time_whatever_was_heard_first() -> None:
    facts: list[tuple[float, Data]] = [
        (0, CHAT),
        (1, says(channel="email", conversation_id="c-2")),
        (2, snoozed("c-1", 90)),
        (3, snoozed("c-2", 60)),
    ]
    for order in permutations(story(*facts)):
        worker: InMemoryWorker[Any] = InMemoryWorker(HANDLER, now=at(10))
        for told in order:
            worker.send(told)
        assert {standing(worker, id).status for id in ("c-1", "c-2")} == {"waiting"}
        worker.advance(at(60))
        assert [standing(worker, id).status for id in ("c-1", "c-2")] == ["waiting", "queued"]
        worker.advance(at(90))
        assert [standing(worker, id).status for id in ("c-1", "c-2")] == ["queued", "queued"]


def test_a_rest_that_was_over_when_it_was_heard_changes_nothing_for_long() -> None:
    events = story((0, CHAT), (1, assigned("c-1")), (2, snoozed("c-1", 60)))
    for order in permutations(events):
        assert row(worker_of(order)) == ("assigned", "a-1", False)


def test_a_message_of_the_same_instant_is_not_slept_through() -> None:
    events = story((0, CHAT), (1, assigned("c-1")), (2, snoozed("c-1")), (2, CHAT))
    for order in permutations(events):
        assert row(worker_of(order)) == ("assigned", "a-1", False)


def test_what_is_closed_does_not_rest() -> None:
    events = story((0, CHAT), (1, assigned("c-1")), (2, closed("c-1")), (3, snoozed("c-1")))
    for order in permutations(events):
        assert row(worker_of(order)) == ("closed", "a-1", False)


def test_two_that_become_one_rest_unless_somebody_waits() -> None:
    other = says(channel="email", conversation_id="c-2")
    rests = [(0.0, CHAT), (1.0, assigned("c-1")), (3.0, snoozed("c-1"))]
    for asked, answered, stands in (
        (0.5, [(2.0, ANSWER)], "waiting"),
        (0.5, [(2.0, CHAT)], "waiting"),
        (2.0, [], "assigned"),
    ):
        for one_way in (merged("c-1", "c-2"), merged("c-2", "c-1")):
            events = story(*rests, (asked, other), *answered, (4.0, one_way))
            for order in (events, events[::-1]):
                assert row(worker_of(order)) == (stands, "a-1", stands == "waiting")


def test_notes_are_in_the_timeline_alone() -> None:
    talk: list[tuple[float, Data]] = [(0, CHAT), (1, assigned("c-1")), (2, ANSWER), (3, closed("c-1"))]
    without = worker_of(story(*talk))
    with_notes = worker_of(story(*talk, (1.5, noted("c-1")), (4, noted("c-1"))))
    assert with_notes.rows("conversations") == without.rows("conversations")
    assert with_notes.state(CUSTOMER).conversations == without.state(CUSTOMER).conversations
    notes = [r for r in with_notes.rows("timeline") if r["type"] == "rapport.conversation.noted.v1"]
    assert [(r["summary"], r["conversation_id"]) for r in notes] == [("Note by a-1: Be gentle.", "c-1")] * 2
    assert [e.data for e in with_notes.emitted] == [e.data for e in without.emitted]


def test_a_state_from_before_there_was_rest_is_read() -> None:
    worker = worker_of(story((0, CHAT), (1, assigned("c-1"))))
    told = worker.state(CUSTOMER).model_dump(mode="json")
    del told["conversations"]["awake_at"]
    for step in told["conversations"]["steps"]:
        for field in ("reason", "until", "complaint_id"):
            del step[field]
    assert HANDLER.state.model_validate(told) == worker.state(CUSTOMER)


IDS = st.sampled_from(["c-1", "c-2"])
MINUTES = st.integers(0, 20)
STEPS: st.SearchStrategy[Data] = st.one_of(
    st.builds(lambda id: says(channel="chat", conversation_id=id), IDS),
    st.builds(lambda id: answers(conversation_id=id, agent_id="a-1"), IDS),
    st.builds(snoozed, IDS, st.none() | MINUTES.map(float)),
    st.builds(snoozed, IDS, MINUTES.map(float)),
    st.builds(assigned, IDS),
    st.builds(returned, IDS, st.sampled_from(["bot", "queue"])),
    st.builds(closed, IDS),
    st.builds(merged, IDS, IDS),
)


@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(st.tuples(MINUTES, STEPS), min_size=1, max_size=8), st.randoms(use_true_random=False), MINUTES
)
def test_heard_in_time_or_late_it_stands_the_same(
    told: list[tuple[int, Data]], random: Random, end: int
) -> None:
    """One worker lives through it, timers and all; another hears all of it at the end, in some order."""
    events = story(*told)
    live: InMemoryWorker[Any] = InMemoryWorker(HANDLER, now=START)
    for event in sorted(events, key=lambda one: one.time):
        live.advance(event.time)
        live.send(event)
    until = max(at(end), live.now)
    live.advance(until)
    late: InMemoryWorker[Any] = InMemoryWorker(HANDLER, now=until)
    for event in random.sample(events, len(events)):
        late.send(event)
    rows = [
        sorted(
            # Which team was asked meanwhile is another matter: of what is over at once nobody is.
            ({**r, "team": None} for r in one.rows("conversations") if r["into"] is None),
            key=lambda r: str(r["_id"]),
        )
        for one in (live, late)
    ]
    assert rows[0] == rows[1]
    # What rests is woken by a timer, and nothing else has one.
    pending = {r["snoozed_until"] for r in rows[0] if r["snoozed_until"] is not None}
    due = [timer.due_at for timer in live.timers(CUSTOMER) if timer.name == TIMER]
    assert due == [moment(min(pending))] if pending else due == []
