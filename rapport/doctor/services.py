"""The services' APIs: do they answer, are they ready, and which version runs there."""

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx

from rapport.client import url_variable
from rapport.connections import read
from rapport.doctor.finding import Finding
from shared.runtime.https import HttpsSettings, untrusted
from shared.runtime.version import VERSION
from shared.schemas.services import SERVICES

SECONDS = 5.0
_VERSION = re.compile(r'^rapport_build_info\{[^}]*version="([^"]+)"[^}]*\} 1', re.M)


def look(env: Mapping[str, str]) -> list[Finding]:
    """Those whose URL is known."""
    found = []
    with httpx.Client(timeout=SECONDS, verify=read(HttpsSettings, env).https_trust) as client:
        for service in SERVICES:
            url = env.get(url_variable(service))
            if not url:
                said = f"{url_variable(service)} is not set"
                found.append(Finding("services", f"{service} API", "skipped", said))
                continue
            try:
                ready = client.get(f"{url.rstrip('/')}/readyz")
                metrics = client.get(f"{url.rstrip('/')}/metrics")
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                distrust = untrusted(error, url, url_variable(service))
                said = distrust or f"no answer at {url} ({type(error).__name__})"
                do = "" if distrust else f"start it, or correct {url_variable(service)}"
                found.append(Finding("services", f"{service} API", "bad", said, do))
            else:
                runs = _VERSION.search(metrics.text)
                version = runs[1] if runs else None
                found.append(judged(service, ready.status_code, ready.text, version, VERSION))
    return found


def judged(service: str, status: int, body: str, runs: str | None, here: str) -> Finding:
    """``status`` and ``body`` of ``/readyz``; the version that runs there, and the one of this command."""
    name = f"{service} API"
    if status != 200:
        do = "see what is said of the broker and the store"
        return Finding("services", name, "bad", f"not ready: {_why(body)}", do)
    if runs is None:
        do = "see whether its URL names a service of Rapport"
        return Finding("services", name, "warn", "ready, but it does not tell its version", do)
    if runs != here:
        do = "bring services and this command to the same version, workers first"
        return Finding("services", name, "warn", f"ready; version {runs}, here it is {here}", do)
    return Finding("services", name, "ok", f"ready; version {runs}")


def _why(body: str) -> str:
    try:
        said: Any = json.loads(body)
        return str(said["detail"])[:200]
    except (ValueError, KeyError, TypeError):
        return body[:200]
