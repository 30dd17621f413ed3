"""Who reads a page behind a link: their language, and how dates look to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal, get_currency_precision

from shared.schemas.times import in_zone

LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français"}
"""What pages are written in, each by its own name; the first where nothing is known of the reader's."""
HOME: Mapping[str, str] = {"en": "en_GB"}
"""The locale of a language without a country, where that is not the language itself."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a page: words, numbers and dates are theirs."""

    language: str
    locale: Locale
    timezone: ZoneInfo

    def moment(self, at: datetime) -> str:
        """A date and a time where the reader lives: 26 December 2026, 14:30."""
        return f"{self.day(at)}, {format_time(in_zone(at, self.timezone), 'short', locale=self.locale)}"

    def day(self, at: datetime) -> str:
        """A date where the reader lives: 26 December 2026."""
        return format_date(in_zone(at, self.timezone), "long", locale=self.locale)

    def number(self, value: int) -> str:
        return format_decimal(value, locale=self.locale)

    def money(self, amount: int, currency: str) -> str:
        """An amount in minor units."""
        units = Decimal(amount).scaleb(-get_currency_precision(currency))
        return format_currency(units, currency, locale=self.locale)


def reader(tags: Sequence[str | None], accepted: str, timezone: ZoneInfo) -> Reader:
    """By the first of the tags, locales in the order in which they hold, that is one of ``LANGUAGES``; else
    by what the browser asks for (``Accept-Language``)."""
    for tag in (*tags, *_accepted(accepted)):
        language = language_of(tag)
        if tag is not None and language is not None:
            return Reader(language, _locale(language, tag), timezone)
    return Reader("en", _locale("en", "en"), timezone)


def language_of(tag: str | None) -> str | None:
    """``de-AT`` -> ``de``; None for a language that pages are not written in."""
    language = (tag or "").replace("_", "-").partition("-")[0].strip().lower()
    return language if language in LANGUAGES else None


def _accepted(header: str) -> list[str]:
    """The tags of an ``Accept-Language``, the most wanted first."""
    found: list[tuple[float, str]] = []
    for part in header[:1000].split(","):
        tag, _, quality = part.partition(";")
        try:
            found.append((float(quality.replace("q=", "") or 1), tag.strip()))
        except ValueError:
            continue
    return [tag for quality, tag in sorted(found, key=lambda one: -one[0]) if quality > 0]


def _locale(language: str, tag: str) -> Locale:
    tag = tag.replace("-", "_")
    for candidate in (tag if "_" in tag else HOME.get(language, language), language):
        try:
            return Locale.parse(candidate)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse("en_GB")
