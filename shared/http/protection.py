"""What every answer tells browsers and caches, unless its route says more."""

from collections.abc import Sequence
from typing import TypeAlias

from shared.runtime.settings import Settings

Header: TypeAlias = tuple[bytes, bytes]

_POLICY = b"content-security-policy"
_FRAMED = b"frame-ancestors 'none'"
_NOTHING = b"default-src 'none'; " + _FRAMED


class Protection:
    """Sets the headers of an answer that are not there. Nothing is kept, guessed, or shown in a frame, and
    what is no page may load nothing. Where the service is reached by https, browsers come by https alone."""

    def __init__(self, settings: Settings, service: str) -> None:
        always = [
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
        ]
        url: str | None = getattr(settings, f"{service}_url", None)
        if settings.hsts_seconds and (url or "").startswith("https://"):
            always.append(("Strict-Transport-Security", f"max-age={settings.hsts_seconds}"))
        self._always: Sequence[Header] = [(name.lower().encode(), value.encode()) for name, value in always]

    def add(self, headers: list[Header]) -> None:
        """``headers``: as ASGI has them, with names in lower case."""
        given = dict(headers)
        headers += [header for header in self._always if header[0] not in given]
        if _POLICY not in given:
            page = given.get(b"content-type", b"").startswith(b"text/html")
            headers.append((_POLICY, _FRAMED if page else _NOTHING))
