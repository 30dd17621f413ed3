"""How the commands reach what runs: by the variables of this process, else those of this home's stack."""

import http.client
import os
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from rapport.home import Home, read_env
from rapport.trouble import TroubleError
from shared.kafka.brokers import Brokers
from shared.runtime.environment import reached
from shared.runtime.https import HttpsSettings, place
from shared.runtime.settings import explain, variable
from shared.runtime.transport import KafkaSettings, MongoSettings

T = TypeVar("T", bound=BaseSettings)


def brokers(environ: Mapping[str, str] | None = None) -> Brokers:
    """What ``RAPPORT_KAFKA`` and its companions name, else the broker that runs in this home. Raises
    TroubleError."""
    known = _known("RAPPORT_KAFKA", environ)
    if known is None:
        raise TroubleError(
            "No broker is known here: start one with `rapport up`, or set RAPPORT_KAFKA=host:port."
        )
    return Brokers.of(read(KafkaSettings, known))


def store(environ: Mapping[str, str] | None = None) -> MongoSettings:
    """What ``RAPPORT_MONGO`` and its companions name, else the store that runs in this home. Raises
    TroubleError."""
    return read(MongoSettings, store_environ(environ))


def store_environ(environ: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """All variables of the place whose store that is. Raises TroubleError."""
    known = _known("RAPPORT_MONGO", environ)
    if known is None:
        raise TroubleError("No store is known here: start one with `rapport up`, or set RAPPORT_MONGO.")
    return known


def to_api(url: str, environ: Mapping[str, str], seconds: float) -> http.client.HTTPConnection:
    """Of a service, not connected yet; over TLS by whom these variables trust. Raises TroubleError."""
    try:
        host, port = place(reached(url))
    except ValueError:
        raise TroubleError(f"{url} is no URL of an API: write http://host:port, or https://…") from None
    if urlsplit(url).scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=seconds)
    trust = read(HttpsSettings, environ).https_trust
    return http.client.HTTPSConnection(host, port, timeout=seconds, context=trust)


def _known(name: str, environ: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """The variables of the place that has this one: never a mixture of both."""
    environ = os.environ if environ is None else environ
    if environ.get(name):
        return environ
    running = read_env(Home.find(environ))
    return running if running.get(name) else None


def read(cls: type[T], environ: Mapping[str, str]) -> T:
    """Settings from these variables alone. Raises TroubleError."""
    given = {name: environ.get(variable((name,))) or None for name in cls.model_fields}
    # What is not given is its default here too, not what this process's environment has.
    defaults = {name: field.default for name, field in cls.model_fields.items() if not field.is_required()}
    try:
        return cls(**{**defaults, **{name: value for name, value in given.items() if value is not None}})
    except ValidationError as error:
        raise TroubleError(explain(cls, error)) from None
