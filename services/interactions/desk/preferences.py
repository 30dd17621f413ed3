"""How somebody likes their pages, kept in their browser: it outlives sessions and is no secret."""

from urllib.parse import parse_qsl, urlencode

from services.interactions.desk.words import language_of
from shared.schemas.base import Frozen
from shared.schemas.zones import zone_of

PREFERENCES = "rapport-desk-preferences"
LASTING_S = 400 * 86_400
"""As long as browsers keep a cookie at most."""


class Preferences(Frozen):
    """``keys``: whether a letter alone is a command."""

    language: str | None = None
    timezone: str | None = None
    keys: bool = True

    def cookie(self) -> str:
        told = {"language": self.language, "timezone": self.timezone, "keys": "" if self.keys else "off"}
        return urlencode({name: value for name, value in told.items() if value})


def preferences_of(cookie: str | None) -> Preferences:
    """What a cookie says, as far as it says what can be."""
    told = dict(parse_qsl((cookie or "")[:500]))
    language, timezone = told.get("language"), told.get("timezone")
    return Preferences(
        language=language if language_of(language) else None,
        timezone=timezone if zone_of(timezone) else None,
        keys=told.get("keys") != "off",
    )
