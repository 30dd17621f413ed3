"""Ids that were erased: how they are known again, and nobody can tell from a store whose they were. Pure."""

import hmac
from typing import Any

from pymongo import DeleteMany

from shared.domain import Collection

ERASED_IDS = Collection("erased", owner=None, personal=())
"""{_id: the hash of an erased id, at}"""
HASH_DIGITS = 32


def erasure_key(secret_key: bytes) -> bytes:
    """The key of the hashes, where none is given."""
    return hmac.digest(secret_key, b"rapport erasure", "sha256")


def erased_hash(key: bytes, state_id: str) -> str:
    """32 hex digits, by which the id is known and not found out."""
    return hmac.digest(key, state_id.encode("utf-8", "surrogatepass"), "sha256").hex()[:HASH_DIGITS]


def timers_of(state_id: str) -> DeleteMany:
    """The removal of all timers that are set for a state. Their keys begin with its id; so may those of
    another one's, whose id goes on after a bar."""
    keys: dict[str, Any] = {"$gte": f"{state_id}|", "$lt": f"{state_id}}}"}
    return DeleteMany({"_id": keys, "subject": state_id})
