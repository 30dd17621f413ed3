"""The ring of an installation's secret keys, as its environment tells it: ``RAPPORT_SECRET_KEYS``, the newest
first, and ``RAPPORT_SECRET_KEY``, the oldest, which alone is a ring of one."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from shared.facts.erased import erasure_key
from shared.runtime.environment import Environment

SecretKey = Annotated[SecretStr, Field(min_length=16)]


class ErasureKeySettings(Environment):
    """The variables that tell the key of erased ids' hashes."""

    secret_key: SecretKey | None = None
    secret_keys: Annotated[tuple[SecretKey, ...], NoDecode] = ()
    """The ring of what is signed and sealed, comma-separated or as JSON, the newest first; ``secret_key``
    belongs to it, last where it is not named. The first signs, each verifies."""
    erasure_key: SecretKey | None = None
    """The key that erased customers' ids are hashed with, for ever; without it one made of ``secret_key``."""

    @model_validator(mode="before")
    @classmethod
    def _keys(cls, told: Any) -> Any:
        return with_ring(told)

    @property
    def known_erasure_key(self) -> bytes | None:
        """What the ids of erased customers are hashed with; None where no variable tells it."""
        if self.erasure_key is not None:
            return self.erasure_key.get_secret_value().encode()
        return None if self.secret_key is None else erasure_key(self.secret_key.get_secret_value().encode())


def with_ring(told: Any) -> Any:
    """Settings before they are validated: the ring as a list, and its last as the oldest key where none is
    named. Raises ValueError, which never shows a key."""
    if not isinstance(told, dict) or "secret_keys" not in told:
        return told
    keys = _listed(told["secret_keys"])
    named = told.get("secret_key")
    if named is None and isinstance(keys, list | tuple) and keys:
        named = keys[-1]
    return told | {"secret_keys": keys} | ({} if named is None else {"secret_key": named})


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
