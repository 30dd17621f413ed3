"""Praise reaches the agent whom it is for, once, and on the wall of the team that they are in."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from services.interactions.domain.growth.thanks import MAX_UNTOLD
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintAcknowledged, ComplaintOpened
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.teams import AgentChanged, StoryTold
from shared.schemas.times import micros

from .talk import answers, assigned, complained, escalated, merged, says, story, worker_of
from .told import CUSTOMER, HANDLER, START, at, event


def praise(
    id: str = "c-1", comment: str = "Ann was lovely", survey: str = "nps", score: int = 10, **about: str
) -> Data:
    said = {"survey": survey, "score": score, "comment": comment}
    return SurveyAnswered.model_validate(said | {"about": {"kind": "conversation", "id": id} | about})


def agent(agent_id: str) -> AgentChanged:
    said = {"agent_id": agent_id, "name": agent_id, "capacity": {"total": 3}, "on_shift": True}
    return AgentChanged.model_validate(said | {"on_break": False})


def wall(worker: InMemoryWorker[Any]) -> list[tuple[str, str, str]]:
    rows = sorted(worker.rows("stories"), key=lambda row: row["order"])
    return [(row["team"], row["agent_id"], row["text"]) for row in rows]


BEGIN: list[tuple[float, Data]] = [(0, says(conversation_id="c-1")), (1, escalated("c-1", team="returns"))]


def test_a_promoters_words_are_a_story_of_who_had_the_conversation() -> None:
    worker = worker_of(story(*BEGIN, (2, assigned("c-1", "ann")), (3, assigned("c-1", "bob")), (9, praise())))
    assert wall(worker) == [("returns", "bob", "Ann was lovely")]
    (row,) = worker.rows("stories")
    assert (row["at"], row["customer"], row["told_by"]) == (micros(at(9)), CUSTOMER, None)
    (told,) = [e for e in worker.emitted if isinstance(e.data, StoryTold)]
    assert (told.subject, told.time, told.data.customer_id) == ("returns", at(9), CUSTOMER)


def test_it_is_for_the_team_that_the_agent_is_in() -> None:
    worker = InMemoryWorker(HANDLER, now=START + timedelta(days=1))
    worker.send(event(agent("ann"), "a-1", 0, subject="elsewhere"))
    for told in story(*BEGIN, (2, assigned("c-1", "ann")), (9, praise())):
        worker.send(told)
    assert wall(worker) == [("elsewhere", "ann", "Ann was lovely")]


FACTS = [*BEGIN, (2, answers(conversation_id="c-1", agent_id="ann")), (9, praise())]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_whatever_is_heard_first_it_is_told_once(order: tuple[int, ...]) -> None:
    events = story(*FACTS)
    worker = worker_of([events[n] for n in order])
    assert [(agent, text) for _, agent, text in wall(worker)] == [("ann", "Ann was lovely")]
    worker.send(event(says(conversation_id="c-1"), "more", 20))
    worker.send(event(praise(comment="Really lovely"), "again", 30))
    assert len(wall(worker)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        praise(score=8),
        praise(survey="csat", score=4),
        praise(survey="ces", score=7),
        praise(comment="  "),
        praise(kind="order"),
        praise(id="c-2"),
        SurveyAnswered(survey="nps", score=10, comment="lovely"),
    ],
)
def test_what_is_no_praise_of_an_agent(answer: Data) -> None:
    assert wall(worker_of(story(*FACTS[:3], (9, answer)))) == []


def test_before_anybody_had_it_nobody_is_thanked() -> None:
    worker = worker_of(story(*BEGIN, (2, praise()), (3, assigned("c-1", "ann"))))
    assert wall(worker) == []


def test_of_a_complaint_its_conversation_or_its_assignee() -> None:
    opened = ComplaintOpened.model_validate(
        {"complaint_id": "x-2", "channel": "web", "category": "fit", "severity": "low", "description": "."}
    )
    worker = worker_of(
        story(
            (0, complained("c-1")),
            (1, answers(conversation_id="c-1", agent_id="ann")),
            (2, opened),
            (3, ComplaintAcknowledged(complaint_id="x-2", assignee="bob")),
            (5, praise("x-1", "so quick", kind="complaint")),
            (6, praise("x-2", "so kind", "csat", 5, kind="complaint")),
        )
    )
    assert [(agent, text) for _, agent, text in wall(worker)] == [("ann", "so quick"), ("bob", "so kind")]


def test_in_a_conversation_that_was_merged() -> None:
    worker = worker_of(
        story(
            (0, says(conversation_id="c-1")),
            (1, says(conversation_id="c-2")),
            (2, answers(conversation_id="c-2", agent_id="ann")),
            (3, merged("c-2", "c-1")),
            (4, praise("c-2")),
        )
    )
    assert [agent for _, agent, _ in wall(worker)] == ["ann"]


def test_praise_that_waits_for_its_agent_is_bounded() -> None:
    early: list[tuple[float, Data]] = [(9, praise(f"c-{n}", f"lovely {n}")) for n in range(MAX_UNTOLD + 1)]
    worker = worker_of(story(*early))
    answers_kept = worker.state(CUSTOMER).answers
    assert [one.comment for one in answers_kept[:2]] == [None, "lovely 1"]
    worker.send(event(assigned("c-0", "ann"), "a-0", 1))
    worker.send(event(assigned("c-1", "ann"), "a-1", 1))
    assert [text for *_, text in wall(worker)] == ["lovely 1"]


def test_the_words_are_kept_no_longer_than_until_they_are_told() -> None:
    worker = worker_of(story(*FACTS))
    (answer,) = worker.state(CUSTOMER).answers
    assert (answer.comment, answer.thanked) == (None, True)
