"""Pages behind the links in messages: words, layout, headers, and trouble told by a page. Their routes say
what is in them, and each service has its own words and templates in a folder, beside those of all."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from markupsafe import Markup

from shared.http.openapi import PAGE_OF_TROUBLE
from shared.http.problems import TOLD, from_error
from shared.pages.drawing import environment, headers
from shared.pages.linked import LINKED
from shared.pages.readers import Reader


@cache
def words(language: str, folder: Path) -> Mapping[str, str]:
    """What the pages say, by key: those of all services, and this folder's."""
    found: dict[str, str] = {}
    for place in (LINKED, folder):
        text = (place / "words" / f"{language}.yaml").read_text(encoding="utf-8")
        found.update({str(key): str(value) for key, value in yaml.safe_load(text).items()})
    return found


@cache
def style() -> str:
    """The one style of all these pages."""
    return (LINKED / "page.css").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Words:
    """A page for somebody."""

    reader: Reader
    sender: str
    folder: Path

    def __call__(self, key: str, **places: object) -> str:
        """What stands under a key, in the reader's language, with its ``{places}`` filled."""
        return words(self.reader.language, self.folder)[key].format(sender=self.sender, **places)

    def first(self, *keys: str) -> str:
        """The first of the keys that is there."""
        there = words(self.reader.language, self.folder)
        return self(next(key for key in keys if key in there))

    def channel(self, name: str) -> str:
        """A channel as people call it."""
        key = f"channel.{name}"
        return self(key) if key in words(self.reader.language, self.folder) else name

    def render(self, template: str, *, title: str, status: int = 200, **shown: object) -> HTMLResponse:
        """A page made of ``template``, which sees ``shown`` too."""
        made = environment(self.folder, LINKED).get_template(template)
        html = made.render(
            t=self,
            title=title,
            language=self.reader.language,
            sender=self.sender,
            # A file of ours.
            css=Markup(style()),  # nosec B704
            **shown,
        )
        made_headers = {**headers(style(), forms=True), "X-Robots-Tag": "noindex, nofollow"}
        return HTMLResponse(html, status_code=status, headers=made_headers)

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


def page_router(words_for: Callable[[Request], Words]) -> APIRouter:
    """A router of pages behind links, whose errors are pages too: in ``words_for`` who asks."""

    class PageRoute(APIRoute):
        """Says what went wrong by a page, as who follows a link is no program."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            original = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    return await original(request)
                except TOLD as error:
                    problem = from_error(error)
                    say = words_for(request)
                    why = say("trouble.large") if problem.status == 413 else say("trouble.why")
                    page = say.message(say("trouble"), why, status=problem.status, link=("?", say("again")))
                    page.headers.update(problem.headers or {})
                    return page

            return answer

    return APIRouter(
        tags=["pages"],
        default_response_class=HTMLResponse,
        route_class=PageRoute,
        responses=PAGE_OF_TROUBLE,
    )
