"""Tasks of teams: opened once, done once, whichever is heard first; and never a customer's."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from services.interactions.domain.erasing.elsewhere import forgotten_task
from services.interactions.domain.tasks.state import Task
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.commands.teams import TaskDoneRequested, TaskOpenRequested
from shared.schemas.customers import CustomerErased, CustomerRegistered
from shared.schemas.teams import TaskDone, TaskOpened

from .told import CUSTOMER, HANDLER, START, at, event

TEAM = CUSTOMER
"""A team may have a customer's id: they do not meet."""
ID = f"task/{TEAM}/t-1"
OPENED = TaskOpened(task_id="t-1", kind="call", text="ask how it went", customer_id="c-9", due_at=at(60))
DONE = TaskDone(task_id="t-1", outcome="reached")


def fresh() -> InMemoryWorker[Any]:
    return InMemoryWorker(HANDLER, now=START)


def tell(worker: InMemoryWorker[Any], data: Data, minutes: float = 0, id: str | None = None) -> Any:
    source = "/api/interactions/me/tasks" if data.topic == "commands" else "/test"
    return worker.send(event(data, id or f"{data.event_type}-{minutes}", minutes, source))


def rows(worker: InMemoryWorker[Any]) -> list[tuple[str, str | None, Any]]:
    return [(row["status"], row["outcome"], row["done_at"]) for row in worker.rows("tasks")]


def codes(worker: InMemoryWorker[Any]) -> list[str]:
    return [dead.code for dead in worker.dead_letters]


def test_opened_and_done() -> None:
    worker = fresh()
    tell(worker, OPENED)
    (row,) = worker.rows("tasks")
    assert (row["_id"], row["team"], row["customer"], row["kind"]) == (f"t-1 {TEAM}", TEAM, "c-9", "call")
    assert (row["status"], row["text"]) == ("open", "ask how it went")
    tell(worker, DONE, 30)
    assert [(status, outcome) for status, outcome, _ in rows(worker)] == [("done", "reached")]
    assert (codes(worker), worker.timers()) == ([], [])


def test_a_task_about_an_erased_customer_goes_for_good() -> None:
    worker = fresh()
    tell(worker, OPENED)
    (row,) = worker.rows("tasks")
    told = forgotten_task(row)
    assert told.subject == TEAM
    tell(worker, told.data, 10)
    assert ID not in worker.states
    tell(worker, OPENED, 20, id="told-again")
    late = tell(worker, TaskDoneRequested(task_id="t-1", outcome="reached"), 30)
    assert (late.outcome.status, ID in worker.states) == (410, False)


@pytest.mark.parametrize("order", list(permutations([OPENED, DONE])))
def test_one_opened_after_its_customer_was_erased_takes_its_ending_with_it(order: tuple[Data, ...]) -> None:
    """Whichever is heard first: its words would wait a month for nothing, and be a dead letter."""
    worker = fresh()
    worker.tell("c-9", CustomerErased())
    for data in order:
        tell(worker, data)
    assert (ID in worker.states, worker.rows("tasks"), worker.timers()) == (False, [], [])
    worker.advance(timedelta(days=31))
    assert codes(worker) == []


def test_anothers_task_stays_when_it_is_told_of_somebody_erased() -> None:
    worker = fresh()
    tell(worker, OPENED)
    worker.tell("c-8", CustomerErased())
    tell(worker, OPENED.model_copy(update={"customer_id": "c-8"}), 20)
    assert worker.state(ID).opening.customer_id == "c-9"
    assert codes(worker) == []


def test_a_teams_task_leaves_nothing_of_a_customer() -> None:
    worker = fresh()
    tell(worker, CustomerRegistered(name="Ann"))
    before = {name: worker.rows(name) for name in ("timeline", "customers", "search", "complaints")}
    known = worker.state(CUSTOMER)
    # The same id of the same source: a fact of a team is another than one of a customer.
    tell(worker, OPENED, id=f"{CustomerRegistered.event_type}-0")
    tell(worker, DONE, 30)
    assert {name: worker.rows(name) for name in before} == before
    assert worker.state(CUSTOMER) is known
    assert [*worker.states] == [CUSTOMER, ID]
    assert isinstance(worker.states[ID], Task)


