"""Reads the SLA policy from a YAML file."""

from pathlib import Path

from services.interactions.domain.sla.policy import Sla
from shared.runtime.config import ConfigError, documents, read_config, validated

DEFAULT = Path(__file__).parent / "policies" / "retail.yaml"


def load(path: Path | None = None) -> Sla:
    """The policy in this file, or the retail policy that ships. Raises ``ConfigError``."""
    return read_config("SLA policy", path or DEFAULT, parse)


def parse(text: str) -> Sla:
    """The policy in this YAML. Raises ``ConfigError``, which names each bad field's path."""
    found = documents(text)
    if len(found) > 1:
        raise ConfigError("it must be one YAML document")
    return validated(Sla, found[0])
