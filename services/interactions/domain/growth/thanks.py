"""A customer's praise reaches the agent whom it is for: once it is known who that is, and once."""

from services.interactions.domain.conversations.messages import key_of
from services.interactions.domain.growth.remembered import Answer
from services.interactions.domain.state import Customer, altered, found
from services.interactions.domain.telling import Told
from shared.schemas.feedback import SurveyAnswered

PRAISE = {"nps": 9, "csat": 5}
"""Survey -> the lowest score with which a comment is praise."""
MAX_ANSWERS = 200
"""Answers that are remembered; beyond that those heard first are forgotten."""
LONGEST = 20_000
"""Characters of a story."""


def with_answer(customer: Customer, told: Told) -> Customer:
    """The customer with an answer about a conversation or a complaint: of two to one survey the later by
    event time holds."""
    data = told.event.data
    assert isinstance(data, SurveyAnswered)
    if data.about is None or data.survey not in PRAISE:
        return customer
    if data.about.kind not in ("conversation", "complaint"):
        return customer
    praise = data.comment is not None and data.score >= PRAISE[data.survey] and data.comment.strip()
    new = Answer(
        thing=data.about.kind,
        id=data.about.id,
        survey=data.survey,
        score=data.score,
        at=told.at,
        key=key_of(told.event.uid),
        comment=praise[:LONGEST] if praise else None,
    )
    held = found(customer.answers, _place(new), _place)
    if held is not None:
        if (new.at, new.key) <= (held.at, held.key):
            return customer
        new = altered(new, thanked=held.thanked, comment=None if held.thanked else new.comment)
    others = tuple(one for one in customer.answers if one is not held)
    return altered(customer, answers=(*others, new)[-MAX_ANSWERS:])


def _place(answer: Answer) -> tuple[str, str, str]:
    return answer.thing, answer.id, answer.survey
