"""HTTPS to what others run: an identity provider, a webhook's service, the other services' APIs."""

import ssl
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from shared.runtime.environment import PREFIX, Environment
from shared.runtime.refusal import distrust, theirs
from shared.runtime.transport import Authorities

VARIABLE = f"{PREFIX}HTTPS"


class HttpsSettings(Environment):
    """Whose certificates are taken."""

    https_ca: Authorities | None = None
    """Who signs the certificates of what is asked by HTTPS (PEM), beside those that the system trusts: of an
    identity provider, a webhook's service, the other services' APIs."""

    @property
    def https_trust(self) -> ssl.SSLContext:
        """For a client: certificates are verified, names too."""
        return trusting(self.https_ca)


@cache
def trusting(ca: Path | None) -> ssl.SSLContext:
    """Made once: reading what the system trusts takes long. A process takes a new file when it starts."""
    context = ssl.create_default_context()
    if ca is not None:
        context.load_verify_locations(cafile=str(ca))
    return context


def untrusted(error: BaseException, url: str, variable: str) -> str | None:
    """A sentence about the certificate that was shown at ``url``, where the error is of it. ``variable``
    names the server. Of the URL only the server is told: what follows may be a secret."""
    why = distrust(str(error))
    return None if why is None else theirs("https", why, server(url), VARIABLE, variable).sentence


def server(url: str) -> str:
    """``login.example:443``, without what may be secret in the rest."""
    host, port = place(url)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def place(url: str) -> tuple[str, int]:
    """Host and port."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
