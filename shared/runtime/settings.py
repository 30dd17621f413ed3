"""What a service is told by its environment: variables named ``RAPPORT_<FIELD>``.

A service adds its own in ``services/<name>/settings.py`` with a subclass. Nothing here connects.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from shared.schemas.base import Strict

PREFIX = "RAPPORT_"

T = TypeVar("T", bound=BaseSettings)


class NamedKey(Strict):
    """One more API key: what it hashes to and what it may do. The key itself is stored nowhere."""

    key_sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
    """SHA-256 of the key's UTF-8 bytes, in hex."""
    scopes: frozenset[str] = frozenset()

    @field_validator("key_sha256")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.lower()


KeyName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
LinkKey = Annotated[SecretStr, Field(min_length=16)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """The variables that every service reads."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    kafka: str = Field(description="the Kafka bootstrap servers, host:port, comma-separated")
    mongo: str = Field(description="the MongoDB URI")
    secret_key: SecretStr = Field(
        min_length=16,
        description="the key that voucher codes and link tokens are made with, 16 characters or more, "
        "the same for every service and for ever",
    )

    secret_keys: Annotated[tuple[LinkKey, ...], NoDecode] = ()
    """Keys of links in messages, comma-separated, the newest first; ``secret_key`` comes last. The first
    signs, each verifies."""

    clock: Literal["wall", "stream"] = "wall"
    """``stream``: now is the watermark of event time, for replays."""
    partitions: Annotated[int, Field(ge=1)] = 4
    """Partitions of each topic, where the broker has not said."""
    batch_size: Annotated[int, Field(ge=1, le=500)] = 500
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

    api_key: SecretStr | None = Field(default=None, min_length=8)
    """A key with every scope, for one's own tools."""
    api_keys: Annotated[dict[KeyName, NamedKey], NoDecode] = {}
    """More keys, as JSON: ``{"pos": {"key_sha256": "…", "scopes": ["events:write"]}}``."""
    jwt_secret: SecretStr | None = Field(default=None, min_length=32)
    """Accept bearer JWTs signed with HS256 and this secret."""
    jwt_public_key: str | None = None
    """Accept bearer JWTs signed with RS256 or ES256 by the private half of this PEM key."""
    jwt_audience: str | None = None
    jwt_issuer: str | None = None

    host: str = "127.0.0.1"
    api_port: Port = 8000
    """0: the system chooses."""
    worker_port: Port = 8001
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

    interactions_url: str | None = None
    loyalty_url: str | None = None
    followup_url: str | None = None
    metrics_url: str | None = None

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("api_keys", mode="before")
    @classmethod
    def _json(cls, value: Any) -> Any:
        if isinstance(value, str):
            try:
                return json.loads(value)
            except ValueError as error:
                raise ValueError(f"is not JSON: {error}") from None
        return value

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return (
            [key for part in value.split(",") if (key := part.strip())] if isinstance(value, str) else value
        )

    @property
    def link_keys(self) -> tuple[bytes, ...]:
        """What links in messages are signed with: the first signs, each verifies. Links that were sent stay
        good when a key is put before the others."""
        return tuple(key.get_secret_value().encode() for key in (*self.secret_keys, self.secret_key))

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("jwt_public_key")
    @classmethod
    def _pem(cls, value: str | None) -> str | None:
        if value is None:
            return None
        # Shells and Compose files often carry a PEM on one line with a literal \n in it.
        pem = value.replace("\\n", "\n")
        algorithm_of(pem)
        return pem


def algorithm_of(pem: str) -> Literal["RS256", "ES256"]:
    """The one JWT algorithm that a public key is good for. Raises ``ValueError``."""
    # Here, since it takes long to load and few need it.
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem.encode())
    except Exception:
        raise ValueError("is not a PEM public key (-----BEGIN PUBLIC KEY-----)") from None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
        return "RS256"
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return "ES256"
    raise ValueError("must be an RSA key of 2048 bits or more, or a P-256 key")


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
        if e["loc"] not in missing and e["loc"]:
            yield f"{variable(e['loc'])}: {e['msg'].removeprefix('Value error, ')}."


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
