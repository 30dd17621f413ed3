"""What is told of complaints' clocks: the contract's sentences, through the worker.

1 November 2026 is a Sunday; the contract's policy for critical complaints counts all hours.
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs

from services.interactions.domain.rows import ComplaintRow, TimelineRow
from services.interactions.domain.sla.course import Course
from services.interactions.models.complaints import complaint_detail
from shared.schemas.base import Data
from shared.schemas.commands.complaints import (
    ComplaintAcknowledgeRequested,
    ComplaintResumeRequested,
    ComplaintWaitRequested,
)
from shared.schemas.complaints import (
    ComplaintChanged,
    ComplaintEscalated,
    ComplaintSlaBreached,
)
from shared.schemas.times import micros

from .promised import (
    ACKNOWLEDGED,
    API,
    ID,
    OPENED,
    RESOLVED,
    RESUMED,
    UPDATED,
    WAITING,
    after,
    fresh,
    minute,
    minute_of,
    row,
    shown,
    tell,
    told,
)
from .sla.contract import CONTRACT
from .told import at


def test_warned_breached_and_escalated_once_each_at_their_instants() -> None:
    worker = fresh()
    tell(worker, OPENED)
    after(worker, 24 * 60)
    assert told(worker) == [
        ("warned", "first_response", 30),
        ("breached", "first_response", 60),
        ("escalated", "first_response", 60),
        ("escalated", "first_response", 180),
        ("warned", "resolution", 23.5 * 60),
        ("breached", "resolution", 24 * 60),
        ("escalated", "resolution", 24 * 60),
    ]
    (breach, _) = worker.facts(ComplaintSlaBreached)
    assert (breach.due_at, breach.policy, breach.version) == (at(60), "critical", "2020-01-01")
    assert [(e.level, e.to) for e in worker.facts(ComplaintEscalated)] == [
        (1, "lead"), (2, "manager"), (1, "lead"),
    ]  # fmt: skip
    assert row(worker)["overdue"]
    after(worker, 10 * 24 * 60)
    assert len(told(worker)) == 8
    assert worker.timers() == [], "there is nothing left to tell"


def test_an_open_complaint_costs_one_timer_until_something_is_due() -> None:
    worker = fresh()
    tell(worker, OPENED)
    assert [(t.name, minute(t.due_at)) for t in worker.timers()] == [("sla:c-1", 30)]
    after(worker, 29)
    assert told(worker) == []
    tell(worker, ACKNOWLEDGED)
    assert [(t.name, minute(t.due_at)) for t in worker.timers()] == [("sla:c-1", 29 + 3.5 * 60)]
    tell(worker, RESOLVED)
    assert worker.timers() == []
    assert told(worker) == [
        ("met", "first_response", 29),
        ("met", "update", 29),
        ("met", "resolution", 29),
    ]


def test_what_is_told_stands_in_the_timeline_and_in_the_complaints_history() -> None:
    worker = fresh()
    tell(worker, OPENED)
    after(worker, 60)
    lines = [
        (row["at"], row["summary"], row["complaint_id"])
        for row in worker.rows("timeline")
        if row["source"] == "/rapport/interactions"
    ]
    assert lines == [
        (micros(at(30)), "Complaint due soon: first response", ID),
        (micros(at(60)), "Complaint overdue: first response", ID),
        (micros(at(60)), "Complaint escalated to lead, level 1", ID),
    ]
    ids = [e.id[:24] for e in worker.emitted]
    assert [row["id"] for row in worker.rows("timeline")[1:]] == ids, "an id as its event's begins"


@pytest.mark.parametrize("places", ["abcd", "dcba"])
def test_the_history_has_what_is_of_one_instant_in_the_order_in_which_it_came_about(places: str) -> None:
    worker = fresh()
    tell(worker, OPENED)
    after(worker, 60)
    rows = TimelineRow.read(worker.rows("timeline"))
    rows = [structs.replace(row, place=place) for row, place in zip(rows, places, strict=True)]
    detail = complaint_detail(ComplaintRow.read([row(worker)])[0], Course(), rows)
    assert [step.type.split(".")[2] for step in detail.history] == [
        "opened", "sla_warned", "sla_breached", "escalated",
    ]  # fmt: skip


def test_overdue_until_its_step_is_taken() -> None:
    worker = fresh()
    tell(worker, OPENED)
    after(worker, 70)
    assert row(worker)["overdue"]
    tell(worker, ACKNOWLEDGED)
    assert not row(worker)["overdue"]
    after(worker, 70 + 240)
    assert row(worker)["overdue"], "the update is"
    tell(worker, UPDATED)
    assert not row(worker)["overdue"]
    after(worker, 24 * 60)
    tell(worker, UPDATED)
    assert row(worker)["overdue"], "an update does not resolve"
    tell(worker, RESOLVED)
    assert not row(worker)["overdue"]


def test_waiting_for_the_customer_pauses_all_but_the_first_response() -> None:
    worker = fresh()
    tell(worker, OPENED)
    tell(worker, WAITING, 10)
    after(worker, 60)
    assert shown(worker) == {"first_response": "breached", "resolution": "paused"}
    assert (row(worker)["waiting"], row(worker)["next_due"]) == (True, None)
    tell(worker, ACKNOWLEDGED)
    assert shown(worker)["update"] == "paused"
    after(worker, 10_000)
    tell(worker, RESUMED)
    assert shown(worker) == {"first_response": "breached", "update": "running", "resolution": "running"}
    assert (row(worker)["waiting"], minute_of(row(worker)["next_due"])) == (False, 10_000 + 240)
    tell(worker, WAITING)
    tell(worker, RESOLVED)
    assert not row(worker)["waiting"], "a solution ends it"


def test_waiting_by_commands() -> None:
    worker = fresh()
    tell(worker, OPENED)

    def ask(data: Data) -> Any:
        return tell(worker, data, source=API)

    wait, resume = (
        ComplaintWaitRequested(complaint_id=ID, reason="r"),
        ComplaintResumeRequested(complaint_id=ID),
    )
    after(worker, 1)
    refused = ask(resume)
    assert refused.outcome.body["detail"] == (
        "Complaint c-1 is opened and cannot be resumed. It can be: "
        "acknowledged, updated, compensated, resolved, changed, set waiting."
    )
    after(worker, 2)
    assert ask(wait).outcome.body == {"complaint_id": ID, "status": "opened"}
    after(worker, 3)
    again = ask(wait)
    assert (again.outcome.status, again.outcome.body["code"]) == (409, "invalid_transition")
    assert again.outcome.body["detail"].startswith(
        "Complaint c-1 is opened and waiting and cannot be set waiting."
    )
    after(worker, 4)
    assert ask(resume).outcome.status == 200
    assert [e.data.event_type.split(".")[2] for e in worker.emitted] == ["waiting", "resumed"]


def test_a_promise_sets_when_the_update_is_due() -> None:
    worker = fresh()
    tell(worker, OPENED)
    after(worker, 5)
    tell(worker, UPDATED.model_copy(update={"promised_by": at(100)}))
    assert (minute_of(row(worker)["next_due"]), row(worker)["next_clock"]) == (100, "update")
    after(worker, 100)
    assert ("breached", "update", 100) in told(worker)


def test_a_promise_for_the_end_of_the_calendar_holds_nobody_up() -> None:
    """Office hours are not counted day by day until then."""
    worker = fresh()
    tell(worker, OPENED.model_copy(update={"severity": "low"}))
    after(worker, 5)
    never = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    tell(worker, UPDATED.model_copy(update={"promised_by": never}))
    assert (row(worker)["next_due"], row(worker)["next_clock"]) != (None, None)
    assert ("met", "first_response", 5) in told(worker)


def test_a_changed_severity_reckons_anew_and_tells_what_is_past_at_the_change() -> None:
    worker = fresh()
    tell(worker, OPENED.model_copy(update={"severity": "low"}))
    after(worker, 90)
    assert told(worker) == []
    tell(worker, ComplaintChanged(complaint_id=ID, severity="critical", assignee="lead-1"))
    assert told(worker) == [("breached", "first_response", 90), ("escalated", "first_response", 90)]
    assert (row(worker)["severity"], row(worker)["assignee"]) == ("critical", "lead-1")
    (breach,) = worker.facts(ComplaintSlaBreached)
    assert breach.due_at == at(60)


def test_without_a_policy_that_fits_there_is_no_clock() -> None:
    text = CONTRACT.replace(
        "      - {name: standard, calendar: office, first_response: 4h, resolution: 24h}\n", ""
    )
    worker = fresh(text)
    tell(worker, OPENED.model_copy(update={"severity": "low"}))
    assert (shown(worker, text), worker.timers(), row(worker)["overdue"]) == ({}, [], False)
    after(worker, 100_000)
    assert told(worker) == []


def test_commands_tell_with_their_fact() -> None:
    worker = fresh()
    tell(worker, OPENED)
    after(worker, 5)
    tell(worker, ComplaintAcknowledgeRequested(complaint_id=ID), source=API)
    assert [e.data.event_type.split(".")[2] for e in worker.emitted] == ["acknowledged", "sla_met"]
