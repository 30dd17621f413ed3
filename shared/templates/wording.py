"""How values read in a message: counts, amounts, dates. What is no such value is shown as it is, because
templates are also tried with made-up values; what is not there, not at all. Pure.

Plain English (``PLAIN``) is written here; every other locale as Babel, which has it from CLDR, writes it.
"""

import re
from collections.abc import Mapping
from copy import copy
from datetime import date as Day
from datetime import datetime, time
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_name
from babel.numbers import NumberPattern, format_decimal

from shared.schemas.money import digits, written
from shared.schemas.times import in_zone
from shared.templates.speech import PLAIN, Speech

WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
MOMENT = "%(date)s at %(time)s %(zone)s"
"""A date and a time, for catalogues."""
THIN, HARD = "\u202f", "\u00a0"
"""Spaces that do not break: letters and numbers hold together by the second alone, which more fonts have."""


def number(value: object, speech: Speech = PLAIN, *, words: bool = False) -> str:
    """``1250`` -> ``1,250``; in German ``1.250``. With ``words``: ``three``, from two to twelve, where the
    language has words that fit any noun; in English from zero on."""
    if not isinstance(value, int):
        return _fraction(value, speech)
    if words and 0 <= value < len(WORDS):
        word = WORDS[value]
        if not speech.catalogues:
            return word
        if value > 1:
            return speech.one(word, word)
    return f"{value:,}" if speech.locale is None else _decimal(value, speech.locale)


def _fraction(value: object, speech: Speech) -> str:
    if isinstance(value, float) and speech.locale is not None:
        return _decimal(Decimal(str(value)), speech.locale)
    return _as_it_is(value)


@lru_cache(maxsize=4096)
def _decimal(value: int | Decimal, locale: Locale) -> str:
    return _hard(format_decimal(value, locale=locale))


def counted(value: object, noun: str, speech: Speech = PLAIN, *, words: bool = False) -> str:
    """``1, "point"`` -> ``1 point``, ``1250`` -> ``1,250 points``; with ``words``, ``three points``. In other
    languages by the noun's plural forms in their catalogue."""
    if value is None:
        return ""
    return f"{number(value, speech, words=words)} {speech.many(noun, f'{noun}s', value, noun)}"


def money(value: object, speech: Speech = PLAIN) -> str:
    """``{"amount": 129950, "currency": "EUR"}`` -> ``1,299.50 EUR``; in German ``1.299,50 €``."""
    if not isinstance(value, Mapping):
        return _as_it_is(value)
    amount, currency = int(value["amount"]), str(value["currency"])
    if speech.locale is None:
        return written(amount, currency)
    return _amount(amount, currency, speech.locale)


@lru_cache(maxsize=4096)
def _amount(amount: int, currency: str, locale: Locale) -> str:
    """By the locale's pattern, with the decimal places that ISO 4217 gives the currency."""
    places = digits(currency)
    pattern: NumberPattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (places, places)
    value = Decimal(amount).scaleb(-places)
    text = pattern.apply(value, locale, currency=currency, currency_digits=False)
    # Where letters stand for a currency, CLDR has a space that Babel leaves out: EUR 12.00.
    return re.sub(r"(?<=[A-Z])(?=\d)|(?<=\d)(?=[A-Z])", HARD, _hard(text))


def date(value: object, where: ZoneInfo, speech: Speech = PLAIN) -> str:
    """``2026-03-05T23:30:00+00:00`` -> ``6 March 2026`` in Berlin; in German ``6. März 2026``."""
    local = _local(value, where)
    return _as_it_is(value) if local is None else _date(local, speech)


def moment(value: object, where: ZoneInfo, speech: Speech = PLAIN) -> str:
    """``2026-03-05T23:30:00+00:00`` -> ``6 March 2026 at 00:30 CET`` in Berlin; in German
    ``6. März 2026 um 00:30 Uhr (MEZ)``."""
    local = _local(value, where)
    if local is None:
        return _as_it_is(value)
    if not isinstance(local, datetime):
        return _date(local, speech)
    parts = {"date": _date(local, speech), "time": _time(local, speech), "zone": _zone(local, speech)}
    return speech.one(MOMENT, MOMENT) % parts


def _date(local: Day, speech: Speech) -> str:
    return _day(local.year, local.month, local.day, speech.locale)


@lru_cache(maxsize=4096)
def _day(year: int, month: int, day: int, locale: Locale | None) -> str:
    if locale is None:
        return f"{day} {Day(year, month, day):%B %Y}"
    text = _hard(format_date(Day(year, month, day), "long", locale=locale))
    return re.sub(r"^1 ", "1er ", text) if locale.language == "fr" else text


def _time(local: datetime, speech: Speech) -> str:
    return f"{local:%H:%M}" if speech.locale is None else _clock(local.hour, local.minute, speech.locale)


@lru_cache(maxsize=4096)
def _clock(hour: int, minute: int, locale: Locale) -> str:
    return _hard(format_time(time(hour, minute), "short", locale=locale))


def _zone(local: datetime, speech: Speech) -> str:
    name, offset = f"{local:%Z}", f"{local:%z}"
    if speech.locale is not None and name != "UTC":
        own = get_timezone_name(local, "short", locale=speech.locale)
        name = own if own.isalpha() else name
    # Many have no letters of their own.
    return name if name.isalpha() else f"UTC{offset[:3]}:{offset[3:]}"


def _local(value: object, where: ZoneInfo) -> Day | None:
    """A time where the reader lives; a day without a time is that day everywhere."""
    text = str(value)
    try:
        if len(text) == len("YYYY-MM-DD"):
            return Day.fromisoformat(text)
        told = datetime.fromisoformat(text)
    except ValueError:
        return None
    return told.replace(tzinfo=where) if told.tzinfo is None else in_zone(told, where)


def _hard(text: str) -> str:
    return text.replace(THIN, HARD)


def _as_it_is(value: object) -> str:
    return "" if value is None else str(value)
