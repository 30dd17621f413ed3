"""What counts by itself, where several ids of one customer know of the same: it counts once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from services.metrics.domain.answered import Answer
from services.metrics.domain.answers import where_of_thing
from services.metrics.domain.cells import Change
from services.metrics.domain.kpis.outreach import message_counts
from services.metrics.domain.places import ANYWHERE, Where, where_of
from services.metrics.domain.spoken import Text
from services.metrics.domain.state import Customer
from services.metrics.domain.texts import text_counts
from shared.facts.names import answer_key
from shared.schemas.feedback import SCORES
from shared.schemas.times import DAY


def _count(record: Customer, changes: Iterable[Change], where: Where, sign: int) -> None:
    """In what its events count as by themselves, which must be the record's own."""
    days = record.counts if where == ANYWHERE else record.elsewhere.setdefault(where.name, {})
    for at, field, n in changes:
        fields = days.setdefault(at // DAY, {})
        fields[field] = fields.get(field, 0) + sign * n


def settle_messages(record: Customer, all_of: Sequence[Customer]) -> None:
    """Of messages that several have heard of; the record's are what that comes to."""
    for name, message in record.messages.items():
        told = [one.messages[name] for one in all_of if name in one.messages]
        if len(told) > 1:
            for one in told:
                _count(record, message_counts(one), Where(rule=one.rule), -1)
            _count(record, message_counts(message), Where(rule=message.rule), 1)


def settle_answers(record: Customer, all_of: Sequence[Customer]) -> None:
    """Of answers about one thing the later holds, and counts where the thing is."""
    for name in dict.fromkeys(name for one in all_of for name in one.answers):
        told = [one for one in all_of if name in one.answers]
        holds = max(told, key=lambda one: one.answers[name].at)  # at a draw the survivor's
        record.answers[name] = holds.answers[name]
        for one in told:
            if one is not holds:
                _count_answer(record, one.answers[name], -1)
                _count_text(record, one.texts.get(name), -1)
        if name in holds.texts:
            record.texts[name] = holds.texts[name]
    if record.answers:
        for name, where in _places(record, all_of).items():
            answer = record.answers.get(name)
            if answer is not None and answer.where != where.name and where != ANYWHERE:
                _count_answer(record, answer, -1)
                record.answers[name] = replace(answer, where=where.name)
                _count_answer(record, record.answers[name], 1)


def settle_reviews(record: Customer, all_of: Sequence[Customer]) -> None:
    """Of accounts of one review the first holds; of other texts there is one."""
    for one in all_of:
        for name, text in one.texts.items():
            if name in one.answers or name in record.answers:
                continue
            known = record.texts.get(name)
            first = text if known is None or text.at < known.at else known
            if known is not None:
                _count_text(record, text if first is known else known, -1)
            record.texts[name] = first


def _places(record: Customer, all_of: Sequence[Customer]) -> Mapping[str, Where]:
    """Where things are that an answer may be about, by its name: of those that are elsewhere than one of the
    records that know of them has it, or, where it is not known where an answer belongs, of all."""
    lost = any(answer.where == "" for answer in record.answers.values())
    found: dict[str, Where] = {}
    for kind, things in _THINGS.items():
        for id in things(record):
            where = where_of_thing(record, kind, id)
            if lost or any(where_of_thing(one, kind, id) != where for one in all_of if id in things(one)):
                found |= {answer_key(survey, kind, id).hex(): where for survey in SCORES}
    return found


_THINGS: Mapping[str, Callable[[Customer], Mapping[str, Any]]] = {
    "order": lambda record: record.orders,
    "complaint": lambda record: record.complaints,
    "conversation": lambda record: record.talks,
}


def _count_answer(record: Customer, answer: Answer, sign: int) -> None:
    changes = [(answer.at, field, n) for field, n in answer.counts.items()]
    _count(record, changes, where_of(answer.where), sign)


def _count_text(record: Customer, text: Text | None, sign: int) -> None:
    if text is not None:
        _count(record, [(text.at, field, n) for field, n in text_counts(text).items()], ANYWHERE, sign)
