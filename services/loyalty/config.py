"""Reads a loyalty program from a YAML file: one document per version, the oldest first."""

from pathlib import Path

from pydantic_core import PydanticCustomError

from services.loyalty.domain.program.program import Program, Programs, check_versions
from shared.runtime.config import ConfigError, documents, read_config, validated
from shared.schemas.faults import told_fault

DEFAULT = Path(__file__).parent / "programs" / "retail.yaml"


def load(path: Path | None = None) -> Programs:
    """The program in this file, or the retail program that ships. Raises ``ConfigError``."""
    return read_config("loyalty program", path or DEFAULT, parse)


def parse(text: str) -> Programs:
    """The program in this YAML. Raises ``ConfigError``, which names each bad field's path."""
    found = documents(text)
    versions = [
        validated(Program, document, f"versions[{number}]: " if len(found) > 1 else "")
        for number, document in enumerate(found)
    ]
    try:
        check_versions(versions)
    except PydanticCustomError as error:
        at, message = told_fault(error)
        raise ConfigError(f"versions{at}: {message}") from None
    return Programs(versions)
