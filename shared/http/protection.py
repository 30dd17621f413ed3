"""What every answer tells browsers and caches, unless its route says more."""

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders

from shared.runtime.settings import Settings

_FRAMED = "frame-ancestors 'none'"
_NOTHING = f"default-src 'none'; {_FRAMED}"


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
        self._always: Sequence[tuple[str, str]] = always

    def add(self, headers: MutableHeaders) -> None:
        for name, value in self._always:
            headers.setdefault(name, value)
        page = headers.get("content-type", "").startswith("text/html")
        headers.setdefault("Content-Security-Policy", _FRAMED if page else _NOTHING)
