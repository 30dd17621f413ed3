"""A low score about a complaint that was taken for solved reopens it: once, whatever is heard first."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.complaints.low_scores import MAX_SCORES
from services.interactions.domain.complaints.standing import standing
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
)
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from tests.examples import examples

from .told import CUSTOMER, HANDLER, START, at, event

ID = "c-1"
OPENED = ComplaintOpened(
    complaint_id=ID, channel="email", category="delivery", severity="high", description="late"
)
RESOLVED = ComplaintResolved(complaint_id=ID, resolution="sent again")
CLOSED = ComplaintClosed(complaint_id=ID)
REOPENED = ComplaintReopened(complaint_id=ID, reason="broken")
ACKNOWLEDGED = ComplaintAcknowledged(complaint_id=ID)
SOLVED = [(OPENED, 0), (RESOLVED, 5)]


def answer(survey: str, score: int, kind: str = "complaint", id: str = ID) -> SurveyAnswered:
    return SurveyAnswered.model_validate(
        {"survey": survey, "score": score, "about": {"kind": kind, "id": id}}
    )


Facts = Sequence[tuple[Data, float]]
"""And the minutes at which they happen."""


def told(facts: Facts, worker: InMemoryWorker[Any] | None = None) -> InMemoryWorker[Any]:
    worker = worker or InMemoryWorker(HANDLER, now=START)
    for data, minutes in facts:
        score = f"{data.survey}-{data.score}" if isinstance(data, SurveyAnswered) else ""
        worker.send(event(data, f"{data.event_type.split('.')[2]}-{minutes}{score}", minutes))
    return worker


def reopened(worker: InMemoryWorker[Any]) -> list[Event]:
    return [one for one in worker.emitted if isinstance(one.data, ComplaintReopened)]


def status(worker: InMemoryWorker[Any]) -> str:
    (complaint,) = worker.state(CUSTOMER).complaints
    (row,) = worker.rows("complaints")
    assert row["status"] == standing(complaint).status
    return standing(complaint).status


@pytest.mark.parametrize(
    ("survey", "score", "low"),
    [
        *(("csat", score, score <= 2) for score in range(1, 6)),
        *(("nps", score, score <= 6) for score in range(11)),
        *(("ces", score, False) for score in range(1, 8)),
    ],
)
def test_which_scores_reopen(survey: str, score: int, low: bool) -> None:
    worker = told([*SOLVED, (answer(survey, score), 6)])
    assert status(worker) == ("reopened" if low else "resolved")
    assert len(reopened(worker)) == low


def test_the_reopening_is_told_as_a_fact_of_its_own() -> None:
    worker = told([*SOLVED, (CLOSED, 6), (answer("csat", 1), 7)])
    (fact,) = reopened(worker)
    assert (fact.source, fact.time, fact.subject) == ("/rapport/interactions", at(7), CUSTOMER)
    assert fact.data == ComplaintReopened(complaint_id=ID, reason="The customer answered CSAT with 1.")
    lines = [row["summary"] for row in worker.rows("timeline") if row.get("complaint_id")]
    assert sorted(lines) == [
        "Complaint closed",
        "Complaint reopened: The customer answered CSAT with 1.",
        "Complaint resolved: sent again",
        "Complaint, high, delivery: late",
    ]
    assert worker.state(CUSTOMER).counts == {"complaints": 4, "feedback": 1}


@pytest.mark.parametrize(
    "facts",
    [
        [*SOLVED, (answer("csat", 1), 4)],  # before it was resolved
        [(OPENED, 0), (answer("csat", 1), 7)],
        [*SOLVED, (answer("csat", 1, "order"), 7)],
        [*SOLVED, (answer("csat", 1, id="c-2"), 7)],
        [*SOLVED, (SurveyAnswered(survey="csat", score=1), 7)],
    ],
)
def test_what_reopens_nothing(facts: Facts) -> None:
    for order in permutations(facts):
        assert reopened(told(order)) == []


def test_a_complaint_that_was_reopened_before_is_open() -> None:
    facts = [*SOLVED, (REOPENED, 6), (answer("csat", 1), 7)]
    assert reopened(told(facts)) == []
    # Where the reopening is heard last, one more was told meanwhile, and does not hold.
    worker = told([*SOLVED, facts[3], facts[2]])
    (complaint,) = worker.state(CUSTOMER).complaints
    assert ([one.time for one in reopened(worker)], len(complaint.life.taken)) == ([at(7)], 3)


def test_it_is_the_complaint_of_the_customer_who_answers() -> None:
    worker = told(SOLVED)
    worker.send(event(answer("csat", 1), "e-9", 9, subject="cust-2"))
    assert (reopened(worker), status(worker)) == ([], "resolved")


def test_a_closing_that_is_heard_first_does_not_hold_against_an_earlier_low_score() -> None:
    worker = told([*SOLVED, (CLOSED, 9), (answer("csat", 1), 7)])
    assert ([one.time for one in reopened(worker)], status(worker)) == ([at(7)], "reopened")


def test_every_order_of_arrival_ends_alike() -> None:
    facts = [*SOLVED, (answer("nps", 3), 6), (RESOLVED, 7), (answer("csat", 2), 8), (RESOLVED, 9)]
    for order in permutations(facts):
        worker = told(order)
        assert sorted(one.time for one in reopened(worker)) == [at(6), at(8)]
        assert status(worker) == "resolved"
        assert len(worker.state(CUSTOMER).complaints[0].steps) == 6


def test_of_two_answers_the_later_holds() -> None:
    assert len(reopened(told([*SOLVED, (answer("csat", 5), 6), (answer("csat", 1), 7)]))) == 1
    late = told([*SOLVED, (answer("csat", 5), 7), (answer("csat", 1), 6)])
    assert (reopened(late), status(late)) == ([], "resolved")
    # What was told is not taken back.
    worker = told([*SOLVED, (answer("csat", 1), 6), (answer("csat", 5), 7)])
    assert (len(reopened(worker)), status(worker)) == (1, "reopened")


def test_an_answer_told_again_reopens_nothing_again() -> None:
    facts = [*SOLVED, (answer("csat", 1), 6), (RESOLVED, 8)]
    worker = told(facts)
    for one in (event(answer("csat", 1), "copy", 6), event(answer("csat", 1), "answered-6csat-1", 6)):
        worker.send(one)
    told([(RESOLVED, 8), (CLOSED, 9)], worker)
    assert ([one.time for one in reopened(worker)], status(worker)) == ([at(6)], "closed")


def test_answers_are_bounded() -> None:
    worker = told([(answer("csat", 1, id=f"n-{n}"), n) for n in range(MAX_SCORES + 1)])
    scores = worker.state(CUSTOMER).scores
    assert (len(scores), scores[0].complaint_id) == (MAX_SCORES, "n-1")


STEPS = (RESOLVED, CLOSED, REOPENED, ACKNOWLEDGED)
_steps = st.lists(st.sampled_from(STEPS), min_size=1, max_size=5)
_scores = st.lists(st.tuples(st.sampled_from(["nps", "csat"]), st.integers(1, 5)), max_size=4)


def walked(facts: Facts) -> tuple[str, list[float]]:
    """Status, and when low scores reopen, by the contract's table: each fact in the order of time."""
    found, times = "", []
    follows: dict[type[Data], tuple[tuple[str, ...], str]] = {
        ComplaintAcknowledged: (("opened", "reopened"), "acknowledged"),
        ComplaintResolved: (("opened", "acknowledged", "reopened"), "resolved"),
        ComplaintClosed: (("resolved",), "closed"),
        ComplaintReopened: (("resolved", "closed"), "reopened"),
    }
    for data, minutes in sorted(facts, key=lambda fact: fact[1]):
        if isinstance(data, ComplaintOpened):
            found = "opened"
        elif isinstance(data, SurveyAnswered):
            if data.score <= {"nps": 6, "csat": 2}[data.survey] and found in ("resolved", "closed"):
                found = "reopened"
                times.append(minutes)
        elif found in follows[type(data)][0]:
            found = follows[type(data)][1]
    return found, times


