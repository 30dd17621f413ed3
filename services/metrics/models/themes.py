"""What the API answers of what customers speak of."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from services.metrics.domain.themes import Spoken
from shared.schemas.base import Frozen
from shared.schemas.times import moment


class Example(Frozen):
    """A text, by reference: its words are in the event, which interactions' timeline shows to those who may
    read it."""

    customer: str
    source: str
    """Of the event; with its id it names the event."""
    id: str
    time: datetime


class ThemeOfWeek(Frozen):
    """How much customers spoke of a theme in a week."""

    theme: str
    mentions: int
    """Complaints and comments that speak of it."""
    usual: float
    """How many a week did in the four weeks before."""
    log_odds: float | None
    """How much its share of all texts rose against these weeks, as a z-score (Monroe, Colaresi and Quinn
    2008); null where there was no text."""
    rising: bool
    """It rose by more than the policy's bound."""
    examples: list[Example]
    """The newest, at most five."""


class Themes(Frozen):
    """What customers spoke of in a week, what rose most first."""

    week: date
    """The Monday (UTC) that it begins with."""
    texts: int
    """Complaints and comments with words, whether they speak of a theme or not."""
    themes: list[ThemeOfWeek]


def theme_of_week(name: str, found: Spoken, rows: Iterable[Mapping[str, Any]]) -> ThemeOfWeek:
    """``rows`` are of ``raised``."""
    examples = [
        Example(customer=row["customer"], source=row["source"], id=row["event"], time=moment(row["at"]))
        for row in rows
    ]
    return ThemeOfWeek(
        theme=name,
        mentions=found.mentions,
        usual=found.usual,
        log_odds=found.log_odds,
        rising=found.rising,
        examples=examples,
    )
