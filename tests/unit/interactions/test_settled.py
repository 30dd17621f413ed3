"""A conversation ends with the complaints that name it, and is open again with them."""

from collections.abc import Iterable
from itertools import permutations

import pytest

from services.interactions.domain.conversations.course import course
from shared.schemas.base import Data
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintReopened,
    ComplaintResolved,
)
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered

from .talk import answers, assigned, closed, complained, escalated, merged, says, story, worker_of
from .told import CUSTOMER

OPENED = complained("c-1")
TAKEN = ComplaintAcknowledged(complaint_id="x-1")
RESOLVED = ComplaintResolved(complaint_id="x-1", resolution="Paid back.")
CLOSED = ComplaintClosed(complaint_id="x-1")
REOPENED = ComplaintReopened(complaint_id="x-1", reason="Not paid.")
MAIL = says(conversation_id="c-1")
ANSWER = answers(conversation_id="c-1", agent_id="a-1")
CASES: list[tuple[str, list[Data], str]] = [
    ("as it was opened", [OPENED], "queued"),
    ("resolved without a word", [OPENED, RESOLVED], "closed"),
    ("closed without a word", [OPENED, TAKEN, RESOLVED, CLOSED], "closed"),
    ("somebody had it", [OPENED, escalated("c-1"), assigned("c-1"), RESOLVED], "closed"),
    ("open again", [OPENED, RESOLVED, CLOSED, REOPENED], "queued"),
    ("and resolved again", [OPENED, RESOLVED, REOPENED, RESOLVED], "closed"),
    ("the customer waits", [OPENED, MAIL, RESOLVED, CLOSED], "queued"),
    ("the customer comes back", [OPENED, RESOLVED, CLOSED, MAIL], "queued"),
    ("we wrote last, it may come back", [OPENED, MAIL, ANSWER, RESOLVED], "waiting"),
    ("we wrote last", [OPENED, MAIL, ANSWER, RESOLVED, CLOSED], "closed"),
    ("we wrote last, and it came back", [OPENED, MAIL, ANSWER, RESOLVED, CLOSED, REOPENED], "queued"),
    ("somebody closed it", [OPENED, closed("c-1"), RESOLVED, REOPENED], "closed"),
    ("another is open", [OPENED, complained("c-1", complaint="x-2"), RESOLVED], "queued"),
    ("another comes", [OPENED, RESOLVED, complained("c-1", complaint="x-2")], "queued"),
    ("a step that does not hold", [OPENED, CLOSED], "queued"),
]


def status(events: Iterable[Event], id: str = "c-1") -> str:
    worker = worker_of(events)
    found = course(worker.state(CUSTOMER).conversations).of(id)
    assert found is not None
    (row,) = [r for r in worker.rows("conversations") if r["conversation_id"] == found.conversation_id]
    assert row["status"] == found.status
    return row["status"]


@pytest.mark.parametrize(("facts", "stands"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_it_ends_with_its_complaints(facts: list[Data], stands: str) -> None:
    for order in permutations(story(*enumerate(facts))):
        assert status(order) == stands


def test_it_is_closed_when_its_complaint_was() -> None:
    worker = worker_of(story((0, OPENED), (5, RESOLVED), (9, CLOSED)))
    (row,) = worker.rows("conversations")
    assert row["closed_at"] - row["opened_at"] == 5 * 60_000_000


def test_a_low_score_opens_it_again() -> None:
    answer = {"survey": "csat", "score": 1, "about": {"kind": "complaint", "id": "x-1"}}
    events = story((0, OPENED), (1, RESOLVED), (2, SurveyAnswered.model_validate(answer)))
    for order in permutations(events):
        assert status(order) == "queued"


def test_it_ends_with_the_complaints_of_both_that_became_one() -> None:
    facts: list[tuple[float, Data]] = [
        (0, OPENED),
        (1, complained("c-2", complaint="x-2")),
        (2, merged("c-2", "c-1")),
        (3, RESOLVED),
        (4, ComplaintResolved(complaint_id="x-2", resolution="Done.")),
    ]
    for order in permutations(story(*facts)):
        assert status(order) == "closed"
    for order in permutations(story(*facts[:4])):
        assert status(order) == "queued"


def test_a_complaint_from_before_they_were_named_in_steps_ends_it_too() -> None:
    worker = worker_of(story((0, OPENED)))
    told = worker.state(CUSTOMER).model_dump(mode="json")
    for step in told["conversations"]["steps"]:
        del step["complaint_id"]
    worker.store.stored[CUSTOMER] = type(worker.store.stored[CUSTOMER])(
        type(worker.state(CUSTOMER)).model_validate(told), 1
    )
    worker.send(story((0, MAIL), (1, RESOLVED))[1])
    (row,) = worker.rows("conversations")
    assert row["status"] == "closed"
