"""Tokens for OAUTHBEARER by client credentials (RFC 6749, 4.4), for clients that cannot ask for them."""

import http.client
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import monotonic

from pydantic import SecretStr

ANSWER_SECONDS = 10.0
FRESH_SHARE = 0.8
"""Of a token's life: then the next is asked for."""
USUAL_SECONDS = 300.0
"""Of a token whose life is not told."""


class TokenRefusedError(Exception):
    """The token endpoint gave none; ``str()`` says why, and shows no secret."""


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where tokens come from."""

    url: str
    client_id: str
    secret: SecretStr
    scope: str | None = None
    ca: Path | None = None


class Tokens:
    """The token of now, kept until it is to be renewed. May be asked in any thread."""

    def __init__(self, endpoint: TokenEndpoint) -> None:
        self._endpoint = endpoint
        self._lock = Lock()
        self._token = ""
        self._until = 0.0

    def token(self) -> str:
        """Asks the endpoint where need be, for ``ANSWER_SECONDS`` at most. Raises ``TokenRefusedError``."""
        with self._lock:
            if monotonic() >= self._until:
                asked = monotonic()
                self._token, lasts = _asked(self._endpoint)
                self._until = asked + FRESH_SHARE * lasts
            return self._token


def _asked(endpoint: TokenEndpoint) -> tuple[str, float]:
    """A token, and for how many seconds it is good."""
    fields = {
        "grant_type": "client_credentials",
        "client_id": endpoint.client_id,
        "client_secret": endpoint.secret.get_secret_value(),
    }
    if endpoint.scope is not None:
        fields["scope"] = endpoint.scope
    request = urllib.request.Request(endpoint.url, urllib.parse.urlencode(fields).encode())
    request.add_header("Accept", "application/json")
    context = ssl.create_default_context(cafile=None if endpoint.ca is None else str(endpoint.ca))
    try:
        # The settings take no URL but https and http.
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS, context=context) as answer:  # nosec B310
            said = json.loads(answer.read())
        return str(said["access_token"]), float(said.get("expires_in", USUAL_SECONDS))
    except urllib.error.HTTPError as error:
        with error:
            raise TokenRefusedError(f"{endpoint.url} answered {error.code}") from None
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        why = getattr(error, "reason", None) or type(error).__name__
        raise TokenRefusedError(f"{endpoint.url} gave no token ({why})") from None
