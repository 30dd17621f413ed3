"""Signed tokens in links: what they carry can be read by their holder, and changed by nobody."""

import base64
import binascii
import hashlib
import hmac
import json

UNSUBSCRIBE = "unsubscribe"
MAC_BYTES = 16


def sign(key: bytes, kind: str, *fields: str) -> str:
    """A URL-safe token of these fields. One ``kind`` of token is never taken for another."""
    payload = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    return f"{_write(payload)}.{_write(_mac(key, kind, payload))}"


def read(key: bytes, kind: str, token: str) -> tuple[str, ...] | None:
    """The fields of a token that ``sign`` made with this key and kind, else None."""
    payload, _, mac = token.partition(".")
    try:
        signed, given = _read(payload), _read(mac)
        if not hmac.compare_digest(_mac(key, kind, signed), given):
            return None
        return tuple(json.loads(signed))
    except (ValueError, binascii.Error):
        return None


def unsubscribe_link(base_url: str, key: bytes, customer_id: str, purpose: str, channel: str) -> str:
    """The address that withdraws a consent: a page for a GET, done by a POST (RFC 8058)."""
    return f"{base_url}/u/{sign(key, UNSUBSCRIBE, customer_id, purpose, channel)}"


def _mac(key: bytes, kind: str, payload: bytes) -> bytes:
    return hmac.new(key, f"rapport {kind} link 1\n".encode() + payload, hashlib.sha256).digest()[:MAC_BYTES]


def _write(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read(text: str) -> bytes:
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _write(raw) != text:
        raise ValueError("not the one way to write these bytes")
    return raw
