"""Ids that were erased: how they are known again, and nobody can tell from a store whose they were. Pure."""

import hashlib
import hmac
from functools import lru_cache
from typing import Any

ERASED_IDS = "erased"
"""The collection, in each service's store, of which each document has such a hash as its ``_id``."""
ERASING = "erasing"
"""That of what is still to be done about erased ids."""
KEYS = "keys"
"""That of the fingerprints of keys that must not change: ``{_id: ERASURE, fingerprint}``."""
ERASURE = "erasure"
HASH_DIGITS = 32
BLOCK_BYTES = 64
"""Of SHA-256: a longer key is hashed first."""


def erasure_key(secret_key: bytes) -> bytes:
    """The key of the hashes, where none is given."""
    return hmac.digest(secret_key, b"rapport erasure", "sha256")


def key_fingerprint(key: bytes) -> str:
    """32 hex digits that tell one key from another, and nothing of it."""
    return hmac.digest(key, b"rapport erasure key", "sha256").hex()[:HASH_DIGITS]


def erased_hash(key: bytes, state_id: str) -> str:
    """32 hex digits, by which the id is known and not found out: the beginning of its HMAC-SHA256."""
    begun, ended = _halves(key)
    inner, outer = begun.copy(), ended.copy()
    inner.update(state_id.encode("utf-8", "surrogatepass"))
    outer.update(inner.digest())
    digest: str = outer.hexdigest()
    return digest[:HASH_DIGITS]


def entry_mark(key: bytes, uid: str, state_id: str) -> str:
    """What a journal's entry keeps of whom it is about: of two nobody can tell that it is the same one."""
    return erased_hash(key, f"{uid}\0{state_id}")


@lru_cache(maxsize=16)
def _halves(key: bytes) -> tuple[Any, Any]:
    """The two hashes of an HMAC, as far as they are the key's alone: it takes a third of the time so."""
    if len(key) > BLOCK_BYTES:
        key = hashlib.sha256(key).digest()
    block = key.ljust(BLOCK_BYTES, b"\0")
    return hashlib.sha256(bytes(b ^ 0x36 for b in block)), hashlib.sha256(bytes(b ^ 0x5C for b in block))
