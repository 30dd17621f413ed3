"""What all settings have in common: how a variable is read, and which URLs may be trusted."""

import json
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "RAPPORT_"


class Environment(BaseSettings):
    """Variables ``RAPPORT_<FIELD>``; an empty one is as if it were not there."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _without_line_end(cls, values: dict[str, Any]) -> dict[str, Any]:
        """A Secret that was made from a file ends in a line break: as part of a key, it lets nobody in."""
        return {
            name: value.rstrip("\r\n") if isinstance(value, str) else value for name, value in values.items()
        }


def _read(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"is not JSON: {error}") from None
        except RecursionError:
            raise ValueError("is not JSON: it is nested too deeply") from None
    return value


AS_JSON = BeforeValidator(_read)
"""The variable holds JSON."""


def reached(value: str) -> str:
    """The URL of a server, http or https. Raises ValueError, which does not show it."""
    try:
        parts = urlsplit(value)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:  # its own words would show the value
        named = False
    if not named or parts.scheme not in ("http", "https"):
        raise ValueError("must be a URL, https://…")
    return value


def _trusted(value: str) -> str:
    parts = urlsplit(reached(value))
    loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme == "http" and not loopback:
        raise ValueError(
            "must be https://…, as anybody on the way could answer (http:// on this machine alone)"
        )
    return value


ReachedUrl = Annotated[str, AfterValidator(reached)]
"""Of one of our own APIs, or what links begin with."""
TrustedUrl = Annotated[str, AfterValidator(_trusted)]
"""Of a server whose word decides who gets in, or which is told a secret."""
