"""``rapport sla``."""

from pathlib import Path
from typing import Annotated

import typer

from rapport.commands import policy_files
from rapport.sla.outline import outline
from services.interactions.config import load

app = typer.Typer(help="Check an SLA policy.", no_args_is_help=True, add_completion=False)

File = Annotated[Path, typer.Argument(metavar="FILE", help="An SLA policy (YAML).")]


@app.callback()
def _group() -> None:
    """Check an SLA policy. Needs no server."""


@app.command()
def check(file: File) -> None:
    """Say what the policy holds; exit code 1 and the field at fault where it is not valid."""
    policy_files.check(load, file, outline)
