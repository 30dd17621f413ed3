"""Webhooks signed as Standard Webhooks says, on either side: ``webhook-id`` names the message at every try,
``webhook-timestamp`` is the try's own time in seconds, and ``webhook-signature`` is ``v1,`` and the base64 of
HMAC-SHA256 over ``id.timestamp.body``; there may be several, with spaces between.

Pure, and without the packages of an API.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping

from pydantic import SecretStr

SECRET_PREFIX = "whsec_"
TOLERANCE_SECONDS = 300
"""How far a timestamp may be from now."""
MOST_SIGNATURES = 20


class UnsignedError(Exception):
    """It is not signed by one of the keys, or long ago. The text says which, without a capital and a stop."""


class StaleError(UnsignedError):
    """It is signed by one of the keys, but long ago, or in time to come: a clock is wrong, or it was recorded
    and sent again."""


def signing_key(secret: str) -> bytes:
    """The bytes of ``whsec_`` and base64; none where it is not that, or not of 24 to 64 bytes."""
    prefix, found, text = secret.strip().partition(SECRET_PREFIX)
    if prefix or not found:
        return b""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
    return key if 24 <= len(key) <= 64 else b""


def signing_keys(secret: SecretStr | None) -> tuple[bytes, ...]:
    """The keys of a setting: one secret, or several with commas between while one takes another's place; none
    where it is not set. A comma that was left over is none. Raises ValueError, which says what it must be."""
    if secret is None:
        return ()
    keys = tuple(signing_key(part) for part in secret.get_secret_value().split(",") if part.strip())
    if not keys or not all(keys):
        raise ValueError("must be whsec_ and the base64 of 24 to 64 bytes, or several of it, by commas")
    return keys


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """``timestamp`` is in seconds since 1970."""
    mac = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(mac).decode()}"


def verify(keys: Iterable[bytes], headers: Mapping[str, str], body: bytes, now: float) -> str:
    """The ``webhook-id`` of a message that one of the keys has signed. ``headers`` by name in lower case, or
    in any; ``now`` in seconds since 1970. Raises ``UnsignedError``, ``StaleError``."""
    found = {}
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        found[name] = headers.get(name, "")
        if not found[name]:
            raise UnsignedError(f"there is no header {name}")
    message_id, told, given = found.values()
    if not (told.isascii() and told.isdigit() and len(told) <= 12):
        raise UnsignedError("webhook-timestamp is no number of seconds")
    signatures = [one.encode() for one in given.split(" ")[:MOST_SIGNATURES]]
    wanted = [signature(key, message_id, int(told), body).encode() for key in keys]
    if not any(hmac.compare_digest(ours, theirs) for ours in wanted for theirs in signatures):
        raise UnsignedError("webhook-signature has none that fits")
    if abs(now - int(told)) > TOLERANCE_SECONDS:
        raise StaleError("webhook-timestamp is more than five minutes from now")
    return message_id
