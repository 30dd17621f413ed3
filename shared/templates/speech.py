"""In which language a customer is spoken to, and how values read there. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError

from shared.templates.catalogue import Catalogue

ENGLISH = "en"
"""What templates are written in."""


@dataclass(frozen=True, slots=True)
class Speech:
    """A language, and the country whose dates and numbers are used."""

    language: str
    """As HTML's ``lang`` has it: ``de``, ``en``."""
    locale: Locale | None = None
    """For numbers, money and times; None: as Rapport has always written English."""
    catalogues: tuple[Catalogue, ...] = ()
    """The nearest first; without one, the English of the templates."""

    def one(self, text: str, key: str) -> str:
        """The string in this language."""
        for catalogue in self.catalogues:
            said = catalogue.one(key)
            if said is not None:
                return said
        return text

    def many(self, one: str, many: str, n: object, key: str) -> str:
        """The string that goes with a number; made-up values, of which there are no numbers, are many."""
        number = n if isinstance(n, int) else 2
        for catalogue in self.catalogues:
            said = catalogue.many(key, abs(number))
            if said is not None:
                return said
        return one if number == 1 else many

    def knows(self, key: str) -> bool:
        return any(key in catalogue.said for catalogue in self.catalogues)


PLAIN = Speech(ENGLISH)
"""English as it is where nothing more is known."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What the filters need to know of who reads."""

    speech: Speech
    where: ZoneInfo


class Languages:
    """The languages that there are catalogues of, and English."""

    def __init__(self, catalogues: Mapping[str, Catalogue]) -> None:
        self._catalogues = {tag.lower(): catalogue for tag, catalogue in catalogues.items()}
        self.tags = (ENGLISH, *sorted(c.tag for c in catalogues.values() if c.tag != ENGLISH))

    def has(self, tag: str) -> bool:
        """Whether there is a catalogue of this language, or it is English."""
        return self._speech(tag) is not None

    def speeches(self, *wanted: str | None) -> Iterator[Speech]:
        """What to speak, the most wanted first: of each tag its language, if it is there, with the country's
        dates and numbers (``de-AT`` is German as in Austria). Ends with English."""
        seen = set()
        for tag in (*wanted, ENGLISH):
            speech = self._speech(tag) if tag else None
            if speech is not None and speech not in seen:
                seen.add(speech)
                yield speech

    def _speech(self, tag: str) -> Speech | None:
        parts = tag.replace("_", "-").split("-")
        names = ["-".join(parts[:n]).lower() for n in range(len(parts), 0, -1)]
        found = tuple(self._catalogues[name] for name in names if name in self._catalogues)
        language = parts[0].lower()
        if not found and language != ENGLISH:
            return None
        country = locale_of(tag) or locale_of(language)
        plain = language == ENGLISH and (country is None or country.territory is None)
        return Speech(language, None if plain else country, found)


@lru_cache(maxsize=1024)
def locale_of(tag: str) -> Locale | None:
    """What Babel knows by a language tag, or by the part of it that it knows; None if it knows none."""
    parts = tag.replace("-", "_").split("_")
    for end in range(len(parts), 0, -1):
        try:
            return Locale.parse("_".join(parts[:end]))
        except (ValueError, UnknownLocaleError):
            continue
    return None
