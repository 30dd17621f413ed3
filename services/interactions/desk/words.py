"""In which language a page is, and how times and amounts read where its reader lives."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta, get_timezone_name
from babel.numbers import format_decimal
from babel.units import format_unit
from jinja2 import pass_context
from jinja2.runtime import Context

from shared.schemas.times import in_zone
from shared.templates.catalogue import parsed
from shared.templates.language import READER
from shared.templates.speech import Languages, Reader, Speech, locale_of

LOCALES = Path(__file__).parent / "locales"
LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch", "es": "Español"}
"""What pages are written in, each by its own name; the first where nothing is known of the reader's."""
HOME: Mapping[str, str] = {"en": "en-GB"}
"""The country of a language that is asked for without one."""
UTC = ZoneInfo("UTC")
_KEPT = 8_192
"""Times, and of each other kind of words, that are remembered: a page repeats those of the page before it."""


def _(text: str) -> str:
    """Marks a text that code gives to pages, for the catalogues; ``Words`` says it in the reader's."""
    return text


@cache
def languages() -> Languages:
    """Those that there are catalogues of."""
    files = sorted(LOCALES.glob("*.po"))
    return Languages({file.stem: parsed(file.read_text(encoding="utf-8"), file.stem) for file in files})


def language_of(tag: str | None) -> str | None:
    """``de-AT`` -> ``de``; None for a language that pages are not written in."""
    language = (tag or "").replace("_", "-").partition("-")[0].strip().lower()
    return language if language in LANGUAGES else None


def accepted(header: str) -> list[str]:
    """The tags of an ``Accept-Language``, the most wanted first."""
    found: list[tuple[float, str]] = []
    for part in header[:1000].split(","):
        tag, _sep, quality = part.partition(";")
        try:
            found.append((float(quality.replace("q=", "") or 1), tag.strip()))
        except ValueError:
            continue
    return [tag for quality, tag in sorted(found, key=lambda one: -one[0]) if quality > 0]


def speech_of(wanted: Iterable[str | None]) -> Speech:
    """The first language of these that pages are written in, with its country's dates and numbers."""
    for tag in wanted:
        language = language_of(tag)
        if tag and language is not None:
            full = tag if locale_of(tag) is not None and "-" in tag.replace("_", "-") else language
            return next(languages().speeches(HOME.get(full, full)))
    return next(languages().speeches(HOME["en"]))


