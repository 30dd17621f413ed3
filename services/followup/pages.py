"""Pages behind the links in messages: languages, layout and headers. Their routes say what is in them."""

import base64
import hashlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import yaml
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.followup.domain.policy import Policy
from services.followup.domain.rules.quiet import zone
from services.followup.domain.state import Customer
from shared.http.openapi import PAGE_OF_TROUBLE
from shared.http.problems import TOLD, from_error

FOLDER = Path(__file__).parent / "templates" / "pages"
LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français"}
"""What pages are written in, each by its own name; the first where nothing is known of the reader's."""
HOME: Mapping[str, str] = {"en": "en_GB"}
"""The locale of a language without a country, where that is not the language itself."""
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 500
"""Of a form that is read."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a page: words and dates are theirs."""

    language: str
    locale: Locale
    timezone: ZoneInfo

    def moment(self, at: datetime) -> str:
        """A date and a time where the reader lives: 26 December 2026, 14:30."""
        local = at.astimezone(self.timezone)
        day = format_date(local, "long", locale=self.locale)
        return f"{day}, {format_time(local, 'short', locale=self.locale)}"


def reader(customer: Customer | None, accepted: str, timezone: str) -> Reader:
    """By the customer's locale, where that is one of ``LANGUAGES``; else by what the browser asks for
    (``Accept-Language``). ``timezone`` stands in for one that is not known."""
    known = customer.locale if customer is not None else None
    wanted = [known] if known else []
    for tag in (*wanted, *_accepted(accepted)):
        language = language_of(tag)
        if language is not None:
            break
    else:
        language, tag = "en", "en"
    where = zone(customer.timezone if customer is not None else None, timezone)
    return Reader(language, _locale(language, tag), where)


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


@cache
def words(language: str) -> Mapping[str, str]:
    """What the pages say, by key."""
    text = (FOLDER / "words" / f"{language}.yaml").read_text(encoding="utf-8")
    return {str(key): str(value) for key, value in yaml.safe_load(text).items()}


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    return (FOLDER / "page.css").read_text(encoding="utf-8")


@cache
def headers() -> Mapping[str, str]:
    """Of every page: only its own style, no script, nothing from elsewhere, in no frame, kept nowhere."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
    }


@dataclass(frozen=True, slots=True)
class Page:
    """Makes the answers to one request."""

    policy: Policy
    """By the version in force."""
    accepted: str
    """The request's ``Accept-Language``."""

    def to(self, customer: Customer | None) -> "Words":
        """The page in the customer's language."""
        return Words(self, reader(customer, self.accepted, self.policy.rules.timezone))


@dataclass(frozen=True, slots=True)
class Words:
    """A page for somebody."""

    page: Page
    reader: Reader

    def __call__(self, key: str, **places: object) -> str:
        """What stands under a key, in the reader's language, with its ``{places}`` filled."""
        return words(self.reader.language)[key].format(sender=self.page.policy.rules.sender.name, **places)

    def first(self, *keys: str) -> str:
        """The first of the keys that is there."""
        there = words(self.reader.language)
        return self(next(key for key in keys if key in there))

    def channel(self, name: str) -> str:
        """A channel as people call it."""
        return self(f"channel.{name}") if f"channel.{name}" in words(self.reader.language) else name

    def render(self, template: str, *, title: str, status: int = 200, **shown: object) -> HTMLResponse:
        """A page made of ``template``, which sees ``shown`` too."""
        html = (
            _environment()
            .get_template(template)
            .render(
                t=self,
                title=title,
                language=self.reader.language,
                sender=self.page.policy.rules.sender.name,
                # A file of ours.
                css=Markup(_style()),  # nosec B704
                **shown,
            )
        )
        return HTMLResponse(html, status_code=status, headers=dict(headers()))

    def message(
        self, title: str, *lines: str, status: int = 200, link: tuple[str, str] | None = None
    ) -> HTMLResponse:
        """A page that only says something; ``link`` is where one may go on, and what it is called."""
        more = {} if link is None else {"link": link}
        return self.render("message.html", title=title, lines=lines, status=status, **more)

    def unknown(self) -> HTMLResponse:
        """404: the token is none that was ever signed here."""
        return self.message(self("link.unknown"), self("link.unknown.why"), status=404)

    def gone(self) -> HTMLResponse:
        """410: whose it was has been erased."""
        return self.message(self("link.gone"), self("link.gone.why"), status=410)


def page_of(request: Request) -> Page:
    """What answers a request, by any version of the rules."""
    return Page(request.app.state.policy, request.headers.get("accept-language", ""))


class PageRoute(APIRoute):
    """Says what went wrong by a page, as who follows a link is no program."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        original = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await original(request)
            except TOLD as error:
                problem = from_error(error)
                say = page_of(request).to(None)
                why = say("trouble.large") if problem.status == 413 else say("trouble.why")
                page = say.message(say("trouble"), why, status=problem.status, link=("?", say("again")))
                page.headers.update(problem.headers or {})
                return page

        return answer


def page_router() -> APIRouter:
    """A router of pages behind links, whose errors are pages too."""
    return APIRouter(
        tags=["pages"],
        default_response_class=HTMLResponse,
        route_class=PageRoute,
        responses=PAGE_OF_TROUBLE,
    )


async def read_form(request: Request) -> Mapping[str, list[str]]:
    """The fields of a form as browsers send it; empty for any other body, such as a mail program's."""
    if (
        request.headers.get("content-type", "").partition(";")[0].strip()
        != "application/x-www-form-urlencoded"
    ):
        return {}
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return parse_qs(body, keep_blank_values=True, errors="replace", max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
