"""What happens to a complaint is decided by event times, whichever of its facts is heard first."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from services.interactions.domain.complaints import steps
from services.interactions.domain.complaints.standing import standing
from services.interactions.domain.state import MAX_HELD
from shared.facts.complaints import MOST_WAITING
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.commands.complaints import ComplaintAcknowledgeRequested, ComplaintReopenRequested
from shared.schemas.complaints import (
    CompensationGranted,
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintUpdated,
)
from shared.schemas.event import Event

from .told import CUSTOMER, HANDLER, START, at, event

ID = "c-1"
OPENED = ComplaintOpened(
    complaint_id=ID, channel="email", category="delivery", severity="high", description="late"
)
RESOLVED = ComplaintResolved(complaint_id=ID, resolution="sent again")
CLOSED = ComplaintClosed(complaint_id=ID)
ACKNOWLEDGED = ComplaintAcknowledged(complaint_id=ID, message="we have it")
REOPENED = ComplaintReopened(complaint_id=ID, reason="broken")
UPDATED = ComplaintUpdated(complaint_id=ID, message="soon")
GIVEN = CompensationGranted(complaint_id=ID, kind="points", points=100)


def fresh() -> InMemoryWorker[Any]:
    return InMemoryWorker(HANDLER, now=START)


def tell(worker: InMemoryWorker[Any], data: Data, minutes: float, id: str | None = None) -> Event:
    told = event(data, id or f"{data.event_type.split('.')[2]}-{minutes}", minutes)
    worker.send(told)
    return told


def status(worker: InMemoryWorker[Any]) -> str:
    (complaint,) = worker.state(CUSTOMER).complaints
    return standing(complaint).status


def codes(worker: InMemoryWorker[Any]) -> list[str]:
    return [dead.code for dead in worker.dead_letters]


def rows(worker: InMemoryWorker[Any]) -> dict[str, str]:
    """Of the timeline: id -> line."""
    return {row["id"]: row["summary"] for row in worker.rows("timeline")}


def history(worker: InMemoryWorker[Any]) -> set[str]:
    return {row["id"] for row in worker.rows("timeline") if row.get("complaint_id")}


def test_resolved_before_opened_waits_and_then_holds() -> None:
    worker = fresh()
    tell(worker, RESOLVED, 5)
    assert rows(worker) == {"resolved-5": "Waiting: Complaint resolved: sent again"}
    assert [t.due_at for t in worker.timers()] == [START + timedelta(days=30)]
    assert worker.state(CUSTOMER).counts == {}
    tell(worker, OPENED, 0)
    assert status(worker) == "resolved"
    assert rows(worker)["resolved-5"] == "Complaint resolved: sent again"
    assert history(worker) == {"opened-0", "resolved-5"}
    assert [row["status"] for row in worker.rows("complaints")] == ["resolved"]
    assert ([t.name for t in worker.timers()], codes(worker)) == (["sla:c-1"], []), "for when it happens"
    assert worker.state(CUSTOMER).counts == {"complaints": 2}


def test_a_step_waits_for_thirty_days_and_is_then_a_dead_letter() -> None:
    worker = fresh()
    first = tell(worker, RESOLVED, 20 * 60)  # of a clock that runs ahead: it waits from now on all the same
    worker.advance(timedelta(days=2))
    second = tell(worker, GIVEN, -60)
    worker.advance(timedelta(days=28, seconds=-1))
    assert codes(worker) == []
    worker.advance(timedelta(seconds=1))
    assert [(dead.event.id, dead.code) for dead in worker.dead_letters] == [(first.id, "unknown_complaint")]
    assert rows(worker)[first.id] == "Refused: Complaint resolved: sent again"
    worker.advance(timedelta(days=2))
    assert codes(worker) == ["unknown_complaint"] * 2
    assert worker.state(CUSTOMER).held == ()
    # Its id is free: told again once the complaint is known, it holds.
    tell(worker, OPENED, 0)
    assert status(worker) == "opened"
    worker.send(first)
    assert status(worker) == "resolved"
    assert rows(worker)[first.id] == "Complaint resolved: sent again"
    assert rows(worker)[second.id].startswith("Refused")


def test_fifty_wait_and_the_next_is_refused_at_once() -> None:
    worker = fresh()
    for minute in range(MOST_WAITING):
        tell(worker, UPDATED, minute)
    tell(worker, UPDATED, 7, "copy")
    assert (codes(worker), rows(worker)["copy"]) == ([], "Copy: Complaint updated: soon")
    tell(worker, UPDATED, 99)
    assert codes(worker) == ["unknown_complaint"]
    tell(worker, OPENED, 0)
    assert len(worker.state(CUSTOMER).complaints[0].steps) == MOST_WAITING + 1


def test_a_customers_waiting_facts_are_bounded() -> None:
    worker = fresh()
    for number in range(MAX_HELD):
        tell(worker, UPDATED.model_copy(update={"complaint_id": f"n-{number}"}), 0, f"e-{number}")
    tell(worker, UPDATED.model_copy(update={"complaint_id": "one more"}), 0, "one more")
    assert codes(worker) == ["too_many_waiting"]


def test_every_order_of_arrival_ends_alike() -> None:
    facts = [(OPENED, 0), (ACKNOWLEDGED, 1), (RESOLVED, 2), (REOPENED, 3), (RESOLVED, 4), (CLOSED, 5)]
    ends = set()
    for order in permutations(facts):
        worker = fresh()
        for data, minute in order:
            tell(worker, data, minute)
        (row,) = worker.rows("complaints")
        ends.add(repr(sorted(row.items())))
        assert history(worker) == {f"{d.event_type.split('.')[2]}-{m}" for d, m in facts}
    assert len(ends) == 1


def test_a_refused_step_is_remembered_and_holds_once_what_it_lacked_is_heard() -> None:
    worker = fresh()
    tell(worker, OPENED, 0)
    closed = tell(worker, CLOSED, 9)
    assert (status(worker), codes(worker)) == ("opened", ["invalid_transition"])
    assert rows(worker)[closed.id] == "Refused: Complaint closed"
    assert history(worker) == {"opened-0"}
    worker.send(closed)  # its dead letter is replayed too early
    assert codes(worker) == ["invalid_transition"] * 2
    tell(worker, RESOLVED, 5)
    assert status(worker) == "closed"
    assert history(worker) == {"opened-0", "resolved-5", closed.id}
    assert worker.state(CUSTOMER).held == ()
    worker.send(closed)  # and again: a copy
    assert len(codes(worker)) == 2
    assert rows(worker)[closed.id] == "Complaint closed"
    assert worker.state(CUSTOMER).counts == {"complaints": 3}


def test_an_event_put_right_under_the_id_of_a_refused_one_takes_effect() -> None:
    worker = fresh()
    tell(worker, OPENED, 0)
    tell(worker, CLOSED, 9, "d-1")
    tell(worker, UPDATED, 8, "d-1")
    assert codes(worker) == ["invalid_transition"]
    assert history(worker) == {"opened-0", "d-1"}


def test_a_fact_from_outside_is_judged_by_the_status_at_its_own_time() -> None:
    worker = fresh()
    for data, minute in ((OPENED, 0), (RESOLVED, 5), (CLOSED, 8)):
        tell(worker, data, minute)
    tell(worker, UPDATED, 4)
    tell(worker, GIVEN, 6)
    assert codes(worker) == []
    tell(worker, GIVEN, 9)
    assert codes(worker) == ["invalid_transition"]
    tell(worker, REOPENED, 7)  # it was reopened before it was closed, so the closing does not hold
    assert status(worker) == "reopened"


def test_a_command_follows_all_that_is_known_even_of_a_clock_that_runs_ahead() -> None:
    worker = fresh()
    tell(worker, OPENED, 0)
    tell(worker, RESOLVED, 20 * 60)
    told = event(
        ComplaintReopenRequested(complaint_id=ID, reason="broken"), "k-1", 1, "/api/interactions/me/r"
    )
    handled = worker.send(told).accepted()
    assert handled.outcome is not None
    assert handled.outcome.body == {"complaint_id": ID, "status": "reopened"}
    (fact,) = worker.emitted
    assert fact.time == at(20 * 60) + timedelta(microseconds=1)


def test_a_refused_command_leaves_no_step() -> None:
    worker = fresh()
    for data, minute in ((OPENED, 0), (RESOLVED, 5)):
        tell(worker, data, minute)
    told = event(ComplaintAcknowledgeRequested(complaint_id=ID), "k-1", 6, "/api/interactions/me/r")
    assert worker.send(told).status == "refused"
    assert len(worker.state(CUSTOMER).complaints[0].steps) == 2
    assert codes(worker) == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_an_assignee_is_the_latest_by_event_time(order: tuple[int, ...]) -> None:
    facts = [
        (OPENED.model_validate(OPENED.model_dump() | {"assignee": "agent-1"}), 0),
        (ACKNOWLEDGED.model_validate(ACKNOWLEDGED.model_dump() | {"assignee": "agent-2"}), 1),
        (UPDATED.model_validate(UPDATED.model_dump() | {"assignee": "agent-3"}), 2),
    ]
    worker = fresh()
    for number in order:
        tell(worker, *facts[number])
    assert [row["assignee"] for row in worker.rows("complaints")] == ["agent-3"]


def test_what_waited_and_does_not_follow_is_a_dead_letter_when_the_opening_comes() -> None:
    worker = fresh()
    closed = tell(worker, CLOSED, 3)
    given = tell(worker, GIVEN, 2)
    tell(worker, OPENED, 0)
    assert codes(worker) == ["invalid_transition"]
    assert rows(worker)[closed.id].startswith("Refused")
    assert rows(worker)[given.id] == "Compensation, points: 100 points"
    tell(worker, RESOLVED, 1)
    assert status(worker) == "closed"
    assert rows(worker)[closed.id] == "Complaint closed"


def test_a_complaints_steps_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 60  # of the thousand: each step looks at all before it
    monkeypatch.setattr(steps, "MAX_STEPS", most)
    worker = InMemoryWorker(HANDLER, now=START, strict=False)
    updates = [event(UPDATED, f"u-{n}", n) for n in range(most)]
    worker.send_batch([event(OPENED, "o"), *updates, event(RESOLVED, "r", most)])
    assert (codes(worker), status(worker)) == ([], "resolved"), "updates make room for what decides"
    (complaint,) = worker.state(CUSTOMER).complaints
    assert len(complaint.steps) == most
    assert worker.state(CUSTOMER).counts == {"complaints": most + 2}
    to_and_fro = [event((REOPENED, RESOLVED)[n % 2], f"t-{n}", 2 * most + n) for n in range(most)]
    worker.send_batch(to_and_fro)
    assert set(codes(worker)) == {"too_many_steps"}


@pytest.mark.parametrize("resolved", [True, False])
def test_a_step_that_does_not_follow_may_come_again_in_one_batch(resolved: bool) -> None:
    """It took itself back; the worker died of the second, again and again."""
    worker, closed = fresh(), event(CLOSED, "c", 3)
    between = [event(RESOLVED, "r", 1)] if resolved else []
    worker.send_batch([event(OPENED, "o"), closed, *between, closed])
    assert codes(worker) == ["invalid_transition"] * (1 if resolved else 2)
    assert status(worker) == ("closed" if resolved else "opened")
