"""A complaint's life: every status against every step, by fact and by command."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.interactions.domain.complaints.standing import Standing, standing
from services.interactions.domain.state import MAX_COMPLAINTS, Customer, initial
from shared.domain import Effects, RefusedError
from shared.facts.complaints import STATUSES
from shared.schemas.base import Data
from shared.schemas.commands.complaints import (
    ComplaintAcknowledgeRequested,
    ComplaintChangeRequested,
    ComplaintCloseRequested,
    ComplaintCommand,
    ComplaintCompensateRequested,
    ComplaintOpenRequested,
    ComplaintReopenRequested,
    ComplaintResolveRequested,
    ComplaintUpdateRequested,
    ComplaintWaitRequested,
)
from shared.schemas.complaints import (
    CompensationGranted,
    ComplaintAcknowledged,
    ComplaintChanged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintUpdated,
    ComplaintWaiting,
)
from shared.schemas.event import Event
from shared.schemas.times import micros

from .told import CUSTOMER, at, event, fold, put, step

ID = "c-1"
OPENED = ComplaintOpened(
    complaint_id=ID,
    channel="email",
    category="delivery",
    severity="high",
    description="late " * 100,
    order_id="o-1",
)
FACTS: dict[str, Data] = {
    "acknowledge": ComplaintAcknowledged(complaint_id=ID, message="we have it"),
    "update": ComplaintUpdated(complaint_id=ID, message="soon"),
    "resolve": ComplaintResolved(complaint_id=ID, resolution="sent again", root_cause="carrier"),
    "reopen": ComplaintReopened(complaint_id=ID, reason="broken"),
    "close": ComplaintClosed(complaint_id=ID),
    "compensate": CompensationGranted(complaint_id=ID, kind="points", points=100),
    "change": ComplaintChanged(complaint_id=ID, severity="critical"),
    "wait": ComplaintWaiting(complaint_id=ID, reason="a photo"),
}
COMMANDS: dict[str, type[ComplaintCommand]] = {
    "acknowledge": ComplaintAcknowledgeRequested,
    "update": ComplaintUpdateRequested,
    "resolve": ComplaintResolveRequested,
    "reopen": ComplaintReopenRequested,
    "close": ComplaintCloseRequested,
    "compensate": ComplaintCompensateRequested,
    "change": ComplaintChangeRequested,
    "wait": ComplaintWaitRequested,
}
# The contract, written out by hand: (status, action) -> the status after; what is absent is refused.
AFTER = {
    ("opened", "acknowledge"): "acknowledged",
    ("opened", "resolve"): "resolved",
    ("opened", "update"): "opened",
    ("opened", "compensate"): "opened",
    ("acknowledged", "resolve"): "resolved",
    ("acknowledged", "update"): "acknowledged",
    ("acknowledged", "compensate"): "acknowledged",
    ("resolved", "close"): "closed",
    ("resolved", "reopen"): "reopened",
    ("resolved", "update"): "resolved",
    ("resolved", "compensate"): "resolved",
    ("closed", "reopen"): "reopened",
    ("reopened", "acknowledge"): "acknowledged",
    ("reopened", "resolve"): "resolved",
    ("reopened", "update"): "reopened",
    ("reopened", "compensate"): "reopened",
    **{(status, "change"): status for status in ("opened", "acknowledged", "resolved", "reopened")},
    **{(status, "wait"): status for status in ("opened", "acknowledged", "reopened")},
}
PATHS = {
    "opened": [],
    "acknowledged": ["acknowledge"],
    "resolved": ["resolve"],
    "closed": ["resolve", "close"],
    "reopened": ["resolve", "reopen"],
}


def asked(action: str) -> ComplaintCommand:
    return COMMANDS[action].model_validate(FACTS[action].model_dump(exclude_none=True))


def now_is(state: Customer) -> Standing:
    (complaint,) = state.complaints
    return standing(complaint)


def in_status(status: str) -> Customer:
    facts = [OPENED, *(FACTS[action] for action in PATHS[status])]
    state = fold([event(fact, f"f-{n}", n) for n, fact in enumerate(facts)])
    assert now_is(state).status == status
    return state


def refused_fact(effects: Effects[Customer], told: Event) -> bool:
    """Whether the fact has become a dead letter, and is remembered all the same."""
    if not effects.retracts:
        return False
    (retract,) = effects.retracts
    assert (retract.event, retract.code) == (told, "invalid_transition")
    (row,) = (row.document for row in effects.rows)
    assert row["summary"].startswith("Refused: ")
    return True


@pytest.mark.parametrize(("status", "action"), list(itertools.product(STATUSES, FACTS)))
def test_every_step_from_every_status(status: str, action: str) -> None:
    before = in_status(status)
    wanted = AFTER.get((status, action))
    for told in (
        event(FACTS[action], "x", 60),
        event(asked(action), "x", 60, source="/api/interactions/me/r"),
    ):
        if wanted is None and (told.data == asked(action) or action == "compensate"):
            with pytest.raises(RefusedError) as refused:
                step(before, told)
            assert (refused.value.status, refused.value.code) == (409, "invalid_transition")
            continue
        effects = step(before, told)
        assert refused_fact(effects, told) == (wanted is None)
        assert now_is(effects.state).status == wanted or status
        if wanted is None:
            continue
        row = put(effects, "complaints")
        assert row is not None
        assert row["status"] == wanted


def without_notices(effects: Effects[Customer]) -> list[object]:
    """The rows but those of what was told of clocks, whose ids say what they were told with."""
    return [row for row in effects.rows if row.document.get("source") != "/rapport/interactions"]


@pytest.mark.parametrize("action", FACTS)
def test_a_command_does_what_its_fact_does_and_emits_it(action: str) -> None:
    status = next(s for s, a in AFTER if a == action)
    by_fact = step(in_status(status), event(FACTS[action], "x", 60))
    by_command = step(in_status(status), event(asked(action), "x", 60))
    assert by_command.state == by_fact.state
    assert without_notices(by_command) == without_notices(by_fact)
    emitted, *notices = by_command.emits
    assert emitted.data == FACTS[action]
    assert emitted.time == at(60)
    assert by_fact.emits == tuple(notices)
    assert by_command.outcome.body == {"complaint_id": ID, "status": AFTER[status, action]}


@pytest.mark.parametrize("action", FACTS)
def test_an_unknown_complaint_is_404(action: str) -> None:
    with pytest.raises(RefusedError) as refused:
        step(initial(CUSTOMER), event(asked(action)))
    assert (refused.value.status, refused.value.code) == (404, "unknown_complaint")


def test_opening_by_command() -> None:
    command = ComplaintOpenRequested(
        customer_id=CUSTOMER, channel="chat", category="quality", severity="low", description="<b>bad</b>"
    )
    effects = step(initial(CUSTOMER), event(command, "key-1"))
    assert (effects.outcome.status, effects.outcome.body) == (201, {"complaint_id": "complaint-key-1"})
    (complaint,) = effects.state.complaints
    assert (complaint.complaint_id, standing(complaint).status, complaint.summary) == (
        "complaint-key-1",
        "opened",
        "<b>bad</b>",
    )
    assert isinstance(effects.emits[0].data, ComplaintOpened)
    assert effects.emits[0].data.description == "<b>bad</b>"


def test_an_id_is_opened_once() -> None:
    state = in_status("closed")
    again = step(state, event(OPENED, "again"))
    assert again.state == state
    (row,) = (row.document for row in again.rows)
    assert row["summary"].startswith("Copy: Complaint, high, delivery")
    with pytest.raises(RefusedError, match="duplicate_complaint"):
        step(state, event(OPENED.model_copy(update={"severity": "low"}), "again"))


def test_times_and_what_a_reopening_keeps() -> None:
    facts = ["acknowledge", "resolve", "close", "reopen"]
    state = fold([event(OPENED), *(event(FACTS[a], a, n) for n, a in enumerate(facts, 1))])
    complaint = now_is(state)
    assert state.complaints[0].opened_at == micros(at(0))
    assert complaint.acknowledged_at == micros(at(1))
    assert (complaint.resolved_at, complaint.closed_at) == (None, None)
    assert complaint.updated_at == micros(at(4))
    assert len(state.complaints[0].steps) == 5
    assert complaint.open


@pytest.mark.parametrize(
    ("action", "field"),
    [("update", "message"), ("resolve", "resolution"), ("reopen", "reason"), ("compensate", "kind")],
)
def test_commands_that_lack_their_text_are_refused(action: str, field: str) -> None:
    for said in ({}, {field: ""}):
        with pytest.raises(ValidationError) as refused:
            COMMANDS[action].model_validate({"complaint_id": ID, **said})
        assert [error["loc"] for error in refused.value.errors()] == [(field,)]


def test_a_refund_needs_money() -> None:
    said = {"complaint_id": ID, "kind": "refund", "points": 5}
    with pytest.raises(ValidationError, match="is needed"):
        ComplaintCompensateRequested.model_validate(said)
    command = ComplaintCompensateRequested.model_validate(
        {**said, "money": {"amount": 500, "currency": "EUR"}}
    )
    assert step(in_status("opened"), event(command)).emits


def test_an_assignee_is_taken_from_a_step() -> None:
    command = ComplaintAcknowledgeRequested(complaint_id=ID, assignee="agent-7")
    effects = step(in_status("opened"), event(command))
    assert now_is(effects.state).assignee == "agent-7"
    assert effects.emits[0].data.assignee == "agent-7"
    assert now_is(step(effects.state, event(FACTS["resolve"], "r", 2)).state).assignee == "agent-7"


def test_complaints_are_bounded_and_open_ones_never_forgotten() -> None:
    def opening(number: int) -> Effects[Customer]:
        data = OPENED.model_copy(update={"complaint_id": f"n-{number}"})
        return step(state, event(data, f"o-{number}", number))

    state = in_status("closed")
    for number in range(MAX_COMPLAINTS - 1):
        state = opening(number).state
    assert len(state.complaints) == MAX_COMPLAINTS
    state = opening(MAX_COMPLAINTS).state
    assert len(state.complaints) == MAX_COMPLAINTS
    assert ID not in {c.complaint_id for c in state.complaints}, "the closed one made room"
    with pytest.raises(RefusedError, match="too_many_complaints"):
        opening(MAX_COMPLAINTS + 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(sorted(FACTS)), max_size=12))
def test_any_walk_agrees_with_the_table(actions: list[str]) -> None:
    state, status = fold([event(OPENED)]), "opened"
    for number, action in enumerate(actions):
        told = event(FACTS[action], f"a-{number}", number)
        if (status, action) not in AFTER:
            if action == "compensate":
                with pytest.raises(RefusedError, match="invalid_transition"):
                    step(state, told)
            else:
                effects = step(state, told)
                assert refused_fact(effects, told)
                state = effects.state
            continue
        effects = step(state, told)
        state, status = effects.state, AFTER[status, action]
        row = put(effects, "complaints")
        assert row is None or row["status"] == status
    assert now_is(state).status == status
    assert now_is(state).open == (status in {"opened", "acknowledged", "reopened"})
