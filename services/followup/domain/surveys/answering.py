"""An answer given in a survey's page: told to everybody, and heard by this service at once."""

from hashlib import blake2b

from services.followup import errors
from services.followup.domain import planning
from services.followup.domain.effects import NewId, then
from services.followup.domain.policy import Policy
from services.followup.domain.rules.times import cut
from services.followup.domain.state import Answer, Customer
from services.followup.domain.triggers import Fact
from shared.domain import Effects, Emit, Outcome
from shared.facts.names import answer_key
from shared.schemas.commands.surveys import SurveyAnswerRequested
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.times import Micros, micros, moment

ANSWERED = "survey.answered"


def answer(
    state: Customer, policy: Policy, asked: SurveyAnswerRequested, told_at: Micros, new_id: NewId
) -> Effects[Customer]:
    """Take an answer, at ``told_at``. Answers 200 {survey, score}; said again without a change, as when a
    page is loaded again, nothing happens. Raises ``RefusedError``: ``survey_closed``, ``erased``."""
    if state.erased:
        raise errors.ERASED()
    if told_at >= micros(asked.closes_at) or policy.rules.surveys.closed(asked.survey, told_at):
        raise errors.SURVEY_CLOSED()
    outcome = Outcome(200, {"survey": asked.survey, "score": asked.score})
    place = answer_key(asked.survey, asked.about.kind, asked.about.id).hex()
    known = state.answer(place)
    mark = _mark(asked)
    if known is not None and known.mark == mark:
        return Effects(state, outcome=outcome)
    # Later than the answer that holds, or one by a clock that is ahead would have the last word.
    at = max(told_at, known.at + 1) if known else told_at
    told = SurveyAnswered.model_validate(asked.model_dump(exclude={"closes_at"}, exclude_unset=True))
    fact = Fact(told, ANSWERED, at, min(at, told_at), cut(told_at), answer=place)
    heard = planning.on_fact(state, policy, fact, new_id)
    effects = Effects(heard.state, (Emit(told, moment(at)), *heard.emits), heard.timers, heard.rows)
    return then(effects, lambda s: Effects(_remembering(s, place, asked.score, mark), outcome=outcome))


def _remembering(state: Customer, place: str, score: int, mark: str) -> Customer:
    """What the page shows to who comes back; the comment is another's to keep."""

    def marked(one: Answer) -> Answer:
        return one.model_copy(update={"score": score, "mark": mark}) if one.place == place else one

    return state.model_copy(update={"answers": tuple(map(marked, state.answers))})


def _mark(asked: SurveyAnswerRequested) -> str:
    """Stands for what was said."""
    return blake2b(f"{asked.score} {asked.comment or ''}".encode(), digest_size=8).hexdigest()