@dataclass(frozen=True, slots=True)
class Words:
    """A page's language, to its templates ``t``, and to code."""

    reader: Reader
    now: datetime

    @property
    def locale(self) -> Locale:
        return self.reader.speech.locale or Locale.parse("en_GB")

    def __call__(self, text: str, **places: object) -> str:
        """A text in the reader's language, with its ``%(places)s`` filled."""
        said = self.reader.speech.one(text, text)
        return said % places if places else said

    def many(self, one: str, many: str, n: int, **places: object) -> str:
        """The text that goes with a number, which it shows as ``%(n)s``."""
        return self.reader.speech.many(one, many, n, one) % {"n": self.number(n), **places}

    def number(self, value: int) -> str:
        return str(format_decimal(value, locale=self.locale))

    def local(self, at: datetime) -> datetime:
        return in_zone(at, self.reader.where)

    def when(self, at: datetime) -> str:
        """A time in few words: ``14:30`` today, ``26 Nov, 14:30`` this year, ``26 Nov 2025`` before."""
        return _when(_whole(at), self.local(self.now).date(), self.reader.where, self.locale)

    def day(self, at: datetime) -> str:
        """``Thursday, 26 November``."""
        return str(format_date(self.local(at), _skeleton("MMMMEEEEd", self.locale), locale=self.locale))

    def fully(self, at: datetime) -> str:
        """With all that there is to say: ``Thursday, 26 November 2026, 14:30 CET``."""
        return _fully(_whole(at), self.reader.where, self.locale)

    def ago(self, at: datetime) -> str:
        """``5 minutes ago``."""
        delta = at - self.now
        if abs(delta) < timedelta(minutes=1):
            return self(_("just now"))
        return _ago(_alike(delta // timedelta(seconds=1)), self.locale)

    def kilobytes(self, size: int) -> str:
        """``12 kB``."""
        return _counted(max(1, round(size / 1000)), "digital-kilobyte", self.locale)

    def span(self, seconds: float) -> str:
        """A duration in its two largest units: ``2 hrs 15 mins``; under a minute is one."""
        left, parts = max(60, int(abs(seconds))), list[str]()
        for size, one, many in self.units:
            count, left = divmod(left, size)
            if count and len(parts) < 2:
                said = str(count) if count < 1000 else self.number(count)
                parts.append((one if count == 1 else many).replace("%s", said))
            elif parts:
                break
        return " ".join(parts)

    @property
    def units(self) -> tuple[tuple[int, str, str], ...]:
        """Those of ``span``, the largest first: how many seconds each is, and how one and several read,
        ``%s hrs``. A page's script says what is left by these, so in the words that were there before."""
        return _units(self.reader.speech)


def _whole(at: datetime) -> datetime:
    """To the second: what is said of a time says no more."""
    return at.astimezone(UTC).replace(microsecond=0)


@lru_cache(_KEPT)
def _when(at: datetime, today: date, where: ZoneInfo, locale: Locale) -> str:
    local = in_zone(at, where)
    if local.date() == today:
        return str(format_time(local, "short", locale=locale))
    if local.year == today.year:
        return str(format_datetime(local, _skeleton("MMMdHm", locale), locale=locale))
    return str(format_date(local, "medium", locale=locale))


@lru_cache(_KEPT)
def _fully(at: datetime, where: ZoneInfo, locale: Locale) -> str:
    local = in_zone(at, where)
    zone = get_timezone_name(local, "short", locale=locale)
    return f"{format_date(local, 'full', locale=locale)}, {format_time(local, 'short', locale=locale)} {zone}"


@lru_cache(_KEPT)
def _ago(seconds: int, locale: Locale) -> str:
    delta = timedelta(seconds=seconds)
    return str(format_timedelta(delta, add_direction=True, threshold=1, locale=locale))


def _alike(seconds: int) -> int:
    """One of the durations that are said alike, always the same. Babel rounds to whole units, a half to the
    even one: so what is said changes at, and right after, whole half units, half hours from one hour on."""
    left, half = abs(seconds), 1_800 if abs(seconds) >= 3_600 else 30
    alike = left - left % half + (left % half > 0)
    return alike if seconds >= 0 else -alike


@lru_cache(_KEPT)
def _counted(count: int, unit: str, locale: Locale) -> str:
    return str(format_unit(count, unit, "short", locale=locale))


@cache
def _units(speech: Speech) -> tuple[tuple[int, str, str], ...]:
    """Not by Babel's words: those of browsers differ, and of Spanish ones some are wrong (``1 horas``)."""
    found = (
        (86_400, [speech.many("%(n)s day", "%(n)s days", n, "%(n)s day") for n in (1, 2)]),
        (3_600, [speech.many("%(n)s hr", "%(n)s hrs", n, "%(n)s hr") for n in (1, 2)]),
        (60, [speech.many("%(n)s min", "%(n)s mins", n, "%(n)s min") for n in (1, 2)]),
    )
    return tuple((size, _together(one), _together(many)) for size, (one, many) in found)


def _together(unit: str) -> str:
    """A number and its unit, which stay on one line."""
    return unit.replace("%(n)s", "%s").replace(" ", "\u00a0")


def _skeleton(skeleton: str, locale: Locale) -> str:
    found = locale.datetime_skeletons.get(skeleton)
    if found is not None:
        return str(found.pattern)
    day = locale.datetime_skeletons["MMMd"].pattern
    return f"{day}, HH:mm" if skeleton.endswith("Hm") else str(locale.date_formats["long"].pattern)


def _said(write: Callable[[Words, Any], str]) -> Callable[..., str]:
    """A method of ``Words`` as a filter of templates."""

    @pass_context
    def filtered(context: Context, value: Any) -> str:
        return "" if value is None else write(context["t"], value)

    return filtered


FILTERS: Mapping[str, Callable[..., str]] = {
    "when": _said(Words.when),
    "day": _said(Words.day),
    "fully": _said(Words.fully),
    "ago": _said(Words.ago),
    "span": _said(Words.span),
    "kilobytes": _said(Words.kilobytes),
    "say": _said(Words.__call__),
}
"""Of times (aware) and seconds; ``say`` puts a text that comes in a variable into the reader's language."""


def shown_to(words: Words) -> dict[str, Any]:
    """What ``shared.templates.language`` and the filters here need among a page's variables."""
    return {"t": words, READER: words.reader}
