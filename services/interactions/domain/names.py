"""Facts with a name of their own: told again under another event id they have no second effect."""

from collections.abc import Callable
from typing import Any

from services.interactions.domain.complaints.low_scores import with_score
from services.interactions.domain.growth.thanks import with_answer
from services.interactions.domain.state import Customer, altered
from services.interactions.domain.telling import ANSWERED_BEFORE, COPY, Change, Told
from shared.domain import ErrorCode
from shared.facts.names import Heard, Name, answer_of, heard, name_of, with_name
from shared.schemas.base import Data
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.times import Micros


def nothing_else(customer: Customer, told: Data, at: Micros) -> Customer:
    """The fold of what only counts."""
    return customer


def once(
    fold: Callable[[Customer, Any, Micros], Customer], otherwise: ErrorCode
) -> Callable[[Customer, Told], Change]:
    """``fold``, for the first fact of a name; ``otherwise`` refuses one that tells other data of it."""

    def folded(customer: Customer, told: Told) -> Change:
        data, name = told.event.data, name_of(told.event)
        assert name is not None
        known = heard(customer.names, name)
        if known is Heard.SAME:
            return Change(customer, 0, COPY)
        if known is Heard.OTHER:
            raise otherwise(**{field: getattr(data, field) for field in data.named_by if field != "time"})
        return Change(fold(_with(customer, name, told), data, told.at))

    return folded


def survey_answered(customer: Customer, told: Told) -> Change:
    """Two answers to one survey about one thing count once. What one says of a complaint is kept."""
    data = told.event.data
    assert isinstance(data, SurveyAnswered)
    key = answer_of(data)
    if key is None:
        return Change(customer)
    customer, name = with_answer(with_score(customer, told), told), Name("answer", key, key[:4])
    if heard(customer.names, name) is not Heard.NEW:
        return Change(customer, 0, ANSWERED_BEFORE)
    return Change(_with(customer, name, told))


def _with(customer: Customer, name: Name, told: Told) -> Customer:
    return altered(customer, names=with_name(customer.names, name, told.day))
