"""YAML files that people write (a loyalty program, an SLA policy), as commands read and show them."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from rich.console import RenderableType

from rapport.commands.show import console
from rapport.trouble import TroubleError
from shared.runtime.config import ConfigError


class Versioned(Protocol):
    """What such a file holds."""

    @property
    def versions(self) -> Sequence[object]: ...


T = TypeVar("T")
V = TypeVar("V", bound=Versioned)


def loaded(load: Callable[[Path | None], T], file: Path | None) -> T:
    """What ``load`` makes of the file; None: of the one that ships. Raises TroubleError, which names the file
    and the field at fault."""
    try:
        return load(file)
    except ConfigError as error:
        raise TroubleError(str(error)) from None


def check(
    load: Callable[[Path | None], V], file: Path, outline: Callable[[V], Iterable[RenderableType]]
) -> None:
    """Say that the file is valid, and what it holds. Raises TroubleError."""
    found = loaded(load, file)
    count = len(found.versions)
    console.print(f"{file} is valid: {count} version{'' if count == 1 else 's'}.", markup=False)
    for part in outline(found):
        console.print(part)