@pytest.mark.parametrize(
    "order", list(permutations([(OPENED, 0), (DONE, 30), (TaskDone(task_id="t-1", outcome="mailbox"), 20)]))
)
def test_every_order_of_arrival_ends_alike(order: tuple[tuple[Data, float], ...]) -> None:
    worker = fresh()
    for data, minute in order:
        tell(worker, data, minute)
    assert [(status, outcome) for status, outcome, _ in rows(worker)] == [("done", "mailbox")]
    assert (codes(worker), worker.timers()) == ([], [])
    assert worker.state(ID).ending.at == worker.rows("tasks")[0]["done_at"]


def test_told_again_it_is_a_copy_and_with_other_data_a_dead_letter() -> None:
    worker = fresh()
    tell(worker, OPENED)
    tell(worker, OPENED, 5, "copy")
    tell(worker, OPENED.model_copy(update={"kind": "letter"}), 6, "other")
    tell(worker, DONE, 7)
    tell(worker, DONE, 8, "again")
    assert codes(worker) == ["duplicate_task"]
    (row,) = worker.rows("tasks")
    assert (row["kind"], row["outcome"]) == ("call", "reached")


def test_an_ending_waits_for_thirty_days_and_is_then_a_dead_letter() -> None:
    worker = fresh()
    tell(worker, DONE, 30)
    (timer,) = worker.timers()
    assert (timer.subject, timer.due_at) == (ID, START + timedelta(days=30))
    assert worker.rows("tasks") == []
    worker.advance(timedelta(days=30))
    (dead,) = worker.dead_letters
    assert (dead.code, dead.event.subject, dead.event.data) == ("unknown_task", TEAM, DONE)
    tell(worker, OPENED)
    assert [status for status, *_ in rows(worker)] == ["open"]


def test_commands_become_facts_of_the_team() -> None:
    worker = fresh()
    ask = TaskOpenRequested(task_id="t-1", kind="call", text="ask how it went", due_at=at(60))
    answer = tell(worker, ask).accepted().outcome
    assert (answer.status, answer.body) == (201, {"task_id": "t-1"})
    assert tell(worker, ask, 1, "k-2").refusal.code == "task_exists"
    answer = tell(worker, TaskDoneRequested(task_id="t-1", outcome="reached"), 5).accepted().outcome
    assert (answer.status, answer.body) == (200, {"task_id": "t-1", "status": "done"})
    assert tell(worker, TaskDoneRequested(task_id="t-1", outcome="no"), 6).refusal.code == "task_done"
    assert tell(worker, TaskDoneRequested(task_id="t-2", outcome="no"), 7).refusal.code == "unknown_task"
    assert [(e.subject, type(e.data)) for e in worker.emitted] == [(TEAM, TaskOpened), (TEAM, TaskDone)]
    assert codes(worker) == []


def test_a_task_is_done_after_it_was_opened_even_by_a_clock_that_runs_ahead() -> None:
    worker = fresh()
    tell(worker, OPENED, 120)
    tell(worker, TaskDoneRequested(task_id="t-1", outcome="reached"), 5)
    (fact,) = worker.emitted
    assert fact.time == at(120) + timedelta(microseconds=1)


def test_tasks_in_one_batch_with_customers() -> None:
    worker = fresh()
    ann = CustomerRegistered(name="Ann")
    worker.send_batch([event(DONE, "e-1", 9), event(ann, "e-2"), event(OPENED, "e-3")])
    assert [status for status, *_ in rows(worker)] == ["done"]
    assert worker.state(CUSTOMER).counts == {"customers": 1}
