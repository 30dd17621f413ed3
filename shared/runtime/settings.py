"""What a service is told by its environment: variables named ``RAPPORT_<FIELD>``.

A service adds its own in ``services/<name>/settings.py`` with a subclass. Nothing here connects.
"""

import hmac
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsError

from shared.facts.aliases import Identity
from shared.runtime.access import AccessSettings
from shared.runtime.environment import PREFIX, ReachedUrl
from shared.runtime.keyring import ErasureKeySettings, SecretKey, ring
from shared.runtime.transport import KafkaSettings, MongoSettings

__all__ = ["PREFIX", "Settings", "explain", "load_settings"]

T = TypeVar("T", bound=BaseSettings)


Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(ErasureKeySettings, AccessSettings, MongoSettings, KafkaSettings):
    """The variables that every service reads."""

    secret_key: SecretStr = Field(
        min_length=16,
        description="the key that voucher codes and aliases' hashes are made with, 16 characters or more, "
        "the same for every service and for ever; without it the last of RAPPORT_SECRET_KEYS",
    )

    identity_key: SecretKey | None = None
    """The key that customers' aliases are hashed with, for ever; without it one made of ``secret_key``."""
    phone_region: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    """Where telephone numbers without country code are dialled (ISO 3166, ``DE``); without it they are no
    aliases."""

    clock: Literal["wall", "stream"] = "wall"
    """``stream``: now is the watermark of event time, for replays."""
    partitions: Annotated[int, Field(ge=1)] = 4
    """Partitions of each topic, where the broker has not said."""
    retention_personal_days: Annotated[int, Field(ge=1, le=36_500)] = 30
    """Days that topics keep contact data, free text and dead letters; ``rapport topics apply`` sets it."""
    retention_amounts_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    """Days that topics keep purchases and points: ids and amounts."""
    batch_size: Annotated[int, Field(ge=1, le=500)] = 500
    """Records of a batch at most."""
    states: Literal["text", "compact"] = "text"
    """How customers' states are written: ``compact`` is quicker and smaller, and versions before this one
    cannot read it. Both are read."""
    memory_mib: Annotated[int, Field(ge=64)] = 256
    """MiB that a worker keeps in memory of events and states at most; its code takes about 150 more."""
    program: Path | None = None
    """The loyalty program (YAML); without it the one that ships."""
    rules: Path | None = None
    """The outreach rules (YAML); without it those that ship."""
    sla: Path | None = None
    """The SLA policy (YAML); without it the one that ships."""
    desk: Path | None = None
    """The desk's teams and rules (YAML); without it those that ship."""

    host: str = "127.0.0.1"
    """The address that the API and the worker listen on."""
    api_port: Port = 8000
    """0: the system chooses."""
    worker_port: Annotated[int, Field(ge=1, le=65535)] = 8001
    """The worker's health and metrics."""
    command_timeout: Annotated[float, Field(gt=0, le=60)] = 3.0
    """Seconds an API waits for a command's outcome before it answers 202."""
    session_timeout: Annotated[float, Field(ge=1, le=300)] = 10.0
    """Seconds after which the group takes the partitions of a worker that fell silent."""
    poll_interval: Annotated[float, Field(ge=1, le=3600)] = 300.0
    """Seconds after which the group takes the partitions of a worker whose loop is stuck."""
    store_timeout: Annotated[float, Field(gt=0, le=60)] = 2.0
    """Seconds to look for a MongoDB server before the store counts as away."""
    max_body_bytes: Annotated[int, Field(ge=1024)] = 1024 * 1024
    """The largest HTTP body."""
    body_timeout: Annotated[float, Field(gt=0, le=600)] = 30.0
    """Seconds that an HTTP body may take to come."""

    interactions_url: ReachedUrl | None = None
    """Where this API is reached, by others and in links."""
    loyalty_url: ReachedUrl | None = None
    """Where this API is reached, by others and in links."""
    followup_url: ReachedUrl | None = None
    """Where this API is reached, by others and in links of messages."""
    metrics_url: ReachedUrl | None = None
    """Where this API is reached, by others and in links."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least grave lines that are logged."""

    @property
    def key_ring(self) -> tuple[bytes, ...]:
        """What is signed and sealed with: the first does it, each verifies and opens. What was made stays
        good when a key is put before the others."""
        return ring(self.secret_keys, self.secret_key)

    @property
    def oldest_key(self) -> bytes:
        """What is derived with, so that the same event or address gives the same for ever: it stays when a
        key is put before the others."""
        return self.secret_key.get_secret_value().encode()

    @property
    def identity(self) -> Identity:
        """How aliases are written and hashed."""
        given = self.identity_key
        if given is not None:
            return Identity(given.get_secret_value().encode(), self.phone_region)
        return Identity(hmac.digest(self.oldest_key, b"rapport identity", "sha256"), self.phone_region)

    @property
    def erased_by(self) -> bytes:
        """What the ids of erased customers are hashed with."""
        return cast(bytes, self.known_erasure_key)  # as ``secret_key`` is required

    @field_validator("log_level", "phone_region", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value


def variable(location: tuple[int | str, ...]) -> str:
    """The environment variable of a setting, with the path inside it if it is JSON."""
    name, *inside = (str(part) for part in location)
    return ".".join([PREFIX + name.upper(), *inside])


def _complaints(cls: type[BaseSettings], error: ValidationError) -> Iterator[str]:
    missing = [e["loc"] for e in error.errors() if e["type"] == "missing" and len(e["loc"]) == 1]
    if missing:
        described = (
            f"{variable(loc)} ({cls.model_fields[str(loc[0])].description or 'required'})" for loc in missing
        )
        yield f"Set {' and '.join(described)}."
    for e in error.errors():
        said = e["msg"].removeprefix("Value error, ")
        if not e["loc"]:
            yield f"{said}."  # of several together, which it names
        elif e["loc"] not in missing:
            yield f"{variable(e['loc'])}: {said}."


def explain(cls: type[BaseSettings], error: ValidationError) -> str:
    """A sentence that names each variable at fault; never shows a value, which may be a secret."""
    return " ".join(_complaints(cls, error)) or str(error)


def load_settings(cls: type[T]) -> T:
    """Read the settings from the environment, or end the process with 2 and a sentence on stderr."""
    try:
        return cls()
    except ValidationError as error:
        sentence = explain(cls, error)
    except SettingsError as error:
        sentence = f"{error}."
    print(sentence, file=sys.stderr)
    raise SystemExit(2)
