"""``rapport erasures``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from rapport import connections
from rapport.commands.show import console, table
from rapport.erasures.file import parse
from rapport.erasures.key import erased_by
from rapport.erasures.stores import Databases, Imported
from rapport.home import write_atomically
from rapport.store import explained
from rapport.trouble import TroubleError

app = typer.Typer(
    help="By what erased ids are known: out of the databases, and into them again.",
    no_args_is_help=True,
    add_completion=False,
)

File = Annotated[Path, typer.Argument(metavar="FILE")]


@app.callback()
def _group() -> None:
    """By what erased ids are known: out of the databases, and into them again."""


@app.command()
def export(file: File) -> None:
    """Write the tombstones of the four databases to one file: hashes, nothing else.

    Reads the databases at RAPPORT_MONGO, or those of `rapport up` here. Keep it beside the backups: it is
    newer than they are.
    """
    with _opened(erased_by(connections.store_environ())) as databases:
        tombstones = databases.export()
    try:
        write_atomically(file, tombstones.text(datetime.now(UTC)), private=True)
    except OSError as error:
        raise TroubleError(f"Cannot write {file}: {error.strerror}.") from None
    made = table("service", "tombstones", right=("tombstones",))
    for service, hashes in tombstones.erased.items():
        made.add_row(service, f"{len(hashes):,}")
    console.print(made)
    console.print(f"\nWritten to {file}, under the key {tombstones.key}.", soft_wrap=True)


@app.command("import")
def import_(file: File) -> None:
    """Bring tombstones in, after a backup was restored: whoever it has again is erased again.

    Import while the workers are stopped: they erase as soon as they start. What is there stays, and it may
    be done twice.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise TroubleError(f"Cannot read {file}: {error.strerror}.") from None
    key = erased_by(connections.store_environ())
    try:
        tombstones = parse(text, key)
    except TroubleError as trouble:
        raise TroubleError(f"{file}: {trouble}") from None
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    tasks: dict[str, TaskID] = {}

    def came(service: str, count: int, total: int) -> None:
        if service not in tasks:
            tasks[service] = progress.add_task(f"looking through {service}")
        progress.update(tasks[service], completed=count, total=total)

    with _opened(key) as databases, progress:
        done = databases.take(tombstones, datetime.now(UTC), came)
    console.print(_page(done))
    if any(one.returned for one in done):
        console.print("\nThe workers erase who came back as soon as they start: start them now.")


@contextmanager
def _opened(key: bytes) -> Iterator[Databases]:
    settings = connections.store()
    with explained(settings), Databases(settings, key) as databases:
        yield databases


def _page(done: Sequence[Imported]) -> Table:
    made = table("service", "tombstones", "new", "came back", right=("tombstones", "new", "came back"))
    for one in done:
        made.add_row(one.service, f"{one.told:,}", f"{one.new:,}", f"{one.returned:,}")
    return made
