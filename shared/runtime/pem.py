"""Files of certificates and keys, read before anything is connected: a sentence where one is of no use.

Nothing here shows what a file holds.
"""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn


def authorities(file: Path) -> Path:
    """A file of certificates in PEM, of those who may sign. Raises ``ValueError``."""
    _read(file)
    try:
        ssl.create_default_context(cafile=str(file))
    except (ssl.SSLError, OSError):
        raise ValueError(f"{file} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)") from None
    return file


def own(certificate: Path, key: Path | None = None) -> Path:
    """A certificate to show, with its key in the same file or in ``key``. Raises ``ValueError``."""
    for file in (certificate, key or certificate):
        _read(file)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, OSError) as error:
        where = f"{certificate} and {key}" if key is not None else str(certificate)
        mixed = "KEY_VALUES_MISMATCH" in str(error)
        why = "are of two different pairs" if mixed else "are not there, both in PEM"
        raise ValueError(f"the certificate and the key in {where} {why}") from None
    ends = expiry(certificate)
    if ends is not None and ends <= datetime.now(UTC):
        raise ValueError(f"the certificate in {certificate} expired at {ends:%Y-%m-%d %H:%M} UTC: renew it")
    return certificate


def expiry(file: Path) -> datetime | None:
    """When the first certificate of a file ends; None where it holds none."""
    found = _certificates(file.read_bytes())
    return found[0].not_valid_after_utc if found else None


def first_expiry(file: Path) -> datetime | None:
    """When the first to end of a file's certificates does; None where it holds none."""
    return min((one.not_valid_after_utc for one in _certificates(file.read_bytes())), default=None)


def _certificates(pem: bytes) -> list[Any]:
    from cryptography.x509 import load_pem_x509_certificates  # long to load, and few need it

    try:
        return [*load_pem_x509_certificates(pem)]
    except ValueError:
        return []


def _read(file: Path) -> None:
    try:
        file.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"there is no file {file}") from None
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror})") from None


def _no_password() -> NoReturn:
    raise ValueError("the key is encrypted with a password: give one without, kept as a secret")
