"""The ring of an installation's secret keys, as its environment tells it: ``RAPPORT_SECRET_KEYS``, the newest
first, and ``RAPPORT_SECRET_KEY``, the oldest, which alone is a ring of one."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr


def with_ring(told: Any) -> Any:
    """Settings before they are validated: the ring as a list, and its last as the oldest key where none is
    named. Raises ValueError, which never shows a key."""
    if not isinstance(told, dict) or "secret_keys" not in told:
        return told
    keys = _listed(told["secret_keys"])
    oldest = {"secret_key": keys[-1]} if isinstance(keys, list | tuple) and keys else {}
    return {**oldest, **told, "secret_keys": keys}


def ring(keys: Sequence[SecretStr], oldest: SecretStr) -> tuple[bytes, ...]:
    """Each key once, in the order told; the oldest last where it is not among them."""
    return tuple(dict.fromkeys(key.get_secret_value().encode() for key in (*keys, oldest)))


def _listed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return [key for part in value.split(",") if (key := part.strip())]
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("RAPPORT_SECRET_KEYS is neither JSON nor comma-separated") from None
