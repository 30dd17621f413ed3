"""Reads the SLA policy and the desk's rules, each from a YAML file."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.sla.policy import Sla
from shared.runtime.config import ConfigError, documents, read_config, validated

DEFAULT = Path(__file__).parent / "policies" / "retail.yaml"
DESK = DEFAULT.with_name("desk.yaml")

M = TypeVar("M", bound=BaseModel)


def load(path: Path | None = None) -> Sla:
    """The policy in this file, or the retail policy that ships. Raises ``ConfigError``."""
    return read_config("SLA policy", path or DEFAULT, parse)


def parse(text: str) -> Sla:
    """The policy in this YAML. Raises ``ConfigError``, which names each bad field's path."""
    return _parsed(Sla, text)


def load_desk(path: Path | None = None) -> Desk:
    """The desk of this file, or the one that ships. Raises ``ConfigError``."""
    return read_config("desk", path or DESK, parse_desk)


def parse_desk(text: str) -> Desk:
    """The desk in this YAML. Raises ``ConfigError``, which names each bad field's path."""
    return _parsed(Desk, text)


def _parsed(model: type[M], text: str) -> M:
    found = documents(text)
    if len(found) > 1:
        raise ConfigError("it must be one YAML document")
    return validated(model, found[0])
