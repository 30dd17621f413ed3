"""A low score about a complaint that was taken for solved reopens it.

The answers that hold are kept, so that it does not matter what is heard first: an answer has its effect once
the resolution before it is known. The reopening has the answer's time, which also tells whether it was told
already: a step of that time and kind is there once.
"""

from services.interactions.domain.complaints.remembered import Score
from services.interactions.domain.complaints.steps import complaint_key
from services.interactions.domain.state import Complaint, Customer, altered, found
from services.interactions.domain.telling import Told
from shared.facts.complaints import REOPENED, TRANSITIONS, Step, status_at
from shared.schemas.complaints import ComplaintReopened
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.times import moment

LOW = {"nps": 6, "csat": 2}
"""Survey -> the highest score that says that the solution did not hold."""
MAX_SCORES = 500
"""Answers about complaints that are remembered; beyond that those heard first are forgotten."""
SOURCE = "/rapport/interactions"


def with_score(customer: Customer, told: Told) -> Customer:
    """The customer with an answer about a complaint: of two to one survey the later by event time holds, and
    of one time that which is heard last."""
    data = told.event.data
    assert isinstance(data, SurveyAnswered)
    if data.about is None or data.about.kind != "complaint" or data.survey not in LOW:
        return customer
    new = Score(complaint_id=data.about.id, survey=data.survey, score=data.score, at=told.at)
    held = found(customer.scores, _place(new), _place)
    if held is not None and new.at < held.at:
        return customer
    others = tuple(one for one in customer.scores if one is not held)
    return altered(customer, scores=(*others, new)[-MAX_SCORES:])


def reopening(before: Customer, after: Customer, told: Told, number: int) -> Event | None:
    """The first reopening that is due and not told yet, where a fact has made ``before`` to ``after``. Who
    applies it asks again. It is emitted as the ``number``-th event of the fact, from 0."""
    if after.scores is before.scores and after.complaints is before.complaints:
        return None
    for score in sorted(after.scores, key=lambda one: one.at):
        complaint = found(after.complaints, score.complaint_id, complaint_key)
        if complaint is not None and _reopens(score, complaint):
            return _reopening(score, told, number)
    return None


def _reopens(score: Score, complaint: Complaint) -> bool:
    if score.score > LOW[score.survey]:
        return False
    path = complaint.path
    status = status_at(path, score.at)
    return status in TRANSITIONS[ComplaintReopened].follows and Step(score.at, REOPENED) not in path


def _reopening(score: Score, told: Told, number: int) -> Event:
    reason = f"The customer answered {score.survey.upper()} with {score.score}."
    data = ComplaintReopened(complaint_id=score.complaint_id, reason=reason)
    id = told.context.new_id(f"#{number}")  # begins as the emitted event's own does
    return Event(id, SOURCE, told.event.subject, moment(score.at), data)


def _place(score: Score) -> tuple[str, str]:
    return score.complaint_id, score.survey
