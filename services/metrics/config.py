"""Reads what a company decides of its own numbers from a YAML file."""

from pathlib import Path

from services.metrics.domain.policy import MetricsPolicy
from shared.runtime.config import ConfigError, documents, read_config, validated

POLICIES = Path(__file__).parent / "policies"
DEFAULT = POLICIES / "retail.yaml"


def load(path: Path | None = None) -> MetricsPolicy:
    """The policy in this file, or the retail policy that ships. Raises ``ConfigError``."""
    return read_config("metrics policy", path or DEFAULT, parse)


def parse(text: str) -> MetricsPolicy:
    """The policy in this YAML. Raises ``ConfigError``, which names each bad field's path."""
    found = documents(text)
    if len(found) > 1:
        raise ConfigError("it must be one YAML document")
    return validated(MetricsPolicy, found[0])
