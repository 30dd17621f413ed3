"""Signing in and out, and how one likes the pages."""

import re
from typing import Annotated, Literal

from fastapi import Query, Response
from fastapi.responses import HTMLResponse

from services.interactions.desk.faults import Fault, FormError
from services.interactions.desk.page import COOKIE, Desk, Form, Posted, SignedIn, Visit, desk_router
from services.interactions.desk.preferences import LASTING_S, PREFERENCES, Preferences
from services.interactions.desk.refusals import Line
from services.interactions.desk.session import Session
from services.interactions.desk.site import ROOT
from services.interactions.desk.words import LANGUAGES, _
from shared.http.problems import ProblemError
from shared.schemas.base import ID_PATTERN, Frozen
from shared.schemas.zones import zone_names, zone_of

router = desk_router()

To = Annotated[str, Query(max_length=2_000)]


@router.get("/sign-in")
async def sign_inpage_of(desk: Visit, to: To = "") -> Response:
    if desk.principal is not None and desk.may("desk"):
        return desk.go(within(to))
    page = page_of(desk, to)
    keep_session(page, desk, desk.session)
    return page


@router.post("/sign-in")
async def sign_in(desk: Visit, form: Posted) -> Response:
    """By an API key. Who may do everything says whose work it is; others are who their key says."""
    agent_id = form["agent_id"].strip()
    try:
        principal = desk.request.app.state.authenticator.api_key(form["api_key"].strip())
    except ProblemError:
        return page_of(desk, form["to"], _("This key is not known."), agent_id)
    if not principal.may("desk"):
        return page_of(desk, form["to"], _("This key may not open the desk."), agent_id)
    if not principal.may("admin"):
        agent_id = ""
    elif agent_id and not re.fullmatch(ID_PATTERN, agent_id):
        return page_of(
            desk,
            form["to"],
            _("An agent’s id has letters, digits and . _ : - alone."),
            agent_id,
            of="agent_id",
        )
    session = desk.sessions.by_key(form["api_key"].strip(), agent_id, desk.now)
    answer = desk.go(within(form["to"]))
    keep_session(answer, desk, session)
    if desk.preferences.timezone is None and zone_of(form["timezone"]) is not None:
        _remember(answer, desk, desk.preferences.model_copy(update={"timezone": form["timezone"]}))
    return answer


@router.post("/sign-out")
async def sign_out(desk: Visit, form: Posted) -> Response:
    answer = desk.go("/sign-in", "signed-out")
    answer.delete_cookie(COOKIE, path=ROOT)
    return answer


@router.get("/settings")
async def settings_page(desk: SignedIn) -> HTMLResponse:
    return _settings(desk)


def _settings(desk: Desk, problem: ProblemError | None = None, form: Form | None = None) -> HTMLResponse:
    """``problem``: what came of ``form``."""
    return desk.render(
        "settings.html",
        title=desk.t(_("Settings")),
        problem=problem,
        form=form,
        languages=LANGUAGES,
        language=desk.t.reader.speech.language,
        timezones=sorted(zone_names()),
        timezone=desk.t.reader.where.key,
    )


class Wishes(Frozen):
    """The fields of the form of settings."""

    language: Literal["en", "de", "es"]
    timezone: str
    keys: Literal["on", ""] = ""


@router.post("/settings")
async def save_settings(desk: SignedIn, form: Posted) -> Response:
    """The page again, with what is wrong."""
    try:
        wishes = form.into(Wishes)
        if zone_of(wishes.timezone) is None:
            raise FormError([Fault(_("There is no such time zone."), name="timezone")])
    except ProblemError as problem:
        return _settings(desk, problem, form)
    answer = desk.go("/settings", "saved")
    _remember(answer, desk, Preferences(**{**wishes.model_dump(), "keys": wishes.keys == "on"}))
    return answer


def page_of(
    desk: Desk,
    to: str,
    fault: str | None = None,
    agent_id: str = "",
    status: int | None = None,
    of: str = "api_key",
) -> HTMLResponse:
    """The page for signing in, which says what was wrong before, for catalogues, beside the field ``of``."""
    return desk.render(
        "sign-in.html",
        title=desk.t(_("Sign in")),
        status=status or (200 if fault is None else 403),
        to=to,
        faults={} if fault is None else {of: Line(desk.t(fault))},
        agent_id=agent_id,
        provider=desk.request.app.state.pages.provider is not None,
    )


def within(to: str) -> str:
    """Where one wanted to go, if that is within the desk."""
    inside = re.fullmatch(rf"{ROOT}(/[A-Za-z0-9._~:/?&=%+,@-]*)?", to) is not None
    path = to.removeprefix(ROOT) if inside else ""
    return "" if path.startswith(("//", "/sign-")) else path


def keep_session(answer: Response, desk: Desk, session: Session) -> None:
    """The browser has the session from now on."""
    answer.set_cookie(
        COOKIE,
        desk.sessions.write(session),
        max_age=int((session.expires_at - desk.now).total_seconds()),
        path=ROOT,
        httponly=True,
        samesite="lax",
        secure=desk.secure,
    )


def _remember(answer: Response, desk: Desk, wishes: Preferences) -> None:
    answer.set_cookie(
        PREFERENCES,
        wishes.cookie(),
        max_age=LASTING_S,
        path=ROOT,
        httponly=True,
        samesite="lax",
        secure=desk.secure,
    )
