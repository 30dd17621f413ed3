"""What customers wrote, as their records keep it: which themes, when, and in which event; never the words.

A text counts its themes once each on its day. It is a complaint's description, a comment with an answer or a
review, and which of several accounts holds is as for the fact itself: of a complaint's openings and of a
review's accounts the first in the log, of answers to one survey about one thing the later by event time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.metrics.domain.apply import apply
from services.metrics.domain.cells import Delta
from services.metrics.domain.spoken import Text
from services.metrics.domain.state import Customer, Ids
from services.metrics.domain.themes import TEXTS, THEME, Matcher
from services.metrics.domain.tracked import Tracked
from shared.facts.names import answer_of, name_of
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintOpened
from shared.schemas.event import Event
from shared.schemas.feedback import ReviewPosted, SurveyAnswered
from shared.schemas.times import Micros, micros

_TEXT_OF: Mapping[type[Data], Callable[[Data], str | None]] = {
    ComplaintOpened: lambda data: getattr(data, "description", None),
    SurveyAnswered: lambda data: getattr(data, "comment", None),
    ReviewPosted: lambda data: getattr(data, "text", None),
}


@dataclass(frozen=True, slots=True)
class Raised:
    """That a text of a customer's speaks of a theme, or does no more since another account holds."""

    theme: str
    thing: str
    """Which of the customer's texts."""
    at: Micros
    source: str
    event: str
    """The id of its event, which tells the words."""
    stands: bool = True


def has_text(data: Data) -> bool:
    """Whether events of its type may have one."""
    return type(data) in _TEXT_OF


def taken(
    tracked: Tracked, event: Event, now: Micros, delta: Delta, id: int, themes: Matcher
) -> tuple[Ids, list[Raised]]:
    """As ``apply``, of any event; and what its text raises, or no longer does."""
    if themes and has_text(event.data):
        return apply_text(tracked, event, now, delta, id, themes)
    return apply(tracked, event, now, delta, id), []


def apply_text(
    tracked: Tracked, event: Event, now: Micros, delta: Delta, id: int, themes: Matcher
) -> tuple[Ids, list[Raised]]:
    """As ``apply``, of an event that may have a text; and what that raises, or no longer does."""
    data, record = event.data, tracked.data
    words = _TEXT_OF[type(data)](data) or ""
    at = micros(event.time)
    text = Text(at, themes(words), event.source, event.id) if words.strip() else None
    if isinstance(data, ComplaintOpened):
        was_open = _is_open(record, data.complaint_id)
        ids = apply(tracked, event, now, delta, id)
        holds = not was_open and _is_open(record, data.complaint_id)
        return ids, _count(tracked, delta, f"complaint/{data.complaint_id}", text) if holds else []
    if isinstance(data, SurveyAnswered):
        name = answer_of(data)
        key = f"event/{event.uid}" if name is None else name.hex()
        known = None if name is None else record.answers.get(key)
        ids = apply(tracked, event, now, delta, id)
        if known is not None and at < known.at:
            return ids, []
        raised = _take_back(tracked, delta, key) if name is not None else []
        if name is not None and text is not None:
            record.texts[key] = text
        return ids, raised + _count(tracked, delta, key, text)
    ids = apply(tracked, event, now, delta, id)
    review = name_of(event)
    if review is None or text is None or review.key.hex() in record.texts:
        return ids, []
    record.texts[review.key.hex()] = text
    return ids, _count(tracked, delta, review.key.hex(), text)


def _is_open(record: Customer, complaint_id: str) -> bool:
    complaint = record.complaints.get(complaint_id)
    return complaint is not None and bool(complaint.steps)


def _take_back(tracked: Tracked, delta: Delta, key: str) -> list[Raised]:
    text = tracked.data.texts.pop(key, None)
    return _count(tracked, delta, key, text, -1)


def text_counts(text: Text) -> dict[str, int]:
    """What a text counts as on its day, nowhere in particular."""
    return {TEXTS: 1, **{THEME + name: 1 for name in text.themes}}


def _count(tracked: Tracked, delta: Delta, key: str, text: Text | None, sign: int = 1) -> list[Raised]:
    """Count a text, or take it back."""
    if text is None:
        return []
    tracked.count_event(delta, text.at, {name: sign * n for name, n in text_counts(text).items()})
    return [Raised(name, key, text.at, text.source, text.event, sign > 0) for name in text.themes]
