"""One request to the desk: who asks, in which language, and the page that answers. Routes of pages stand in
``routes/desk``; each takes a ``SignedIn`` (or, before that, a ``Visit``) and answers with ``render`` or
``go``."""

import uuid
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, TypeVar, cast
from urllib.parse import parse_qs, quote, urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from services.interactions.desk.faults import not_valid
from services.interactions.desk.preferences import PREFERENCES, Preferences, preferences_of
from services.interactions.desk.refusals import faults_of
from services.interactions.desk.said import said_of
from services.interactions.desk.session import Session, Sessions
from services.interactions.desk.site import HEADERS, ROOT, environment
from services.interactions.desk.words import UTC as UTC_ZONE
from services.interactions.desk.words import Words, _, accepted, shown_to, speech_of
from shared.http.auth import Principal
from shared.http.gone import or_gone
from shared.http.problems import TOLD, ProblemError, from_error
from shared.schemas.zones import zone_of
from shared.templates.speech import Reader

M = TypeVar("M", bound=BaseModel)

COOKIE = "rapport-desk"
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 200
"""Of a form that is read."""
NAV: tuple[tuple[str, str, str, str], ...] = (
    ("queue", "", _("My queue"), "q"),
    ("complaints", "/complaints", _("Complaints"), "c"),
    ("search", "/search", _("Search"), "s"),
    ("duplicates", "/duplicates", _("Duplicates"), "d"),
    ("team", "/team", _("Team"), "t"),
    ("wall", "/wall", _("The wall"), "w"),
    ("me", "/me", _("About me"), "m"),
)
"""The pages that each page leads to: their names, their places under ``/desk``, what they are called, and the
letter that leads there after a ``g``."""


class SignInNeededError(Exception):
    """Nobody has signed in, or the session is over: the browser is sent to sign in."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a form sent; blank fields are as if they were not there."""

    fields: Mapping[str, str]
    lists: Mapping[str, list[str]]

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")

    @property
    def key(self) -> str:
        """The Idempotency-Key that the form was made with: sent twice, it is done once."""
        return self.fields.get("key") or uuid.uuid4().hex

    def into(self, model: type[M], **more: object) -> M:
        """Its fields of the model's names, as that. Raises 422 ``invalid``."""
        given = {name: value for name, value in self.fields.items() if name in model.model_fields}
        try:
            return model.model_validate(given | more)
        except ValidationError as error:
            raise not_valid(error) from None


@dataclass(frozen=True, slots=True)
class Desk:
    """A request to the desk, and what answers it."""

    request: Request
    session: Session
    sessions: Sessions
    t: Words
    preferences: Preferences
    mark: str
    """How far looking for changes had come before anything was read for the answer."""
    principal: Principal | None = None

    @property
    def now(self) -> datetime:
        return self.t.now

    @property
    def agent(self) -> str:
        """The id of the agent whose work it is."""
        return self.session.agent_id or ""

    @property
    def secure(self) -> bool:
        """Whether its cookies go over https alone."""
        return bool(self.request.app.state.pages.secure) or self.request.url.scheme == "https"

    def may(self, scope: str) -> bool:
        return self.principal is not None and self.principal.may(scope)

    def demand(self, scope: str) -> Principal:
        """Who asks, if they may. Raises 403 ``forbidden`` naming the scope."""
        if self.principal is None:
            raise SignInNeededError
        self.principal.demand(scope)
        return self.principal

    def render(
        self,
        template: str,
        *,
        title: str,
        here: str = "",
        status: int = 200,
        problem: ProblemError | None = None,
        form: Form | None = None,
        **shown: object,
    ) -> HTMLResponse:
        """The page made of a template, which sees ``shown`` too. ``here`` is its name in ``NAV``; ``title``
        is in the reader's language already. ``problem``: what came of ``form``, which the page shows again as
        it was sent."""
        told: dict[str, Any] = {
            "desk": self,
            "title": title,
            "here": here,
            "nav": NAV,
            "now": self.now,
            "csrf": self.sessions.token(self.session),
            "said": said_of(self.request.query_params.get("said", ""), self.t),
            "watch": (),
            "problem": problem,
            "sent": {} if form is None else form.fields,
            "faults": faults_of(problem, self.t),
            "new_key": lambda: uuid.uuid4().hex,
            "key_of": partial(key_of, form, problem),
            **shown_to(self.t),
            **shown,
        }
        if not self.may("customers:read"):
            told["watch"] = ()  # ``/live`` is not for them
        html = environment().get_template(template).render(told)
        # Scripts count what is left by the one, and are told what changes from the other on: on a page they
        # are ``data-now`` and ``data-mark``, here for what is swapped into one.
        headers = {**HEADERS, "Desk-Now": self.now.isoformat(), "Desk-Mark": self.mark}
        if problem is not None:
            headers["HX-Push-Url"] = "false"  # where a form goes to is no page
            status = problem.status
        return HTMLResponse(html, status, headers=headers)

    def go(self, path: str, said: str | None = None) -> RedirectResponse:
        """On to another page of the desk (under ``/desk``), which says first what is under ``said``."""
        query = "" if said is None else ("&" if "?" in path else "?") + urlencode({"said": said})
        return RedirectResponse(f"{ROOT}{path}{query}", 303, headers={"Cache-Control": "no-store"})

    def trouble(self, problem: ProblemError) -> HTMLResponse:
        """A page that says what went wrong."""
        template = "trouble.html" if self.principal is not None else "trouble-outside.html"
        return self.render(template, title=self.t(_("That did not work")), problem=problem)


