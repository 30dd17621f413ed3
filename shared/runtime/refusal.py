"""A part that does not let this process in, or that it may not trust: nothing that waiting mends.

At the start it ends the process, so that whoever set it up sees it; later it is waited for, as an outage is,
since certificates are renewed and passwords rotated on both sides.
"""

import os
import re
import socket
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import structlog

log = structlog.get_logger(__name__)

EXIT_CODE = 3
"""Of a process that a part refused at its start; 2 is that of bad settings."""
PROBE_SECONDS = 3.0

_UNVERIFIED = re.compile(r"certificate[ _]verify[ _]failed(?!])(?:: (?P<why>[^(\[]+))?", re.I)
_ALERT = re.compile(
    r"alert[ _](?:number (?:4[2-8]|116)\b|(?:bad|unsupported)[ _]certificate|certificate|unknown[ _]ca)",
    re.I,
)

_ADDRESSES = {"RAPPORT_SMTP": "RAPPORT_SMTP_HOST", "RAPPORT_KAFKA_OAUTH": "RAPPORT_KAFKA_OAUTH_URL"}
"""Beginning of settings' names -> the one that names the server, where that is another."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """``code`` is for machines: ``<part>_login``, ``<part>_certificate`` (theirs), ``<part>_own_certificate``
    or ``<part>_rights``; ``erasure_key`` (see ``erasure_guard``)."""

    code: str
    sentence: str


def certificate_refusal(part: str, text: str, where: str, variable: str) -> Refusal | None:
    """What a client's error says of certificates, if it does. ``variable``: the beginning of the names of
    the settings, such as ``RAPPORT_KAFKA``."""
    if (why := distrust(text)) is not None:
        return theirs(part, why, where, variable)
    if _ALERT.search(text):
        return Refusal(
            f"{part}_own_certificate",
            f"{where} does not accept this client's certificate, or wants one: set {variable}_CERTIFICATE to "
            "one that its authority signed and that has not expired.",
        )
    return None


def distrust(text: str) -> str | None:
    """Why the other side's certificate is not trusted, where a client's error is of that."""
    found = _UNVERIFIED.search(text)
    return (found["why"] or "it could not be verified").strip().rstrip(".") if found else None


def theirs(part: str, why: str, where: str, variable: str, address: str | None = None) -> Refusal:
    """Of a certificate that cannot be trusted; ``why`` as OpenSSL says it. ``address``: the setting that
    names the server, where that is another than ``variable``."""
    if "expired" in why:
        do = "renew it there"
    elif "not yet valid" in why:
        do = "look at the clocks of both machines"
    elif "mismatch" in why:
        named = address or _ADDRESSES.get(variable, variable)
        do = f"name the server in {named} as its certificate does, or have one made for that name"
    else:
        do = f"set {variable}_CA to the certificate of the authority that signed it"
    return Refusal(
        f"{part}_certificate", f"The certificate that {where} shows is not to be trusted ({why}): {do}."
    )


def unverified(host: str, port: int, ca: Path | None) -> str | None:
    """Why OpenSSL would not trust the certificate that is shown there; None if it would, or nobody knows."""
    context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    try:
        with (
            socket.create_connection((host, port), PROBE_SECONDS) as link,
            context.wrap_socket(link, server_hostname=host),
        ):
            return None
    except ssl.SSLCertVerificationError as error:
        return str(error.verify_message).rstrip(".")
    except OSError:
        return None


def end_process(refusal: Refusal) -> NoReturn:
    """End at once: nothing has begun that had to be finished. It is the last line of the log."""
    log.critical(refusal.sentence, code=refusal.code, exit_code=EXIT_CODE)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(EXIT_CODE)
