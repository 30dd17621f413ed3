"""Answers to surveys as one customer's record keeps them: of two to one survey about one thing the later
holds.

An answer counts where that is which it is about: an order, a complaint, a conversation. Where more is heard
of that, the answer goes there.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from services.metrics.domain.answered import Answer
from services.metrics.domain.cells import Delta
from services.metrics.domain.places import ANYWHERE, Where, where_of
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from services.metrics.domain.turns import where_of_talk
from shared.facts.names import answer_key, answer_of
from shared.schemas.feedback import SCORES, SurveyAnswered
from shared.schemas.times import Micros


def told(tracked: Tracked, data: SurveyAnswered, counts: Mapping[str, int], at: Micros, delta: Delta) -> None:
    """An answer; one that is not the latest about its thing has no effect."""
    name = answer_of(data)
    if name is None or data.about is None:
        tracked.count_event(delta, at, counts)
        return
    key, where = name.hex(), where_of_thing(tracked.data, data.about.kind, data.about.id)
    before = tracked.data.answers.get(key)
    if before is not None:
        if at < before.at:
            return
        _count(tracked, before, delta, -1)
    answer = tracked.data.answers[key] = Answer(at, dict(counts), where.name)
    _count(tracked, answer, delta)


def moved(tracked: Tracked, kind: str, id: str, delta: Delta) -> None:
    """More is known of where a thing is: the answers about it count there."""
    known = tracked.data.answers
    if not known:
        return
    where = where_of_thing(tracked.data, kind, id)
    for survey in SCORES:
        key = answer_key(survey, kind, id).hex()
        answer = known.get(key)
        if answer is not None and answer.where != where.name and where != ANYWHERE:
            _count(tracked, answer, delta, -1)
            known[key] = replace(answer, where=where.name)
            _count(tracked, known[key], delta)


def where_of_thing(record: Customer, kind: str, id: str) -> Where:
    """Where what an answer is about happened; nowhere where that is not known."""
    match kind:
        case "order":
            order = record.orders.get(id)
            return ANYWHERE if order is None or order.made is None else order.where
        case "complaint":
            complaint = record.complaints.get(id)
            return ANYWHERE if complaint is None or not complaint.steps else complaint.where
        case "conversation":
            return where_of_talk(record, id)
    return ANYWHERE


def _count(tracked: Tracked, answer: Answer, delta: Delta, sign: int = 1) -> None:
    counts = {field: sign * n for field, n in answer.counts.items()}
    tracked.count_event(delta, answer.at, counts, where_of(answer.where))