@settings(max_examples=examples(200), deadline=None)
@given(_steps, _scores, st.data())
def test_any_arrival_ends_as_a_walk_in_the_order_of_time(
    steps: list[Data], scores: list[tuple[str, int]], draw: st.DataObject
) -> None:
    facts: list[Data] = [*steps, *(answer(survey, score) for survey, score in dict(scores).items())]
    timed: list[tuple[Data, float]] = [(OPENED, 0)]
    timed += [(data, n) for n, data in enumerate(draw.draw(st.permutations(facts)), 1)]
    arrived = draw.draw(st.permutations(timed))
    worker = told(arrived)
    wanted, times = walked(timed)
    assert status(worker) == wanted
    told_at = [one.time for one in reopened(worker)]
    assert len(set(told_at)) == len(told_at), "each is told once"
    assert {at(minutes) for minutes in times} <= set(told_at)
    before = len(worker.emitted)
    told(draw.draw(st.permutations(timed)), worker)
    assert (len(worker.emitted), status(worker)) == (before, wanted), "told again, nothing happens"


@settings(max_examples=examples(100), deadline=None)
@given(_steps, _scores, st.data())
def test_with_many_answers_what_is_told_are_times_of_low_ones(
    steps: list[Data], scores: list[tuple[str, int]], draw: st.DataObject
) -> None:
    facts: list[Data] = [*steps, *(answer(*score) for score in scores)]
    timed: list[tuple[Data, float]] = [(OPENED, 0)]
    timed += [(data, n) for n, data in enumerate(draw.draw(st.permutations(facts)), 1)]
    worker = told(draw.draw(st.permutations(timed)))
    low = {
        at(minutes)
        for data, minutes in timed
        if isinstance(data, SurveyAnswered) and data.score <= {"nps": 6, "csat": 2}[data.survey]
    }
    told_at = [one.time for one in reopened(worker)]
    assert len(set(told_at)) == len(told_at)
    assert set(told_at) <= low
