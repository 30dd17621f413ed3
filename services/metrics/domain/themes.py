"""What customers speak of: lists of words, and whether more speak of something than in the month before.

A week's share of texts that speak of a theme is compared with that of the four weeks before it by log-odds
with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008, "Fightin' Words", equations 15, 16, 20
to 22): the prior is ``prior`` texts that speak of it as often as all five weeks together do, so a theme that
is rare, or a week with few texts, has to differ by more.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from services.metrics.domain.theme_words import RETAIL
from shared.schemas.base import Strict
from shared.schemas.faults import fault
from shared.schemas.times import DAY, SECOND, Micros, day_of

TEXTS, THEME = "texts", "theme:"
"""The field that counts texts, and what those begin with that count a theme."""
LONGEST_TEXT = 20_000
"""Of a text so many characters are read."""
WEEK_DAYS, MONTH_WEEKS = 7, 4
_HOUR: Micros = 3_600 * SECOND
_MONDAY = 4
"""1970-01-05 was the first; the day's number."""


def plain(text: str) -> str:
    """Text as it is compared: in one spelling of each letter, without case."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).replace("\u2019", "'")


def _words(text: str) -> str:
    words = " ".join(plain(text).split())
    if not words.strip("* "):
        raise fault("", "must be a word or words, with * where a word may go on, e.g. deliver*")
    if "*" in words[1:-1]:
        raise fault("", "may have a * at its begin and its end alone")
    return words


Words = Annotated[str, Field(max_length=100), AfterValidator(_words)]
"""A word, or words that follow each other; ``*`` at an end: it may go on there."""


class Theme(Strict):
    """Something that customers speak of."""

    name: Annotated[str, Field(max_length=48, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    words: Annotated[tuple[Words, ...], Field(min_length=1, max_length=200)]
    """A text with one of them in it speaks of it."""


class ThemesPolicy(Strict):
    """What is listened for: section ``themes`` of the policy."""

    names: Annotated[tuple[Theme, ...], Field(max_length=60)] = tuple(
        Theme(name=name, words=words) for name, words in RETAIL.items()
    )
    rising_at: Annotated[float, Field(gt=0, le=20)] = 2.0
    """A theme rises if its z-score is so large,"""
    least_mentions: Annotated[int, Field(ge=1)] = 5
    """so many texts speak of it in the week, and there were so many texts in the month before."""
    prior: Annotated[float, Field(gt=0, le=100_000)] = 20.0
    """So many texts as they are usual are thought to be there before any is read."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [theme.name for theme in self.names]
        for name in names:
            if names.count(name) > 1:
                raise fault("names", f"has {name} more than once")
        return self


class Matcher:
    """Finds the themes that a text speaks of."""

    def __init__(self, policy: ThemesPolicy) -> None:
        self._themes = [
            (theme.name, re.compile("|".join(map(_pattern, theme.words)))) for theme in policy.names
        ]

    def __bool__(self) -> bool:
        """Whether there are any: without them no text is read."""
        return bool(self._themes)

    def __call__(self, text: str) -> tuple[str, ...]:
        """The names, in the policy's order."""
        read = plain(text[:LONGEST_TEXT])
        return tuple(name for name, words in self._themes if words.search(read))


def _pattern(words: str) -> str:
    # Where a word may go on nothing is matched beyond it, so that a text is read in one go.
    begin = "" if words.startswith("*") else r"(?<!\w)"
    end = "" if words.endswith("*") else r"(?!\w)"
    return begin + r"\W+".join(map(re.escape, words.strip("* ").split())) + end


@dataclass(frozen=True, slots=True)
class Spoken:
    """How much customers spoke of a theme in a week."""

    mentions: int
    usual: float
    """A week, in the four before it."""
    log_odds: float | None
    """How much its share rose, as a z-score; null where there is no text at all."""
    rising: bool


def spoken(name: str, days: Mapping[int, Mapping[str, int]], monday: int, policy: ThemesPolicy) -> Spoken:
    """Of the week that begins with this day; ``days``: the fields of its days, and of those before it."""
    field = THEME + name
    week, month = range(monday, monday + WEEK_DAYS), range(monday - MONTH_WEEKS * WEEK_DAYS, monday)
    now, all_now = _sum(days, week, field), _sum(days, week, TEXTS)
    before, all_before = _sum(days, month, field), _sum(days, month, TEXTS)
    score = z_score(now, all_now, before, all_before, policy.prior)
    rising = (
        score is not None
        and score >= policy.rising_at
        and now >= policy.least_mentions
        and all_before >= policy.least_mentions
    )
    return Spoken(now, before / MONTH_WEEKS, score, rising)


def _sum(days: Mapping[int, Mapping[str, int]], of: range, field: str) -> int:
    return sum(days[day].get(field, 0) for day in of if day in days)


def z_score(now: int, all_now: int, before: int, all_before: int, prior: float) -> float | None:
    """By how many standard deviations the log-odds of ``now`` of ``all_now`` are above those of ``before`` of
    ``all_before``. None where there is nothing at all."""
    if not all_now + all_before:
        return None
    # Half of one that does and one that does not keep the prior inside of 0 and 1.
    share = (now + before + 0.5) / (all_now + all_before + 1)
    speak, others = prior * share, prior * (1 - share)

    def log_odds(n: int, of: int) -> float:
        return math.log((n + speak) / (of - n + others))

    variance = 1 / (now + speak) + 1 / (before + speak)
    return (log_odds(now, all_now) - log_odds(before, all_before)) / math.sqrt(variance)


def monday_of(day: int) -> int:
    """The day that the week of a day begins with."""
    return day - (day - _MONDAY) % WEEK_DAYS


def last_week(now: Micros) -> int:
    """The Monday of the last week that is closed for an hour."""
    return monday_of(day_of(now - _HOUR)) - WEEK_DAYS


def closed_at(monday: int) -> Micros:
    """When the week that begins with this day is closed for an hour."""
    return (monday + WEEK_DAYS) * DAY + _HOUR
