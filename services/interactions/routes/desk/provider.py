"""Signing in with an OpenID provider: there, and back."""

import secrets
from typing import Annotated

import structlog
from fastapi import Query, Response
from fastapi.responses import RedirectResponse
from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import ValidationError

from services.interactions.desk.oidc import (
    Begun,
    NotVouchedError,
    Provider,
    ProviderAwayError,
    known_refusal,
)
from services.interactions.desk.page import Desk, Visit, desk_router
from services.interactions.desk.site import ROOT
from services.interactions.desk.words import _
from services.interactions.routes.desk.session import To, keep_session, page_of, within
from shared.http.problems import ProblemError
from shared.runtime.words import words

log = structlog.get_logger(__name__)
router = desk_router()

BEGUN = "rapport-desk-begun"
PATH = f"{ROOT}/sign-in"
LASTING_S = 600
"""Seconds in which one comes back."""
SALT = "rapport desk oidc 1"
AWAY = _("Your organisation’s sign-in does not answer. Try again.")


@router.get("/sign-in/provider")
async def begin(desk: Visit, to: To = "") -> Response:
    begun = Begun(
        state=secrets.token_urlsafe(24),
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        to=to,
    )
    try:
        where = await _provider(desk).begin(begun, _back(desk))
    except ProviderAwayError as error:
        log.warning("the OpenID provider is away", error=words(error))
        return page_of(desk, to, _("Your organisation’s sign-in does not answer. Try again."), status=503)
    answer = RedirectResponse(where, 303, headers={"Cache-Control": "no-store"})
    answer.set_cookie(
        BEGUN,
        _signer(desk).dumps(begun.model_dump()),
        max_age=LASTING_S,
        path=PATH,
        httponly=True,
        samesite="lax",
        secure=desk.secure,
    )
    return answer


@router.get("/sign-in/back")
async def back(
    desk: Visit,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4_000)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    begun = _begun(desk)
    provider = _provider(desk)
    try:
        if begun is None or not secrets.compare_digest(begun.state.encode(), state.encode()):
            raise NotVouchedError("it was not begun here")
        if error or not code:
            raise NotVouchedError(f"the provider says {known_refusal(error) if error else 'nothing'}")
        vouched = await provider.finish(begun, code, _back(desk))
        if desk.request.app.state.authenticator.reserved(vouched.subject):
            raise NotVouchedError("it has the name of a key")
    except NotVouchedError as fault:
        log.warning("not signed in", why=str(fault)[:300])
        return _forget(page_of(desk, "", _("Signing in did not work. Try again.")))
    except ProviderAwayError as away:
        log.warning("the OpenID provider is away", error=words(away))
        return _forget(page_of(desk, "", AWAY, status=503))
    if "desk" not in vouched.scopes:
        return _forget(page_of(desk, "", _("You may not open the desk. Ask whoever runs it.")))
    session = desk.sessions.by_provider(vouched.subject, vouched.name, vouched.scopes, desk.now)
    answer = desk.go(within(begun.to))
    keep_session(answer, desk, session)
    return _forget(answer)


def _provider(desk: Desk) -> Provider:
    provider: Provider | None = desk.request.app.state.pages.provider
    if provider is None:
        raise ProblemError(404, "not_found")
    return provider


def _back(desk: Desk) -> str:
    """Where the provider sends the browser back to: what is registered there."""
    base = desk.request.app.state.settings.interactions_url or str(desk.request.base_url)
    return f"{base.rstrip('/')}{PATH}/back"


def _begun(desk: Desk) -> Begun | None:
    try:
        told = _signer(desk).loads(desk.request.cookies.get(BEGUN, ""), max_age=LASTING_S)
        return Begun.model_validate(told)
    except (BadSignature, ValidationError):
        return None


def _signer(desk: Desk) -> URLSafeTimedSerializer:
    ring = desk.request.app.state.settings.key_ring
    return URLSafeTimedSerializer([*reversed(ring)], salt=SALT)  # the last signs, each verifies


def _forget(answer: Response) -> Response:
    answer.delete_cookie(BEGUN, path=PATH)
    return answer
