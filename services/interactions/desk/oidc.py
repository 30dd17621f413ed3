"""Signing in with an OpenID provider: authorization code with PKCE; its keys verify its ID tokens."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from pydantic import ValidationError

from services.interactions.settings import InteractionsSettings
from shared.runtime.https import untrusted
from shared.schemas.base import Frozen

ALGORITHMS = ("RS256", "ES256", "PS256")
LEEWAY_S = 30
"""Seconds that the provider's clock may be off."""
TIMEOUT_S = 5.0
FRESH_S = 3_600.0
"""So long what the provider says of itself is not asked for again."""
EVERYBODY = "*"


REFUSALS = frozenset(
    (
        *("access_denied", "account_selection_required", "consent_required", "interaction_required"),
        *("invalid_client", "invalid_grant", "invalid_request", "invalid_scope", "login_required"),
        *("server_error", "temporarily_unavailable", "unauthorized_client", "unsupported_grant_type"),
        "unsupported_response_type",
    )
)
"""What a provider may say instead of yes (RFC 6749, OpenID Connect Core 3.1.2.6)."""


def known_refusal(said: str) -> str:
    """For the log: anybody may call the address that a browser is sent back to, and say anything there."""
    return said if said in REFUSALS else "something else"


class ProviderAwayError(Exception):
    """The provider does not answer, or not as one: try again later."""


class NotVouchedError(Exception):
    """What came back is no good: sign in anew. The text says why, for the log."""


class Ways(Frozen):
    """What a provider says of itself (``/.well-known/openid-configuration``)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class Begun(Frozen):
    """What has to come back with the answer; kept in a cookie until then."""

    state: str
    nonce: str
    verifier: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for."""

    subject: str
    name: str
    scopes: frozenset[str]


class Provider:
    """Settings name one; raises ``ProviderAwayError``."""

    def __init__(self, settings: InteractionsSettings) -> None:
        assert settings.oidc_issuer is not None
        assert settings.oidc_client_id is not None
        assert settings.oidc_client_secret is not None
        self._issuer = settings.oidc_issuer.rstrip("/")
        self._client_id = settings.oidc_client_id
        self._secret = settings.oidc_client_secret.get_secret_value()
        self._trust = settings.https_trust
        self._claim, self._groups = settings.oidc_groups_claim, settings.oidc_groups
        self._ways: Ways | None = None
        self._asked = 0.0
        self._keys: jwt.PyJWKSet | None = None

    async def begin(self, begun: Begun, redirect_uri: str) -> str:
        """Where the browser is sent."""
        ways = await self._find()
        async with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                ways.authorization_endpoint,
                state=begun.state,
                nonce=begun.nonce,
                code_verifier=begun.verifier,
            )
        return str(url)

    async def finish(self, begun: Begun, code: str, redirect_uri: str) -> Vouched:
        """Who comes back with a code. Raises ``NotVouchedError``."""
        ways = await self._find()
        try:
            async with self._client(redirect_uri) as client:
                token: Mapping[str, Any] = await client.fetch_token(
                    ways.token_endpoint, code=code, code_verifier=begun.verifier
                )
        except AuthlibBaseError as error:
            raise NotVouchedError(f"the code is refused: {known_refusal(error.error)}") from None
        except (httpx.HTTPError, ValueError) as error:
            raise _away(ways.token_endpoint, error) from error
        claims = await self._claims(ways, str(token.get("id_token", "")))
        if claims.get("nonce") != begun.nonce:
            raise NotVouchedError("the nonce is another")
        groups = claims.get(self._claim)
        named = {one for one in groups if isinstance(one, str)} if isinstance(groups, list) else set()
        scopes = frozenset().union(*(self._groups.get(group, ()) for group in (*named, EVERYBODY)))
        name = claims.get("name") or claims.get("preferred_username") or claims["sub"]
        return Vouched(str(claims["sub"]), str(name)[:128], scopes)

    def _client(self, redirect_uri: str) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self._client_id,
            self._secret,
            scope="openid profile",
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
            verify=self._trust,
        )

    async def _find(self) -> Ways:
        if self._ways is None or time.monotonic() - self._asked > FRESH_S:
            told = await self._get(f"{self._issuer}/.well-known/openid-configuration")
            try:
                ways = Ways.model_validate(told)
            except ValidationError as error:
                raise ProviderAwayError("it does not say where to sign in") from error
            if ways.issuer.rstrip("/") != self._issuer:
                raise ProviderAwayError(f"it calls itself {ways.issuer}")
            self._ways, self._keys, self._asked = ways, None, time.monotonic()
        return self._ways

    async def _claims(self, ways: Ways, token: str) -> dict[str, Any]:
        """Of an ID token. Raises ``NotVouchedError``."""
        try:
            key = await self._key(ways, str(jwt.get_unverified_header(token).get("kid", "")))
            return jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._client_id,
                issuer=ways.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
        except jwt.PyJWTError as error:
            raise NotVouchedError(f"the ID token is not valid: {error}") from None

    async def _key(self, ways: Ways, kid: str) -> jwt.PyJWK:
        """The provider's key of this id; a new one is asked for once. Without an id, its only key."""
        for known in (self._keys, None):
            self._keys = known or jwt.PyJWKSet.from_dict(await self._get(ways.jwks_uri))
            found = [one for one in self._keys.keys if kid in ("", one.key_id)]
            if len(found) == 1:
                return found[0]
        raise NotVouchedError("the ID token is signed with a key that the provider does not have")

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S, verify=self._trust) as client:
                answer = await client.get(url)
                answer.raise_for_status()
                found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _away(url, error) from error
        return found


def _away(url: str, error: Exception) -> ProviderAwayError:
    return ProviderAwayError(untrusted(error, url, "RAPPORT_OIDC_ISSUER") or f"{url}: {error}")
