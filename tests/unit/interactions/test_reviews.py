"""A bad review is one task for a public answer; the answer is one contact with the customer."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.interactions.config import load_desk
from services.interactions.domain.apply import apply_at_desk
from services.interactions.domain.kinds import kinds
from services.interactions.domain.tasks.reviews import LONGEST, LONGEST_SUMMARY
from shared.journal.testing import InMemoryWorker
from shared.schemas.commands.teams import TaskDoneRequested, TaskOpenRequested
from shared.schemas.customers import CustomerMerged
from shared.schemas.event import Event
from shared.schemas.feedback import ReviewPosted
from shared.schemas.interactions import InteractionLogged
from shared.schemas.teams import TaskDone, TaskOpened
from shared.schemas.times import micros

from .told import CUSTOMER, HANDLER, HASH_OF, SETTINGS, SLA, START, event

TEAM = load_desk().default.id
BAD = ReviewPosted(sku="mug", rating=1, text="It broke on the first day.")
ANSWER = "We are sorry: a new one is on its way."


def fresh(days: float = 0) -> InMemoryWorker[Any]:
    return InMemoryWorker(HANDLER, now=START + timedelta(days=days))


def contacts(worker: InMemoryWorker[Any]) -> list[tuple[str, InteractionLogged]]:
    return [(e.subject, e.data) for e in worker.emitted if isinstance(e.data, InteractionLogged)]


def the_task(worker: InMemoryWorker[Any]) -> str:
    (row,) = worker.rows("tasks")
    return str(row["task_id"])


def done(worker: InMemoryWorker[Any], task: str, id: str = "k-1", minutes: float = 30) -> Any:
    data = TaskDoneRequested(task_id=task, outcome=ANSWER, agent_id="ann")
    return worker.send(event(data, id, minutes, "/api/interactions/me/tasks", TEAM))


def test_a_bad_review_is_a_task_of_the_default_team() -> None:
    worker = fresh()
    worker.send(event(BAD))
    (row,) = worker.rows("tasks")
    assert (row["team"], row["kind"], row["customer"], row["status"]) == (
        TEAM,
        "public_answer",
        CUSTOMER,
        "open",
    )
    assert row["text"] == "mug, 1/5: It broke on the first day."
    assert row["due_at"] == micros(START + timedelta(hours=24))
    assert [(e.subject, type(e.data)) for e in worker.emitted] == [
        (TEAM, TaskOpenRequested),
        (TEAM, TaskOpened),
    ]


@pytest.mark.parametrize(("rating", "tasks"), [(1, 1), (2, 1), (3, 0), (5, 0)])
def test_so_many_stars(rating: int, tasks: int) -> None:
    worker = fresh()
    worker.send(event(ReviewPosted(sku="mug", rating=rating)))
    assert [row["text"] for row in worker.rows("tasks")] == [f"mug, {rating}/5"] * tasks


def test_by_the_desks_file_there_may_be_none() -> None:
    rules = load_desk()
    rules = rules.model_copy(update={"reviews": rules.reviews.model_copy(update={"at_most": 0})})
    apply = partial(apply_at_desk, SLA, rules, SETTINGS.identity, HASH_OF)
    worker = InMemoryWorker(replace(HANDLER, apply=apply, kinds=kinds(rules)), now=START)
    worker.send(event(BAD))
    assert worker.rows("tasks") == []


def test_a_copy_and_a_redelivery_open_none() -> None:
    worker = fresh()
    first = event(BAD)
    for told in (first, first, event(BAD, "copy"), event(BAD.model_copy(update={"rating": 2}), "other")):
        worker.send(told)
    assert len(worker.rows("tasks")) == 1
    assert [dead.code for dead in worker.dead_letters] == ["duplicate_review"]
    worker.send(event(BAD, "later", 5))
    assert len(worker.rows("tasks")) == 2


@pytest.mark.parametrize(("days", "tasks"), [(29, 1), (30, 0), (400, 0)])
def test_what_was_posted_long_ago_opens_none(days: int, tasks: int) -> None:
    worker = fresh(days)
    worker.send(event(BAD))
    assert len(worker.rows("tasks")) == tasks
    assert worker.state(CUSTOMER).counts == {"feedback": 1}


def test_the_answer_is_a_contact_with_the_customer() -> None:
    worker = fresh()
    worker.send(event(BAD))
    task = the_task(worker)
    assert done(worker, task).accepted().outcome.status == 200
    assert done(worker, task, "k-2", 40).refusal.code == "task_done"
    ((subject, told),) = contacts(worker)
    assert subject == CUSTOMER
    assert (told.channel, told.direction, told.kind) == ("web", "outbound", "review_answer")
    assert (told.author, told.agent_id, told.text, told.summary) == ("agent", "ann", ANSWER, ANSWER)
    shown = [row["type"] for row in worker.rows("timeline")]
    assert shown.count("rapport.interaction.logged.v1") == 1
    assert worker.state(CUSTOMER).counts == {"feedback": 1, "interactions": 1}


def test_words_are_bounded_where_they_are_a_line() -> None:
    worker = fresh()
    worker.send(event(ReviewPosted(sku="mug", rating=1, text="x" * 50_000)))
    (row,) = worker.rows("tasks")
    assert len(row["text"]) == len("mug, 1/5: ") + LONGEST
    answer = TaskDone(task_id=row["task_id"], outcome="y" * 5_000)
    worker.send(event(answer, "d-1", 9, subject=TEAM))
    ((_, told),) = contacts(worker)
    assert (len(told.summary), told.text) == (LONGEST_SUMMARY, answer.outcome)


def opened(kind: str = "public_answer", customer_id: str | None = CUSTOMER) -> Event:
    data = TaskOpened(task_id="t-1", kind=kind, text="mug, 1/5", customer_id=customer_id)
    return event(data, "o-1", 0, subject=TEAM)


ENDS = [event(TaskDone(task_id="t-1", outcome=f"Answer {n}"), f"d-{n}", n, subject=TEAM) for n in (9, 5)]


@pytest.mark.parametrize("order", list(permutations([opened(), *ENDS])))
def test_whichever_is_heard_first_there_is_one_answer(order: tuple[Event, ...]) -> None:
    worker = fresh()
    for told in order:
        worker.send(told)
    ((subject, told_answer),) = contacts(worker)
    assert (subject, told_answer.agent_id) == (CUSTOMER, None)


@pytest.mark.parametrize("other", [opened("call"), opened(customer_id=None)])
def test_other_tasks_leave_no_contact(other: Event) -> None:
    worker = fresh()
    for told in (other, *ENDS):
        worker.send(told)
    assert contacts(worker) == []


def test_what_is_told_of_an_old_id_is_a_task_about_the_survivor() -> None:
    worker = fresh()
    worker.send(event(CustomerMerged(into="cust-2", reason="one person"), "m-1"))
    for told in (event(BAD, minutes=1), event(BAD, "copy", 1)):
        worker.send(told)
    (row,) = worker.rows("tasks")
    assert row["customer"] == "cust-2"
    done(worker, row["task_id"])
    assert [subject for subject, _ in contacts(worker)] == ["cust-2"]


def test_an_answer_to_one_who_was_merged_since_is_noted_of_the_survivor_once() -> None:
    worker = fresh()
    worker.send(event(BAD))
    worker.send(event(CustomerMerged(into="cust-2", reason="one person"), "m-1", 1))
    assert len(worker.rows("tasks")) == 1
    done(worker, the_task(worker))
    assert [told.text for _, told in contacts(worker)] == [ANSWER]
    assert worker.state("cust-2").counts == {"feedback": 1, "interactions": 1}


REVIEWS = [event(BAD, id) for id in ("e-1", "e-2", "e-3")]


@given(st.permutations([*REVIEWS, *REVIEWS]), st.integers(0, 5))
def test_any_order_any_number_of_copies_one_task_one_answer(order: list[Event], answered: int) -> None:
    worker = fresh()
    for place, told in enumerate(order):
        worker.send(told)
        if place == answered:
            for id in ("k-1", "k-1", "k-2"):
                done(worker, the_task(worker), id)
    assert (len(worker.rows("tasks")), len(contacts(worker))) == (1, 1)
