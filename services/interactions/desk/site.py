"""What the desk's pages are made with: templates, the files they ask for, the headers they go out with."""

import hashlib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from services.interactions.desk.names import called
from services.interactions.desk.reading import language_name
from services.interactions.desk.refusals import Line, explained, noted
from services.interactions.desk.words import FILTERS, Words
from shared.http.problems import ProblemError
from shared.templates import language

FOLDER = Path(__file__).parent
TEMPLATES, STATIC = FOLDER / "templates", FOLDER / "static"
ROOT = "/desk"

KINDS: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Of every page: its own files alone, in no frame, kept nowhere, and nobody is told where one comes from."""
LASTING: Mapping[str, str] = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of a file whose name says what is in it."""


@cache
def environment() -> Environment:
    """Values are escaped; a name that is not given is an error."""
    jinja = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    jinja.newstyle_gettext = True  # type: ignore[attr-defined]  # the extension's, which no stub knows
    jinja.policies["ext.i18n.trimmed"] = True
    jinja.globals.update(language.SAID, _=language.SAID["gettext"], static=static, root=ROOT, icon=icon)
    jinja.filters.update({**language.FILTERS, **FILTERS})
    jinja.filters.update(called=_called, explained=_explained, noted=_noted, language=_language)
    return jinja


@lru_cache(256)
def icon(name: str, size: str = "") -> str:
    """A drawing that repeats what the words beside it say."""
    drawn: str = environment().get_template("icons.html").module.icon(name, size)  # type: ignore[attr-defined]  # the macro
    return drawn


@pass_context
def _called(context: Context, value: str, kind: str) -> str:
    words: Words = context["t"]
    return words(called(kind, value))


@pass_context
def _explained(context: Context, problem: ProblemError) -> tuple[Line, ...]:
    return explained(problem, context["t"])


@pass_context
def _language(context: Context, tag: str) -> str:
    return language_name(tag, context["t"])


@pass_context
def _noted(context: Context, note: str) -> Line:
    return noted(note, context["t"])


@cache
def files() -> Mapping[str, bytes]:
    """What is served, by a name that changes with what is in it: ``desk.0123456789abcdef.css``."""
    return {_named(file): file.read_bytes() for file in sorted(STATIC.iterdir()) if file.suffix in KINDS}


@cache
def static(name: str) -> str:
    """Where a file is: ``desk.css`` -> ``/desk/static/desk.0123456789abcdef.css``."""
    return f"{ROOT}/static/{_named(STATIC / name)}"


def _named(file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    stem = file.name.removesuffix(file.suffix)
    return f"{stem}.{digest}{file.suffix}"
