"""A customer's praise reaches the agent whom it is for: once it is known who that is, and once."""

from dataclasses import replace

from services.interactions.domain.conversations.course import course
from services.interactions.domain.conversations.messages import key_of
from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.growth.remembered import Answer
from services.interactions.domain.growth.work import PARTS, agent_of, conversation_of, takings
from services.interactions.domain.state import Customer, altered, found, placed
from services.interactions.domain.telling import Told
from shared.domain import Effects, Emit
from shared.schemas.commands.growth import AgentThankRequested
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.times import moment

PRAISE = {"nps": 9, "csat": 5}
"""Survey -> the lowest score with which a comment is praise."""
MAX_ANSWERS = 200
"""Answers that are remembered; beyond that those heard first are forgotten."""
MAX_UNTOLD = 20
"""Praise of which nobody knows yet whom it is for."""
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
    return altered(customer, answers=_with_room((*others, new)[-MAX_ANSWERS:]))


def _with_room(answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """Of more praise than is kept the words that were heard first are let go."""
    untold = [one for one in answers if one.comment is not None]
    if len(untold) <= MAX_UNTOLD:
        return answers
    return tuple(altered(one, comment=None) if one is untold[0] else one for one in answers)


def with_thanks(desk: Desk, before: Customer, effects: Effects[Customer], told: Told) -> Effects[Customer]:
    """With what agents are to be thanked for, as an event has made known whom it is for."""
    after = effects.state
    if all(getattr(after, part) is getattr(before, part) for part in PARTS):
        return effects
    untold = [one for one in after.answers if one.comment is not None]
    taken = takings(after) if untold else {}
    for answer in untold:
        agent = agent_of(after, taken, answer)
        if agent is None:
            continue
        thanks = _thanks(desk, after, answer)
        new = altered(answer, comment=None, thanked=True)
        state = altered(effects.state, answers=placed(effects.state.answers, new, _place))
        emits = (*effects.emits, Emit(thanks, told.context.now, agent))
        effects = replace(effects, state=state, emits=emits)
    return effects


def _thanks(desk: Desk, customer: Customer, answer: Answer) -> AgentThankRequested:
    """For the agent, who knows their team; where they are in none, it is for the team that was asked."""
    home = conversation_of(customer, answer)
    known = None if home is None else course(customer.conversations).open.get(home)
    team = desk.default.id if known is None or known.team is None else known.team
    assert answer.comment is not None
    return AgentThankRequested(
        text=answer.comment, customer_id=customer.customer_id, at=moment(answer.at), team=team
    )


def _place(answer: Answer) -> tuple[str, str, str]:
    return answer.thing, answer.id, answer.survey
