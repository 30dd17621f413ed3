"""API keys: found by their hashes, until they expire, and what events each may write."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from shared.runtime.access import API_KEY_NAME, SCOPES, AccessSettings, NamedKey


class ApiKeys:
    """Those of the settings, by name. Holds hashes of keys, not keys."""

    def __init__(self, settings: AccessSettings) -> None:
        self._named: dict[str, NamedKey] = {}
        if settings.api_key is not None:
            hashed = hash_of(settings.api_key.get_secret_value())
            self._named[API_KEY_NAME] = NamedKey(key_sha256=(hashed,), scopes=SCOPES)
        self._named |= settings.api_keys
        self._hashes = [
            (bytes.fromhex(one), name) for name, named in self._named.items() for one in named.key_sha256
        ]

    @property
    def named(self) -> Mapping[str, NamedKey]:
        return self._named

    def name_of(self, key: str) -> str | None:
        """The name of a key that is shown, expired or not."""
        given = bytes.fromhex(hash_of(key))
        found: str | None = None
        # Every key is compared, each in constant time: time tells nothing about which came close.
        for known, name in self._hashes:
            if hmac.compare_digest(known, given) and found is None:
                found = name
        return found

    def in_force(self, name: str, now: datetime | None = None) -> NamedKey | None:
        """What the key of this name may do; None if there is none, or it has expired."""
        named = self._named.get(name)
        return None if named is None or named.expired(now or datetime.now(UTC)) else named


def hash_of(key: str) -> str:
    """SHA-256 of a key, in hex."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def fits(value: str, patterns: tuple[str, ...] | None) -> bool:
    """Whether one of the patterns is of this value; None is of any. ``*`` stands for any characters."""
    if patterns is None:
        return True
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), value, re.DOTALL) for pattern in patterns
    )


def full_types(patterns: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Patterns of types as they may be written short, ``purchase.made`` or ``purchase.*``, in full."""
    if patterns is None:
        return None
    return tuple(
        one if one.startswith("rapport.") else f"rapport.{one}" if one.endswith("*") else f"rapport.{one}.v1"
        for one in patterns
    )
