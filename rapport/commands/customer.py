"""``rapport customer``."""

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from rapport.client import Answer, Client, reached_env
from rapport.trouble import TroubleError
from shared.facts.certificate import checks

app = typer.Typer(
    help="One customer: export all that is held of them, check that they were forgotten.",
    no_args_is_help=True,
    add_completion=False,
)

ASKED_EVERY_S = 1.0
ACCEPT = {"json": "application/json", "html": "text/html"}


@app.callback()
def _group() -> None:
    """One customer: export all that is held of them, check that they were forgotten."""


@app.command()
def export(
    customer: Annotated[str, typer.Argument(metavar="ID", help="Any of the customer's ids.")],
    html: Annotated[bool, typer.Option("--html", help="A page for people, instead of JSON.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to; without it standard output.")
    ] = None,
) -> None:
    """All that is held of a person in all services, of all their ids: JSON, or a page that stands alone.

    Asks interactions' API at RAPPORT_INTERACTIONS_URL with RAPPORT_API_KEY (scope admin), or that of
    `rapport up` here. A file is there whole, for its owner alone to read, or not at all.
    """
    format = "html" if html else "json"
    folder = out.absolute().parent if out is not None else None
    if folder is not None and not folder.is_dir():
        raise TroubleError(f"There is no folder {folder}.")
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        kept = Path(file.name)
        try:
            with Client(reached_env("interactions")) as client:
                size = _fetched(client, customer, format, file)
            file.flush()
            if out is not None:
                os.replace(kept, out)
        except BaseException:
            kept.unlink(missing_ok=True)
            raise
    if out is None:
        _print(kept)
    else:
        Console(stderr=True).print(f"{out}: {size:,} bytes", highlight=False)


@app.command("verify-erasure")
def verify_erasure(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As GET /erasures/{id} gave it.")],
    key: Annotated[
        str | None, typer.Option(metavar="HEX", help="The public key, as GET /erasure-key told it once.")
    ] = None,
) -> None:
    """Check the certificate of an erasure, without asking anybody. Exit code 1: something does not hold.

    Without --key the certificate's own public key is used: whoever forged one may have put theirs there.
    """
    try:
        told = json.loads(file.read_bytes())
    except OSError as error:
        raise TroubleError(f"Cannot read {file}: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise TroubleError(f"{file} is not JSON.") from None
    found = checks(told, key)
    table = Table("what", "holds", "why not", box=None)
    for check in found:
        table.add_row(check.name, "yes" if check.fault is None else "no", check.fault or "")
    console = Console()
    console.print(table)
    if key is None:
        console.print("The key is the certificate's own: give --key to know whose it is.")
    if any(check.fault is not None for check in found):
        raise typer.Exit(1)


def _print(kept: Path) -> None:
    try:
        with kept.open("rb") as file:
            while piece := file.read(1 << 20):
                typer.echo(piece, nl=False)
    finally:
        kept.unlink(missing_ok=True)


def _fetched(client: Client, customer: str, format: str, into: Any) -> int:
    """Wait for it, and write it; its size in bytes. Raises TroubleError with what the API says."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as shown:
        task = shown.add_task("gathering")

        def came(size: int) -> None:
            shown.update(task, description=f"{size:,} bytes")

        path = f"/customers/{quote(customer, safe='')}/export"
        while True:
            answer = client.fetch("interactions", f"{path}?format={format}", ACCEPT[format], into, came)
            if answer.status == 200:
                return int(into.tell())
            if answer.status != 202:
                raise TroubleError(_why(answer, customer))
            made = json.loads(answer.body)
            path = f"/exports/{made['export_id']}"
            shown.update(task, description=f"{made['rows']:,} rows gathered")
            time.sleep(ASKED_EVERY_S)  # it is made elsewhere, and nothing tells when it is ready


def _why(answer: Answer, customer: str) -> str:
    if answer.status in (401, 403):
        return f"interactions refuses the key ({answer.status}): RAPPORT_API_KEY must be one with admin."
    try:
        problem = json.loads(answer.body)
        return str(problem["detail"])
    except (ValueError, KeyError):
        return f"interactions answered {answer.status} for {customer}: is that its API?"
