"""How many days certificates have left: those that the other sides show, and our own files."""

import ssl
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from socket import create_connection

from rapport.doctor.finding import Finding, State
from shared.runtime import pem
from shared.runtime.refusal import PROBE_SECONDS, theirs

WARN_DAYS, BAD_DAYS = 30, 7


def judged(name: str, ends: datetime, now: datetime) -> Finding:
    """Of a certificate that is good until then."""
    days = (ends - now).total_seconds() / 86_400
    if days <= 0:
        said = f"expired at {ends:%Y-%m-%d %H:%M} UTC"
    else:
        said = f"{int(days)} day{'' if int(days) == 1 else 's'} left, until {ends:%Y-%m-%d}"
    state: State = "ok" if days > WARN_DAYS else "warn" if days > BAD_DAYS else "bad"
    return Finding("certificates", name, state, said, "" if state == "ok" else "renew it")


def shown(
    part: str,
    hosts: Iterable[tuple[str, int]],
    trust: ssl.SSLContext,
    variable: str,
    address: str | None = None,
) -> list[Finding]:
    """Of servers that speak TLS from the first byte. ``variable``: the beginning of the settings' names;
    ``address``: the one that names the server, where that is another."""
    found = []
    for host, port in hosts:
        where = f"{host}:{port}"
        try:
            ends = _shown_until(host, port, trust)
        except ssl.SSLCertVerificationError as error:
            refusal = theirs(part, str(error.verify_message).rstrip("."), where, variable, address)
            found.append(Finding("certificates", where, "bad", refusal.sentence))
        except (OSError, ValueError) as error:
            said = f"no TLS there ({type(error).__name__})"
            found.append(Finding("certificates", where, "skipped", said))
        else:
            found.append(judged(where, ends, datetime.now(UTC)))
    return found


def by(ca: Path | None, certificate: Path | None, key: Path | None = None) -> ssl.SSLContext:
    """By whom servers are trusted, and what is shown to them: our certificate, and its key."""
    context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


def _shown_until(host: str, port: int, trust: ssl.SSLContext) -> datetime:
    with (
        closing(create_connection((host, port), PROBE_SECONDS)) as link,
        closing(trust.wrap_socket(link, server_hostname=host)) as secured,
    ):
        return until(secured)


def until(secured: ssl.SSLSocket) -> datetime:
    """When the certificate of the other side ends. Raises ``ValueError`` where it shows none."""
    shown = secured.getpeercert()
    if not shown:
        raise ValueError("no certificate")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)


def files(named: Iterable[tuple[str, Path | None]]) -> list[Finding]:
    """Of our own files, by their variables. Of several in a file, that which ends first."""
    found = []
    for variable, file in named:
        ends = pem.first_expiry(file) if file is not None else None
        if ends is not None:
            found.append(judged(f"{variable} {file}", ends, datetime.now(UTC)))
    return found
