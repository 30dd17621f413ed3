"""The key of erased ids' hashes, as the variables tell it."""

import os
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from rapport import connections
from rapport.trouble import TroubleError
from shared.facts.erased import erasure_key
from shared.runtime.environment import Environment
from shared.runtime.keyring import with_ring

Key = Annotated[SecretStr, Field(min_length=16)]
GIVEN = "RAPPORT_ERASURE_KEY"


class _Keys(Environment):
    """Of the services' settings those that tell it."""

    secret_key: Key | None = None
    secret_keys: Annotated[tuple[Key, ...], NoDecode] = ()
    erasure_key: Key | None = None

    @model_validator(mode="before")
    @classmethod
    def _ring(cls, told: Any) -> Any:
        return with_ring({name: value for name, value in told.items() if value is not None})


def erased_by(known: Mapping[str, str], environ: Mapping[str, str] | None = None) -> bytes:
    """The services' own by these variables; the one of the environment goes before them. Raises
    TroubleError."""
    environ = os.environ if environ is None else environ
    given = {GIVEN: environ[GIVEN]} if environ.get(GIVEN) else {}
    keys = connections.read(_Keys, {**known, **given})
    if keys.erasure_key is not None:
        return keys.erasure_key.get_secret_value().encode()
    if keys.secret_key is None:
        raise TroubleError(
            f"Set {GIVEN}, or RAPPORT_SECRET_KEY where that is not set, as the services have it."
        )
    return erasure_key(keys.secret_key.get_secret_value().encode())