def key_of(form: Form | None, problem: ProblemError | None, of: str) -> str:
    """The Idempotency-Key of a form on the page that shows ``form`` again: its own where nobody knows whether
    it was done, as doing it again would be once too often."""
    unknown = form is not None and problem is not None and problem.status == 503
    return form.key if form is not None and unknown and of and form["of"] == of else uuid.uuid4().hex


async def visit(request: Request) -> Desk:
    """Dependency: the request, whoever asks; somebody who has no session gets one to sign in with."""
    now, mark = datetime.now(UTC), request.app.state.pages.live.mark
    sessions = cast(Sessions, request.app.state.pages.sessions)
    session = sessions.read(request.cookies.get(COOKIE), now) or sessions.visit(now)
    wishes = preferences_of(request.cookies.get(PREFERENCES))
    speech = speech_of((wishes.language, *accepted(request.headers.get("accept-language", ""))))
    where = zone_of(wishes.timezone) or UTC_ZONE
    principal = sessions.principal(session)
    if principal is not None:
        request.state.principal = principal.name
    return Desk(request, session, sessions, Words(Reader(speech, where), now), wishes, mark, principal)


Visit = Annotated[Desk, Depends(visit)]


async def signed_in(desk: Visit) -> Desk:
    """Dependency: the request of somebody who may see the desk. Raises ``SignInNeededError``, 403."""
    if desk.principal is None:
        raise SignInNeededError
    desk.principal.demand("desk")
    clock = desk.request.app.state.clock
    return replace(desk, t=replace(desk.t, now=await clock.now()))


SignedIn = Annotated[Desk, Depends(signed_in)]


async def posted(desk: Visit) -> Form:
    """Dependency: the form, once it is known to be one of this session's own. Raises 403 ``form_expired``,
    415, 422."""
    request = desk.request
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise ProblemError(415, "unsupported_media_type", "A form of this page is expected.")
    body = (await request.body()).decode("utf-8", "replace")
    try:
        lists = parse_qs(body, errors="replace", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise ProblemError(422, "invalid", "The form has too many fields.") from None
    # Browsers end lines of a textarea in CR LF.
    lists = {name: [value.replace("\r\n", "\n") for value in values] for name, values in lists.items()}
    fields = {name: values[-1] for name, values in lists.items() if values[-1].strip()}
    if not desk.sessions.is_token(fields.get("csrf", ""), desk.session) or _from_elsewhere(request):
        raise ProblemError(
            403, "form_expired", "This form is none of your session's: load the page again, then send it."
        )
    return Form(fields, lists)


Posted = Annotated[Form, Depends(posted)]


def _from_elsewhere(request: Request) -> bool:
    """Whether the browser says that another site sent it."""
    return request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


class DeskRoute(APIRoute):
    """Says what went wrong by a page, and sends who is not signed in to do so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        original = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await original(request)
            except SignInNeededError:
                return _to_sign_in(request)
            except TOLD as error:
                problem = await or_gone(request, from_error(error))
                page = (await visit(request)).trouble(problem)
                page.headers.update(problem.headers if problem.status == 503 else {})
                return page

        return answer


def _to_sign_in(request: Request) -> Response:
    path = request.url.path if request.method == "GET" else ROOT
    query = f"?{request.url.query}" if request.method == "GET" and request.url.query else ""
    target = f"{ROOT}/sign-in?to={quote(path + query, safe='')}"
    if request.headers.get("hx-request"):  # a part of a page: the whole page goes there
        return Response(status_code=204, headers={"HX-Redirect": target})
    return RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})


def desk_router() -> APIRouter:
    """For a page's routes, which begin with ``/desk``; OpenAPI does not tell of pages."""
    return APIRouter(
        prefix=ROOT,
        route_class=DeskRoute,
        default_response_class=HTMLResponse,
        include_in_schema=False,
    )
