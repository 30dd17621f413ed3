"""What makes good: at once within the limits, else by another principal's approval; and root causes."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from services.interactions.config import parse
from services.interactions.domain.apply import apply
from services.interactions.domain.complaints.compensation import MAX_APPROVALS
from services.interactions.domain.complaints.remembered import Approval
from services.interactions.domain.state import Customer
from shared.domain import Outcome
from shared.journal.testing import InMemoryWorker
from shared.runtime.config import ConfigError
from shared.schemas.base import Data
from shared.schemas.commands.complaints import (
    ComplaintApproveRequested,
    ComplaintCompensateRequested,
    ComplaintResolveRequested,
)
from shared.schemas.complaints import (
    CompensationGranted,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
)

from .told import CUSTOMER, HANDLER, START, at, event

ID = "c-1"
OPENED = ComplaintOpened(
    complaint_id=ID, channel="email", category="delivery", severity="normal", description="late"
)
WRITE = ("complaints:write",)
RESOLVED = ComplaintResolved(complaint_id=ID, resolution="sent again")


class Desk:
    """A worker by the policy that ships, and what agents ask it: for a normal complaint they may give 1,000
    points or 50.00 EUR."""

    def __init__(self) -> None:
        self.worker: InMemoryWorker[Customer] = InMemoryWorker(HANDLER, now=START)
        self.asked = 0
        self.tell(OPENED)

    def tell(self, data: Data) -> None:
        self.asked += 1
        self.worker.send(event(data, f"f-{self.asked}", self.asked))

    def ask(self, data: Data, key: str | None = None) -> tuple[int, Any]:
        """Status and body, or the code of a refusal."""
        self.asked += 1
        told = event(data, key or f"k-{self.asked}", self.asked, source="/api/interactions/x/r")
        handled = self.worker.send(told)
        assert handled.outcome is not None
        body = handled.outcome.body
        return handled.outcome.status, body.get("code", body)

    def compensate(self, by: str = "ann", scopes: tuple[str, ...] = WRITE, **given: Any) -> tuple[int, Any]:
        said = {"complaint_id": ID, "kind": "points", **given, "asked_by": by, "scopes": scopes}
        key = said.pop("key", None)
        return self.ask(ComplaintCompensateRequested.model_validate(said), key)

    def approve(self, by: str = "bea", **said: Any) -> tuple[int, Any]:
        key = said.pop("key", None)
        return self.ask(ComplaintApproveRequested(complaint_id=ID, approved_by=by, **said), key)

    @property
    def granted(self) -> list[dict[str, Any]]:
        facts = self.worker.facts(CompensationGranted)
        return [fact.model_dump(mode="json", exclude_none=True, exclude={"complaint_id"}) for fact in facts]

    @property
    def waiting(self) -> tuple[Approval, ...]:
        (complaint,) = self.worker.state(CUSTOMER).complaints
        (row,) = self.worker.rows("complaints")
        assert [one["approval_id"] for one in row["approvals"]] == [
            one.approval_id for one in complaint.approvals
        ]
        return complaint.approvals


OPEN = (200, {"complaint_id": ID, "status": "opened"})


def test_within_the_limit_it_is_granted_at_once() -> None:
    desk = Desk()
    assert desk.compensate(points=1000) == OPEN
    assert desk.compensate(kind="refund", money={"amount": 5000, "currency": "EUR"}) == OPEN
    assert desk.compensate(kind="voucher", reward_id="mug") == OPEN
    assert desk.granted == [
        {"kind": "points", "points": 1000, "asked_by": "ann"},
        {"kind": "refund", "money": {"amount": 5000, "currency": "EUR"}, "asked_by": "ann"},
        {"kind": "voucher", "reward_id": "mug", "asked_by": "ann"},
    ]
    assert desk.waiting == ()


@pytest.mark.parametrize(
    "given",
    [
        {"points": 1001},
        {"kind": "refund", "money": {"amount": 5001, "currency": "EUR"}},
        {"kind": "refund", "money": {"amount": 1, "currency": "USD"}},
        {"kind": "voucher", "reward_id": "mug", "money": {"amount": 5001, "currency": "EUR"}},
    ],
)
def test_above_it_waits_until_somebody_else_approves_it(given: dict[str, Any]) -> None:
    desk = Desk()
    assert desk.compensate(**given) == (202, "needs_approval")
    assert (desk.granted, len(desk.waiting)) == ([], 1)
    assert desk.approve("ann") == (403, "own_request")
    assert desk.approve("bea") == OPEN
    assert desk.granted == [{"kind": "points", **given, "asked_by": "ann", "approved_by": "bea"}]
    assert desk.waiting == ()
    assert desk.approve("bea") == (409, "nothing_to_approve")


def test_the_limit_is_of_the_severity_and_the_scopes() -> None:
    desk = Desk()
    desk.tell(OPENED.model_copy(update={"complaint_id": "c-2", "severity": "critical"}))
    assert desk.compensate(points=5000) == (202, "needs_approval")
    assert desk.compensate(complaint_id="c-2", points=5000)[0] == 200
    assert desk.compensate(complaint_id="c-2", points=5001) == (202, "needs_approval")


def test_one_key_asks_and_approves_once() -> None:
    desk = Desk()
    for _ in range(2):
        assert desk.compensate(points=1001, key="k")[0] == 202
    assert len(desk.waiting) == 1
    for _ in range(2):
        desk.approve(key="a")
    assert len(desk.granted) == 1
    assert desk.compensate(points=1001, key="k")[0] == 202
    assert desk.waiting == (), "the key was used up"


def test_of_several_one_is_named() -> None:
    desk = Desk()
    desk.compensate(by="ann", points=2000)
    desk.compensate(by="bea", points=3000)
    first, second = (one.approval_id for one in desk.waiting)
    assert desk.approve("cleo") == (409, "several_approvals")
    assert desk.approve("cleo", approval_id="other") == (409, "nothing_to_approve")
    assert desk.approve("bea", approval_id=second) == (403, "own_request")
    assert desk.approve("bea") == OPEN, "there is one that bea may approve"
    assert [fact["points"] for fact in desk.granted] == [2000]
    assert desk.approve("cleo", approval_id=first) == (409, "nothing_to_approve")
    assert desk.approve("cleo", approval_id=second) == OPEN
    assert [(fact["asked_by"], fact["approved_by"]) for fact in desk.granted] == [
        ("ann", "bea"),
        ("bea", "cleo"),
    ]


def test_as_many_wait_as_may() -> None:
    desk = Desk()
    for _ in range(MAX_APPROVALS):
        assert desk.compensate(points=1001)[0] == 202
    assert desk.compensate(points=1001) == (409, "too_many_approvals")
    assert desk.compensate(points=1000) == OPEN
    assert len(desk.waiting) == MAX_APPROVALS


def test_a_closed_complaint_is_not_compensated() -> None:
    desk = Desk()
    assert desk.approve() == (409, "nothing_to_approve")
    desk.compensate(points=1001)
    desk.tell(RESOLVED)
    desk.tell(ComplaintClosed(complaint_id=ID))
    assert desk.approve() == (409, "invalid_transition")
    assert desk.compensate(points=1001) == (409, "invalid_transition")
    assert len(desk.waiting) == 1
    desk.tell(ComplaintReopened(complaint_id=ID, reason="broken"))
    assert desk.approve()[0] == 200, "what waited is as it was"


@pytest.mark.parametrize("ask", ["compensate", "approve"])
def test_an_unknown_complaint(ask: str) -> None:
    desk = Desk()
    given = {"points": 5} if ask == "compensate" else {}
    command = {"compensate": ComplaintCompensateRequested, "approve": ComplaintApproveRequested}[ask]
    said = {"complaint_id": "none", "kind": "points", "approved_by": "bea", **given}
    assert desk.ask(command.model_validate(said)) == (404, "unknown_complaint")


def test_a_grant_follows_all_that_is_known_even_of_a_clock_that_runs_ahead() -> None:
    desk = Desk()
    desk.compensate(points=1001)
    desk.worker.send(event(RESOLVED, "ahead", 20 * 60))
    desk.approve()
    (granted,) = (told for told in desk.worker.emitted if isinstance(told.data, CompensationGranted))
    assert granted.time > at(20 * 60)


LISTED = """
name: test
versions: [{effective: 2020-01-01, policies: []}]
root_causes: [carrier, warehouse]
"""


def test_a_root_cause_is_one_of_the_list() -> None:
    worker = InMemoryWorker(replace(HANDLER, apply=partial(apply, parse(LISTED))))

    def resolve(cause: str | None, minutes: float) -> Outcome:
        said = {"complaint_id": ID, "resolution": "sent", "root_cause": cause}
        command = ComplaintResolveRequested.model_validate(said)
        told = event(command, f"k-{minutes}", minutes, source="/api/interactions/x/r")
        outcome = worker.send(told).outcome
        assert outcome is not None
        return outcome

    worker.send(event(OPENED))
    assert resolve("weather", 1) == Outcome(
        422,
        {
            "code": "unknown_root_cause",
            "detail": "The root cause must be one of: carrier, warehouse.",
            "field": "body.root_cause",
        },
    )
    assert resolve("carrier", 2).status == 200
    worker.send(event(ComplaintReopened(complaint_id=ID, reason="again"), "f-3", 3))
    assert resolve(None, 4).status == 200
    worker.send(event(ComplaintReopened(complaint_id=ID, reason="again"), "f-5", 5))
    told = event(RESOLVED.model_copy(update={"root_cause": "weather"}), "f-6", 6)
    assert worker.send(told).status == "applied", "one from outside is kept as told"


def test_without_a_list_any_root_cause_is_taken() -> None:
    said = ComplaintResolveRequested(complaint_id=ID, resolution="sent", root_cause="The weather, again!")
    assert Desk().ask(said)[0] == 200


@pytest.mark.parametrize(
    ("listed", "error"),
    [("[]", "root_causes: must name one at least"), ("[a, b, a]", r"root_causes\[2\]: is listed twice: a")],
)
def test_a_bad_list_is_refused(listed: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        parse(LISTED.replace("[carrier, warehouse]", listed))
