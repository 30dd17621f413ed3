"""Who calls, and what they may do: API keys and bearer JWTs, both with scopes.

A route asks with ``principal: Annotated[Principal, Depends(require("loyalty:redeem"))]``. Scopes are
independent: ``admin`` allows what asks for ``admin`` and implies none of the others. The one key in
``RAPPORT_API_KEY`` has them all; keys in ``RAPPORT_API_KEYS`` and tokens have those they list.
"""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import jwt
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.http import HTTPBase

from shared.http.problems import ProblemError
from shared.runtime.settings import Settings, algorithm_of

SCOPES = frozenset(
    {
        "events:write",
        "customers:read",
        "complaints:write",
        "complaints:approve",
        "desk",
        "loyalty:redeem",
        "outreach:write",
        "metrics:read",
        "admin",
    }
)
API_KEY_NAME = "api-key"
"""The principal of ``RAPPORT_API_KEY``."""
REALM = 'Bearer realm="rapport"'
BASIC = 'Basic realm="Rapport", charset="UTF-8"'
LEEWAY_S = 10
"""Seconds that the issuer's clock may be off."""

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
    """Who calls. ``name`` is part of a command's source, so it scopes idempotency keys too."""

    name: str
    scopes: frozenset[str] = frozenset()

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
    """Checks credentials against the settings; holds hashes of keys, not keys."""

    def __init__(self, settings: Settings) -> None:
        self._keys: list[tuple[bytes, Principal]] = []
        if settings.api_key is not None:
            key = hashlib.sha256(settings.api_key.get_secret_value().encode()).digest()
            self._keys.append((key, Principal(API_KEY_NAME, SCOPES)))
        for name, named in settings.api_keys.items():
            self._keys.append((bytes.fromhex(named.key_sha256), Principal(name, named.scopes)))
        self._reserved = {API_KEY_NAME, *settings.api_keys}
        self._secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
        self._public_key = settings.jwt_public_key
        self._public_algorithm = algorithm_of(self._public_key) if self._public_key else None
        self._audience = settings.jwt_audience
        self._issuer = settings.jwt_issuer

    @property
    def configured(self) -> bool:
        """Whether anybody at all can be let in."""
        return bool(self._keys or self._secret or self._public_key)

    def api_key(self, key: str) -> Principal:
        """The principal of a key. Raises 401."""
        given = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        found: Principal | None = None
        # Every key is compared, each in constant time: time tells nothing about which came close.
        for known, principal in self._keys:
            if hmac.compare_digest(known, given) and found is None:
                found = principal
        if found is None:
            raise unauthenticated("The API key is not known.")
        return found

    def named(self, name: str) -> Principal | None:
        """The principal whose key has this name: for sessions that a key has begun."""
        return next((principal for _, principal in self._keys if principal.name == name), None)

    def key_hash(self, name: str) -> bytes | None:
        """SHA-256 of the key of this name."""
        return next((key for key, principal in self._keys if principal.name == name), None)

    def reserved(self, name: str) -> bool:
        """Whether it is a key's name, which nobody else may have."""
        return name in self._reserved

    def token(self, token: str) -> Principal:
        """The principal of a JWT. Raises 401 with what is wrong with it."""
        try:
            # The header only chooses among what is configured: the key and the algorithms it is good
            # for go together, so that a public key can never be used as an HMAC secret.
            algorithm = str(jwt.get_unverified_header(token).get("alg"))
            key, algorithms = self._verifier(algorithm)
            claims = jwt.decode(
                token,
                key,
                algorithms=algorithms,
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "sub"], "verify_aud": self._audience is not None},
            )
        except jwt.PyJWTError as error:
            raise _bad_token(str(error)) from None
        subject = claims["sub"]
        if not subject or len(subject) > 256 or subject in self._reserved:
            raise _bad_token("its sub cannot be used here")
        return Principal(subject, frozenset(_scopes(claims.get("scope"))))

    def _verifier(self, algorithm: str) -> tuple[str, list[str]]:
        if self._secret is not None and algorithm == "HS256":
            return self._secret, ["HS256"]
        if self._public_key is not None and algorithm == self._public_algorithm:
            return self._public_key, [algorithm]
        raise jwt.InvalidAlgorithmError(f"the algorithm {algorithm[:16]!r} is not accepted")


def _scopes(claim: Any) -> Iterable[str]:
    if isinstance(claim, str):
        return claim.split()
    if isinstance(claim, list):
        return (scope for scope in claim if isinstance(scope, str))
    return ()


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
        principal = authenticator.token(bearer.credentials)
    else:
        raise unauthenticated("Show an X-API-Key header, or a bearer token.")
    request.state.principal = principal.name
    return principal


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
            principal = authenticator.token(bearer.credentials)
        elif key:
            principal = authenticator.api_key(key)
        else:
            raise unauthenticated("Give an API key as the password.")
    except (ValueError, ProblemError):
        raise unauthenticated("Give an API key as the password.", challenge=BASIC) from None
    request.state.principal = principal.name
    return principal


def require(*scopes: str) -> Callable[..., Awaitable[Principal]]:
    """Dependency: a principal with all of these scopes. Raises 401, or 403 ``forbidden`` naming the scope."""
    unknown = set(scopes) - SCOPES
    if unknown:
        raise ValueError(f"no such scope: {', '.join(sorted(unknown))}")

    async def allowed(principal: Annotated[Principal, Security(authenticated, scopes=scopes)]) -> Principal:
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
