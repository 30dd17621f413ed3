"""The variables that processes are told, as the Helm chart and the Compose file know them: one list, read off
the services' settings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from services.followup.channels.registry import KINDS
from services.followup.settings import FollowupSettings
from services.interactions.mail.settings import MailSettings
from services.loyalty.settings import LoyaltySettings
from services.metrics.settings import MetricsSettings
from shared.runtime.settings import PREFIX, Settings

CLASSES: Mapping[str, tuple[type[BaseSettings], ...]] = {
    "interactions": (MailSettings,),
    "loyalty": (LoyaltySettings,),
    "followup": (FollowupSettings, *KINDS),
    "metrics": (MetricsSettings,),
}
"""Service -> what it is told by."""
URI = PREFIX + "MONGO"
"""Holds a password in the middle of other things, and so is a string."""
MOUNTED = {PREFIX + "BOUNCE_MAILDIR"}
"""A folder that is written to: a volume, which is given beside."""
CHART = {
    PREFIX + "PARTITIONS": "partitions",
    PREFIX + "MEMORY_MIB": "size, or workers.memoryMiB",
    PREFIX + "API_PORT": "the Service: it is 8000 in every pod",
    PREFIX + "WORKER_PORT": "the Service: it is 8001 in every pod",
    PREFIX + "MAIL_PORT": "mailIn.port: it is 8024 in every pod",
    **{f"{PREFIX}{name.upper()}_URL": f"hosts.{name}" for name in CLASSES},
}
"""Variables that are another value's business in the chart."""

ONE_VALUE: Mapping[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
INSTEAD = {PREFIX + "SECRET_KEY": PREFIX + "SECRET_KEYS"}


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    services: tuple[str, ...]
    """That read it; none: all do."""
    secret: bool
    file: bool
    """It is the path of a file, or of a folder."""
    required: bool
    instead: str
    """Of one that is required: the variable that does as well."""
    meaning: str
    kind: str
    """What one value of it is: "text", "a whole number", "a number", "true or false"; nothing of several."""
    choices: tuple[str, ...]
    """The only ones there are."""


def variables() -> dict[str, Variable]:
    """Name -> variable, in alphabetical order."""
    found: dict[str, Variable] = {}
    for name, field in Settings.model_fields.items():
        found[PREFIX + name.upper()] = _variable(name, field, ())
    for service, name, field in _own():
        full = PREFIX + name.upper()
        known = found.get(full)
        if known is None:
            found[full] = _variable(name, field, (service,))
        elif known.services and service not in known.services:
            found[full] = replace(known, services=(*known.services, service))
    return dict(sorted(found.items()))


def _own() -> Iterator[tuple[str, str, FieldInfo]]:
    for service, classes in CLASSES.items():
        for cls in classes:
            for name, field in cls.model_fields.items():
                yield service, name, field


def _variable(name: str, field: FieldInfo, services: tuple[str, ...]) -> Variable:
    full = PREFIX + name.upper()
    kinds = set(_types(field.annotation))
    choices = [choice for one in kinds if get_origin(one) is Literal for choice in get_args(one)]
    return Variable(
        full,
        services,
        secret=SecretStr in kinds or full == URI,
        file=Path in kinds and full not in MOUNTED,
        required=field.is_required(),
        instead=INSTEAD.get(full, ""),
        meaning=field.description or "",
        kind=next((said for one, said in ONE_VALUE.items() if one in kinds), "")
        if not _several(kinds)
        else "",
        choices=tuple(sorted(choices)),
    )


def _several(kinds: set[Any]) -> bool:
    """A list or a map."""
    return any(get_origin(one) in (tuple, frozenset, list, dict) for one in kinds)


def _types(annotation: Any) -> Iterator[Any]:
    """The types within a type: ``SecretStr`` of ``tuple[SecretStr, ...] | None``."""
    yield annotation
    for inside in get_args(annotation):
        yield from _types(inside)
