"""The keys that an issuer publishes (JWKS), fetched when they are needed and kept.

Keys are asked for again after ``FRESH_S``, beside the requests that go on with those that are known. While
the issuer is away those stay good for ``KEPT_S``. A key that is not known is asked for at once, but no more
often than every ``PAUSE_S``, however many tokens name one; all who wait share one question.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping

import jwt
import structlog

from shared.http.problems import ProblemError
from shared.runtime.https import untrusted
from shared.runtime.words import words

FRESH_S = 300.0
"""Seconds after which the keys are asked for anew."""
KEPT_S = 24 * 3600.0
"""Seconds that known keys are good for while the issuer is away."""
PAUSE_S = 5.0
"""Seconds between two questions."""
TIMEOUT_S = 5.0
"""Seconds that the issuer has to answer."""
PUBLIC = frozenset({"RSA", "EC", "OKP"})
"""Kinds of keys that verify and cannot sign."""

log = structlog.get_logger(__name__)


class UnknownKeyError(Exception):
    """The issuer publishes no such key."""


class IssuerKeys:
    """The keys of one issuer, by their ids (``kid``). ``fetch`` blocks: it is called in a thread."""

    def __init__(
        self,
        url: str,
        *,
        trust: ssl.SSLContext | None = None,
        fetch: Callable[[], Mapping[str, jwt.PyJWK]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch if fetch is not None else _fetching(url, trust)
        self._clock = clock
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._known_at = self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> jwt.PyJWK:
        """The key of this id. Raises ``UnknownKeyError``, or 503 ``issuer_unavailable`` where nobody can say
        whether there is one."""
        age = self._clock() - self._known_at
        if kid not in self._keys or age > KEPT_S:
            await self._ask()
        elif age > FRESH_S:
            self._begin()
        if self._clock() - self._known_at > KEPT_S:
            raise issuer_unavailable()
        found = self._keys.get(kid)
        if found is not None:
            return found
        if self._known_at < self._asked_at:
            raise issuer_unavailable()
        raise UnknownKeyError(kid)

    async def _ask(self) -> None:
        """Return when the keys have been asked for; at once where that was less than ``PAUSE_S`` ago."""
        asking = self._begin()
        if asking is not None:
            # Shielded: who hangs up ends no question of others.
            await asyncio.shield(asking)

    def _begin(self) -> "asyncio.Task[None] | None":
        if self._asking is None and self._clock() - self._asked_at >= PAUSE_S:
            self._asking = asyncio.create_task(self._refresh())
        return self._asking

    async def _refresh(self) -> None:
        self._asked_at = self._clock()
        try:
            keys = await asyncio.to_thread(self._fetch)
        except jwt.PyJWTError as error:
            log.warning("issuer_unavailable", error=words(error))
        else:
            self._keys, self._known_at = keys, self._clock()
        finally:
            self._asking = None


def _fetching(url: str, trust: ssl.SSLContext | None) -> Callable[[], Mapping[str, jwt.PyJWK]]:
    client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=TIMEOUT_S, ssl_context=trust)

    def fetch() -> Mapping[str, jwt.PyJWK]:
        try:
            found = client.get_signing_keys()
        except jwt.PyJWKClientConnectionError as error:
            said = untrusted(error, url, "RAPPORT_JWKS_URL")
            raise error if said is None else jwt.PyJWKClientError(said) from None
        except (OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            raise jwt.PyJWKClientError(str(error)) from error
        return {str(key.key_id): key for key in found if key.key_type in PUBLIC}

    return fetch


def issuer_unavailable() -> ProblemError:
    return ProblemError(
        503,
        "issuer_unavailable",
        "The issuer of tokens does not answer, so that nobody's token can be checked. Ask again.",
        headers={"Retry-After": str(int(PAUSE_S))},
    )
