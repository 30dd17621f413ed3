"""Loyalty's page behind a link: in whose name and words. Its route says what is in it."""

from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request

from services.loyalty.domain.program.program import Program
from services.loyalty.domain.state import MemberState
from shared.facts.profile import value_of
from shared.http import linked
from shared.http.linked import Words
from shared.pages.readers import reader
from shared.schemas.zones import zone_of

FOLDER = Path(__file__).parent / "templates" / "pages"
LANG = "lang"
"""The parameter of the link, and of those on the page."""


def words_for(request: Request, program: Program, state: MemberState | None = None) -> Words:
    """The page in the language that the link names, else the browser's, and in the member's time zone."""
    known = None if state is None else value_of(state.profile, "timezone")
    timezone = zone_of(known) or ZoneInfo("UTC")
    wanted = [request.query_params.get(LANG)]
    accepted = request.headers.get("accept-language", "")
    return Words(reader(wanted, accepted, timezone), program.title or program.name, FOLDER)


def _to_anybody(request: Request) -> Words:
    return words_for(request, request.app.state.programs.versions[-1])


def page_router() -> APIRouter:
    """A router of loyalty's pages."""
    return linked.page_router(_to_anybody)
