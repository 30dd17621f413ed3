"""Signed tokens in links: what they carry can be read by their holder, and changed by nobody."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence

MAC_BYTES = 16


class KeyRing:
    """The keys that links are signed with: the first signs, each verifies, so that links which were sent stay
    good when a new key comes before the others."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("a key ring needs a key")
        self._keys = tuple(keys)

    def sign(self, kind: str, *fields: str | int) -> str:
        """A URL-safe token of these fields. One ``kind`` of token is never taken for another."""
        payload = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
        return f"{_write(payload)}.{_write(_mac(self._keys[0], kind, payload))}"

    def read(self, kind: str, token: str) -> tuple[str | int, ...] | None:
        """The fields of a token that ``sign`` made of this kind with any of the keys, else None."""
        payload, _, mac = token.partition(".")
        try:
            signed, given = _read(payload), _read(mac)
            if not any(hmac.compare_digest(_mac(key, kind, signed), given) for key in self._keys):
                return None
            return tuple(json.loads(signed))
        except (ValueError, binascii.Error):
            return None


def _mac(key: bytes, kind: str, payload: bytes) -> bytes:
    return hmac.new(key, f"rapport {kind} link 1\n".encode() + payload, hashlib.sha256).digest()[:MAC_BYTES]


def _write(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read(text: str) -> bytes:
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _write(raw) != text:
        raise ValueError("not the one way to write these bytes")
    return raw
