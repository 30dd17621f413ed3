"""An answer given in a survey's page."""

from functools import partial
from hashlib import blake2b

from services.followup import errors
from services.followup.domain.effects import Said, nothing
from services.followup.domain.policy import Policy
from services.followup.domain.state import Answer, Customer
from shared.domain import Effects, Outcome
from shared.facts.names import answer_key
from shared.schemas.commands.surveys import SurveyAnswerRequested
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.times import Micros, micros


def answer(state: Customer, policy: Policy, asked: SurveyAnswerRequested, told_at: Micros) -> Said:
    """Take an answer, at ``told_at``. Answers 200 {survey, score}; said again without a change, as when a
    page is loaded again, nothing happens. Raises ``RefusedError``: ``survey_closed``."""
    if told_at >= micros(asked.closes_at) or policy.rules.surveys.closed(asked.survey, told_at):
        raise errors.SURVEY_CLOSED()
    outcome = Outcome(200, {"survey": asked.survey, "score": asked.score})
    place = answer_key(asked.survey, asked.about.kind, asked.about.id).hex()
    known, mark = state.answer(place), _mark(asked)
    if known is not None and known.mark == mark:
        return Said((), outcome)
    # Later than the answer that holds, or one by a clock that is ahead would have the last word.
    at = max(told_at, known.at + 1) if known else told_at
    told = SurveyAnswered.model_validate(asked.model_dump(exclude={"closes_at"}, exclude_unset=True))
    return Said(((told, at),), outcome, partial(_remember, place=place, score=asked.score, mark=mark))


def _remember(state: Customer, place: str, score: int, mark: str) -> Effects[Customer]:
    """What the page shows to who comes back; the comment is for others to keep."""

    def marked(one: Answer) -> Answer:
        return one.model_copy(update={"score": score, "mark": mark}) if one.place == place else one

    return nothing(state.model_copy(update={"answers": tuple(map(marked, state.answers))}))


def _mark(asked: SurveyAnswerRequested) -> str:
    """Stands for what was said."""
    return blake2b(f"{asked.score} {asked.comment or ''}".encode(), digest_size=8).hexdigest()
