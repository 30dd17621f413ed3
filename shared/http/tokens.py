"""Bearer JWTs: whose signature, for whom, until when. What they allow is said by their ``scope``."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jwt

from shared.http.jwks import IssuerKeys, UnknownKeyError
from shared.runtime.access import AccessSettings, algorithm_of

LEEWAY_S = 10
"""Seconds that the issuer's clock may be off."""


class BadTokenError(Exception):
    """It lets nobody in; the text says why, to its bearer."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token that is good says."""

    subject: str
    scopes: frozenset[str]


class Tokens:
    """Verifies tokens by the settings. The header only chooses among what is configured: a key and the
    algorithms that it is good for go together, so that a public key can never be used as an HMAC secret."""

    def __init__(self, settings: AccessSettings, issuer_keys: IssuerKeys | None = None) -> None:
        self._secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
        self._public_key = settings.jwt_public_key
        self._public_algorithm = algorithm_of(self._public_key) if self._public_key else None
        self._audience = settings.jwt_audience
        self._issuer = settings.jwt_issuer
        self._algorithms = settings.jwks_algorithms
        if issuer_keys is None and settings.jwks_url is not None:
            issuer_keys = IssuerKeys(settings.jwks_url, trust=settings.https_trust)
        self._issuer_keys = issuer_keys

    @property
    def accepted(self) -> bool:
        """Whether any can be good."""
        return bool(self._secret or self._public_key or self._issuer_keys)

    async def claims(self, token: str) -> Claims:
        """Raises ``BadTokenError``, or 503 ``issuer_unavailable``."""
        try:
            header = jwt.get_unverified_header(token)
            key, algorithms = await self._verifier(str(header.get("alg")), header.get("kid"))
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
            raise BadTokenError(str(error)) from None
        subject = claims["sub"]
        if not subject or len(subject) > 256:
            raise BadTokenError("its sub cannot be used here")
        return Claims(subject, frozenset(_scopes(claims.get("scope"))))

    async def _verifier(self, algorithm: str, kid: Any) -> tuple[str | jwt.PyJWK, list[str]]:
        if self._secret is not None and algorithm == "HS256":
            return self._secret, ["HS256"]
        own = self._public_key if algorithm == self._public_algorithm else None
        if self._issuer_keys is not None and algorithm in self._algorithms and isinstance(kid, str):
            try:
                key = await self._issuer_keys.key(kid)
            except UnknownKeyError:
                if own is None:
                    raise jwt.InvalidKeyError("its issuer publishes no such key") from None
            else:
                if key.algorithm_name != algorithm:
                    raise jwt.InvalidAlgorithmError(f"its key is for {key.algorithm_name}")
                return key, [algorithm]
        if own is not None:
            return own, [algorithm]
        raise jwt.InvalidAlgorithmError(f"the algorithm {algorithm[:16]!r} is not accepted")


def _scopes(claim: Any) -> Iterable[str]:
    if isinstance(claim, str):
        return claim.split()
    if isinstance(claim, list):
        return (scope for scope in claim if isinstance(scope, str))
    return ()
