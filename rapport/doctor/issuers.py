"""Who signs callers' tokens, and whom the desk signs in by: do they answer, and with what is needed."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import httpx

from rapport.connections import read
from rapport.doctor import certificates
from rapport.doctor.finding import Finding
from shared.runtime.https import VARIABLE, HttpsSettings, place, untrusted

SECONDS = 5.0
KEYS, PROVIDER, WEBHOOK = "RAPPORT_JWKS_URL", "RAPPORT_OIDC_ISSUER", "RAPPORT_WEBHOOK_URL"
DISCOVERY = "/.well-known/openid-configuration"


def look(environ: Mapping[str, str]) -> list[Finding]:
    """Those that are named; asked as the APIs ask them. Of the webhook's service, which nothing is posted to,
    the certificate alone. Raises TroubleError."""
    settings = read(HttpsSettings, environ)
    found = _certificates(settings, environ)
    with httpx.Client(timeout=SECONDS, verify=settings.https_trust) as client:
        for variable, behind, judge in ((KEYS, "", keys), (PROVIDER, DISCOVERY, provider)):
            named = environ.get(variable, "").rstrip("/")
            found.append(_asked(client, variable, named, behind, judge))
    return found


def _certificates(settings: HttpsSettings, environ: Mapping[str, str]) -> list[Finding]:
    """How long they are good for."""
    found = certificates.files([(f"{VARIABLE}_CA", settings.https_ca)])
    for variable in (KEYS, PROVIDER, WEBHOOK):
        url = environ.get(variable, "")
        if not url.startswith("https://"):
            continue
        with suppress(ValueError):  # what is no URL is told where it is asked
            found += certificates.shown("https", [place(url)], settings.https_trust, VARIABLE, variable)
    return found


def _asked(
    client: httpx.Client, variable: str, named: str, behind: str, judge: Callable[[str, Any], Finding]
) -> Finding:
    if not named:
        return Finding("tokens", variable, "skipped", "it is not set")
    try:
        answer = client.get(named + behind)
        answer.raise_for_status()
        told = answer.json()
    except httpx.HTTPStatusError as error:
        said = f"{named}{behind} answers {error.response.status_code}"
        return Finding("tokens", variable, "bad", said, f"correct {variable}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        if distrust := untrusted(error, named, variable):
            return Finding("tokens", variable, "bad", distrust)
        said = f"no answer at {named} ({type(error).__name__}: {error})"[:300]
        return Finding("tokens", variable, "bad", said, f"correct {variable}, or open the way to it")
    except ValueError:
        return Finding("tokens", variable, "bad", f"{named}{behind} is no JSON", f"correct {variable}")
    return judge(named, told)


def keys(url: str, told: Any) -> Finding:
    """Of what is published there."""
    published = told.get("keys") if isinstance(told, dict) else None
    if not (isinstance(published, list) and published):
        return Finding("tokens", KEYS, "bad", f"{url} publishes no keys", f"correct {KEYS}")
    return Finding("tokens", KEYS, "ok", f"{len(published)} keys published")


def provider(issuer: str, told: Any) -> Finding:
    """Of what the provider says of itself."""
    named = told.get("issuer") if isinstance(told, dict) else None
    if str(named).rstrip("/") != issuer:
        do = f"set {PROVIDER} to what it calls itself"
        return Finding("tokens", PROVIDER, "bad", f"{issuer} calls itself {named}"[:300], do)
    return Finding("tokens", PROVIDER, "ok", "it answers")
