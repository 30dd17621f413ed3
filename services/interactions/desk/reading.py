"""How some values of a customer's profile read in the reader's language. Pure."""

from datetime import date, datetime

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_day_names

from services.interactions.desk.words import Words

WITHOUT_YEAR = 4
"""The year of birthdays that were told without one."""


def clock_time(at: datetime, words: Words) -> str:
    """What a clock shows that stands where ``at`` is told of: ``14:30``."""
    return str(format_time(at, "short", tzinfo=at.tzinfo, locale=words.locale))


def birthday(born: date, words: Words) -> str:
    """``29 February`` or ``29 February 1984``."""
    if born.year != WITHOUT_YEAR:
        return str(format_date(born, "long", locale=words.locale))
    skeleton = words.locale.datetime_skeletons.get("MMMMd") or words.locale.datetime_skeletons["MMMd"]
    return str(format_date(born, skeleton.pattern, locale=words.locale))


def language_name(tag: str, words: Words) -> str:
    """``de-AT`` -> ``German (Austria)``; a tag that nobody knows, as it is."""
    try:
        return Locale.parse(tag, sep="-" if "-" in tag else "_").get_display_name(words.locale) or tag
    except (ValueError, UnknownLocaleError):
        return tag


def weekdays(words: Words) -> tuple[str, ...]:
    """Monday first, in two or three letters."""
    names = get_day_names("abbreviated", locale=words.locale)
    return tuple(str(names[day]) for day in range(7))
