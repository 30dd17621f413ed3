"""``rapport sla``."""

from pathlib import Path
from typing import Annotated

import typer

from rapport.commands.show import console
from rapport.sla.outline import outline
from rapport.trouble import TroubleError
from services.interactions.config import load
from services.interactions.domain.sla.policy import Sla
from shared.runtime.config import ConfigError

app = typer.Typer(help="Check an SLA policy.", no_args_is_help=True, add_completion=False)

File = Annotated[Path, typer.Argument(metavar="FILE", help="An SLA policy (YAML).")]


@app.callback()
def _group() -> None:
    """Check an SLA policy. Needs no server."""


@app.command()
def check(file: File) -> None:
    """Say what the policy holds; exit code 1 and the field at fault where it is not valid."""
    sla = _load(file)
    count = len(sla.versions)
    console.print(f"{file} is valid: {count} version{'' if count == 1 else 's'}.", markup=False)
    for part in outline(sla):
        console.print(part)


def _load(file: Path) -> Sla:
    try:
        return load(file)
    except ConfigError as error:
        raise TroubleError(str(error)) from None
