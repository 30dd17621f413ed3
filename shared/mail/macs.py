"""Short signatures of a message's id, in letters and digits that stand any mail server."""

import base64
import hashlib
import hmac
from collections.abc import Sequence


def mac(key: bytes, purpose: bytes, outreach_id: str, size: int) -> str:
    """Of so many bytes, in lower case. ``purpose`` keeps what is signed for one use from another."""
    made = hmac.digest(key, purpose + b"\n" + outreach_id.encode(), hashlib.sha256)[:size]
    return base64.b32encode(made).decode().rstrip("=").lower()


def is_signed(keys: Sequence[bytes], purpose: bytes, outreach_id: str, size: int, told: str) -> bool:
    """Whether one of the keys has made what is told."""
    made = (mac(key, purpose, outreach_id, size).encode() for key in keys)
    return any(hmac.compare_digest(one, told.encode()) for one in made)
