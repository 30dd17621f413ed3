"""Who calls, and what they may do: API keys and bearer JWTs, both with scopes.

A route asks with ``principal: Annotated[Principal, Depends(require("loyalty:redeem"))]``. Scopes are
independent: ``admin`` allows what asks for ``admin`` and implies none of the others. The one key in
``RAPPORT_API_KEY`` has them all; keys in ``RAPPORT_API_KEYS`` and tokens have those they list.
"""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.http import HTTPBase

from shared.http import audit
from shared.http.budgets import Budgets
from shared.http.jwks import IssuerKeys
from shared.http.keys import ApiKeys, full_types
from shared.http.problems import ProblemError
from shared.http.tokens import BadTokenError, Tokens
from shared.runtime.access import API_KEY_NAME, SCOPES, AccessSettings
from shared.runtime.telemetry import RATE_LIMITED

REALM = 'Bearer realm="rapport"'
BASIC = 'Basic realm="Rapport", charset="UTF-8"'

_key_header = APIKeyHeader(
    name="X-API-Key", scheme_name="apiKey", description="A key of this installation.", auto_error=False
)
_bearer = HTTPBearer(
    scheme_name="bearer",
    bearerFormat="JWT",
    description="A JWT: `sub`, `exp`, and `scope` (a list, or a string with spaces between).",
    auto_error=False,
)
_basic = HTTPBase(
    scheme="basic",
    scheme_name="basic",
    description="For browsers: an API key as the password, of any user.",
    auto_error=False,
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. ``name`` is part of a command's source, so it scopes idempotency keys too. ``sources`` and
    ``types``: patterns of the events that it may write; None: any."""

    name: str
    scopes: frozenset[str] = frozenset()
    sources: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None

    def may(self, scope: str) -> bool:
        return scope in self.scopes

    def demand(self, scope: str) -> None:
        """Raises 403 ``forbidden`` naming the scope: for what only part of a route needs."""
        if scope not in self.scopes:
            raise forbidden(scope)


def unauthenticated(detail: str, *, challenge: str = REALM) -> ProblemError:
    return ProblemError(401, "unauthenticated", detail, headers={"WWW-Authenticate": challenge})


def forbidden(scope: str) -> ProblemError:
    challenge = f'{REALM}, error="insufficient_scope", scope="{scope}"'
    return ProblemError(
        403, "forbidden", f"This needs the scope {scope}.", headers={"WWW-Authenticate": challenge}
    )


class Authenticator:
    """Checks credentials against the settings."""

    def __init__(
        self,
        settings: AccessSettings,
        *,
        issuer_keys: IssuerKeys | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._keys = ApiKeys(settings)
        self._tokens = Tokens(settings, issuer_keys)
        self._clock = clock

    @property
    def configured(self) -> bool:
        """Whether anybody at all can be let in."""
        return bool(self._keys.named or self._tokens.accepted)

    def api_key(self, key: str) -> Principal:
        """The principal of a key. Raises 401."""
        name = self._keys.name_of(key)
        if name is None:
            raise unauthenticated("The API key is not known.")
        principal = self.named(name)
        if principal is None:
            raise unauthenticated("The API key has expired.")
        return principal

    def named(self, name: str) -> Principal | None:
        """The principal whose key has this name and has not expired: for sessions that a key has begun."""
        named = self._keys.in_force(name, self._clock())
        if named is None:
            return None
        return Principal(name, named.scopes, named.sources, full_types(named.types))

    def key_hashes(self, name: str) -> tuple[bytes, ...]:
        """SHA-256 of the keys of this name: two while one takes the other's place."""
        named = self._keys.named.get(name)
        return () if named is None else tuple(bytes.fromhex(one) for one in named.key_sha256)

    def reserved(self, name: str) -> bool:
        """Whether it is a key's name, which nobody else may have."""
        return name == API_KEY_NAME or name in self._keys.named

    async def token(self, token: str) -> Principal:
        """The principal of a JWT. Raises 401 with what is wrong with it, or 503 ``issuer_unavailable``."""
        try:
            claims = await self._tokens.claims(token)
        except BadTokenError as bad:
            raise _bad_token(str(bad)) from None
        if self.reserved(claims.subject):
            raise _bad_token("its sub cannot be used here")
        return Principal(claims.subject, claims.scopes)


def _bad_token(reason: str) -> ProblemError:
    return unauthenticated(f"The token is not valid: {reason}.", challenge=f'{REALM}, error="invalid_token"')


async def authenticated(
    request: Request,
    key: Annotated[str | None, Security(_key_header)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Principal:
    """Dependency: any known principal, whatever its scopes. Raises 401 ``unauthenticated``."""
    authenticator: Authenticator = request.app.state.authenticator
    if key:
        principal = authenticator.api_key(key)
    elif bearer is not None:
        principal = await authenticator.token(bearer.credentials)
    else:
        raise unauthenticated("Show an X-API-Key header, or a bearer token.")
    return _let_in(request, principal)


async def in_browser(
    request: Request,
    key: Annotated[str | None, Security(_key_header)],
    shown: Annotated[HTTPAuthorizationCredentials | None, Security(_basic)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Principal:
    """Dependency for pages: as ``authenticated``, or HTTP Basic with an API key as the password, which a
    browser asks for by itself and sends to this origin alone; the user name does not matter. Raises 401."""
    authenticator: Authenticator = request.app.state.authenticator
    try:
        if shown is not None and shown.scheme.lower() == "basic":
            _, _, password = base64.b64decode(shown.credentials, validate=True).decode().partition(":")
            principal = authenticator.api_key(password)
        elif bearer is not None:
            principal = await authenticator.token(bearer.credentials)
        elif key:
            principal = authenticator.api_key(key)
        else:
            raise unauthenticated("Give an API key as the password.")
    except (ValueError, ProblemError) as error:
        if isinstance(error, ProblemError) and error.status != 401:
            raise
        raise unauthenticated("Give an API key as the password.", challenge=BASIC) from None
    return _let_in(request, principal)


def _let_in(request: Request, principal: Principal) -> Principal:
    """Who calls is known: for the log, and to their budget. Raises 429 ``rate_limited``."""
    request.state.principal = principal.name
    budgets: Budgets = request.app.state.budgets
    try:
        budgets.take(principal.name)
    except ProblemError:
        authenticator: Authenticator = request.app.state.authenticator
        # A token's subject may be anything, and each would be a time series for ever.
        name = principal.name if authenticator.reserved(principal.name) else "token"
        RATE_LIMITED.labels(request.app.state.service, name).inc()
        raise
    return principal


def require(*scopes: str) -> Callable[..., Awaitable[Principal]]:
    """Dependency: a principal with all of these scopes. Raises 401, or 403 ``forbidden`` naming the scope."""
    unknown = set(scopes) - SCOPES
    if unknown:
        raise ValueError(f"no such scope: {', '.join(sorted(unknown))}")

    async def allowed(
        request: Request, principal: Annotated[Principal, Security(authenticated, scopes=scopes)]
    ) -> Principal:
        if "admin" in scopes:
            audit.note(request)
        if "customers:read" in scopes:
            audit.listed(request)
        for scope in scopes:
            principal.demand(scope)
        return principal

    return allowed


def page_for(scope: str) -> Callable[..., Awaitable[Principal]]:
    """Dependency for pages: a principal ``in_browser`` with this scope. Raises 401, or 403 naming it."""
    if scope not in SCOPES:
        raise ValueError(f"no such scope: {scope}")

    async def allowed(principal: Annotated[Principal, Depends(in_browser)]) -> Principal:
        principal.demand(scope)
        return principal

    return allowed
