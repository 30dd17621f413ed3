"""All that is looked at, together: each part in a thread, since what is away takes its time."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from rapport import connections
from rapport.client import url_variable
from rapport.doctor import brokers, issuers, mail, services, store
from rapport.doctor.finding import Finding
from rapport.embedded.stack import partitions
from rapport.erasures.key import told
from rapport.home import Home, read_env
from rapport.report.mail import settings_of
from rapport.trouble import TroubleError
from shared.schemas.services import SERVICES

PARTS = ("broker", "topics", "store", "clocks", "mail", "certificates", "tokens", "services")
"""In the order in which they are told."""


def examine(environ: Mapping[str, str] | None = None) -> list[Finding]:
    """By the variables of this process, else those of the stack that runs in this home."""
    environ = dict(os.environ if environ is None else environ)
    running = read_env(Home.find(environ))
    looks: dict[str, Callable[[], Sequence[Finding]]] = {
        "broker": lambda: _broker(environ),
        "store": lambda: _store(environ),
        "mail": lambda: _mail(environ, running),
        "tokens": lambda: issuers.look(environ),
        "services": lambda: services.look(_urls(environ, running)),
    }
    with ThreadPoolExecutor(len(looks)) as pool:
        waited = {part: pool.submit(_told, part, look) for part, look in looks.items()}
        found = [finding for part in waited.values() for finding in part.result()]
    return sorted(found, key=lambda finding: PARTS.index(finding.part))


def _told(part: str, look: Callable[[], Sequence[Finding]]) -> Sequence[Finding]:
    try:
        return look()
    except TroubleError as trouble:  # of its settings
        return [Finding(part, "settings", "bad", str(trouble))]
    except Exception as error:  # what nobody foresaw of one part must not hide what is known of the others
        said = f"could not be looked at: {type(error).__name__}: {error}"
        return [Finding(part, part, "bad", said, "report this as a fault of rapport doctor")]


def _broker(environ: Mapping[str, str]) -> list[Finding]:
    asked = partitions(environ) if environ.get("RAPPORT_PARTITIONS") else None
    return brokers.look(connections.brokers(environ), asked)


def _store(environ: Mapping[str, str]) -> list[Finding]:
    return store.look(connections.store(environ), told(connections.store_environ(environ), environ))


def _mail(environ: Mapping[str, str], running: Mapping[str, str]) -> list[Finding]:
    known = next((env for env in (environ, running) if env.get("RAPPORT_SMTP_HOST")), None)
    if known is None:
        return [Finding("mail", "mail server", "skipped", "RAPPORT_SMTP_HOST is not set")]
    return mail.look(settings_of(known))


def _urls(environ: Mapping[str, str], running: Mapping[str, str]) -> Mapping[str, str]:
    named = any(environ.get(url_variable(service)) for service in SERVICES)
    return environ if named else running
