"""``rapport import``."""

import fcntl
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rapport.client import reached_env, url_variable
from rapport.importing import show
from rapport.importing.faults import FaultFile
from rapport.importing.grouped import Grouped
from rapport.importing.place import Place, PlaceFile, identity
from rapport.importing.rows import Rows
from rapport.importing.run import Import
from rapport.importing.sending import Sender
from rapport.importing.sources import format_of, open_rows
from rapport.importing.trial import tried
from rapport.trouble import TroubleError
from shared.mapping.file import MappingFile, load_mapping
from shared.mapping.mapping import Mapper
from shared.runtime.config import ConfigError
from shared.runtime.heap import settle_heap

LANES = 3


def import_(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV, JSON Lines, JSON (each .gz too) or Parquet.", exists=True),
    ],
    map: Annotated[Path, typer.Option("--map", metavar="MAP", help="The mapping (YAML).")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Map every row, and send nothing.")] = False,
    format: Annotated[
        str | None, typer.Option(help="csv, jsonl, json or parquet, where the name does not say it.")
    ] = None,
    errors: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where rows go that fail, with line and reason: .csv or .jsonl; beside FILE unless said.",
        ),
    ] = None,
    place: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where it is kept how far it has come; beside FILE unless said."),
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew, wherever it stopped.")] = False,
    patience: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How long an API that is away is waited for.")
    ] = 600,
) -> None:
    """Import another system's records, as a mapping says.

    They go to interactions' API, at RAPPORT_INTERACTIONS_URL with RAPPORT_API_KEY (scope events:write), or
    that of `rapport up` here. An import that was stopped, or killed, goes on where it was; one that is run
    again has no second effect. Exit code 1 where rows failed.
    """
    console, out = Console(stderr=True), Console(highlight=False)
    mapping = _loaded(map)
    kind = format_of(file, format)
    with ExitStack() as contexts:
        rows = open_rows(file, kind, mapping.form.csv)
        contexts.callback(rows.close)
        if mapping.form.group is not None:
            rows = Grouped(rows, mapping.form.group)
        mapper = _over(mapping, rows)
        faults = FaultFile(errors or file.with_name(f"{file.name}.errors{_suffix(kind)}"), rows.columns)
        at = place or file.with_name(f"{file.name}.place")
        _apart(file, map, faults.path, at)
        contexts.callback(faults.close)
        if dry_run:
            failed = _dry_run(mapper, rows, faults if errors is not None else None, console, out)
        else:
            _lock(contexts, file)
            failed = _run(file, mapping, mapper, rows, faults, at, restart, patience, console, out)
    if failed:
        raise typer.Exit(1)


def _loaded(path: Path) -> MappingFile:
    try:
        return load_mapping(path)
    except ConfigError as error:
        raise TroubleError(str(error)) from None


def _over(mapping: MappingFile, rows: Rows) -> Mapper:
    """The mapping, checked against what the file holds."""
    try:
        return mapping.over(rows.kind(mapping.sample))
    except ConfigError as error:
        raise TroubleError(str(error)) from None


def _apart(*paths: Path) -> None:
    """What is written must be no file that is read."""
    places = [path.resolve() for path in paths]
    for path in places:
        if places.count(path) > 1:
            raise TroubleError(f"{path} cannot be two things at once: name the files apart.")


def _suffix(format: str) -> str:
    return ".csv" if format == "csv" else ".jsonl"


def _lock(contexts: ExitStack, file: Path) -> None:
    opened = contexts.enter_context(file.open("rb"))
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise TroubleError(f"{file} is being imported already.") from None


def _dry_run(mapper: Mapper, rows: Rows, faults: FaultFile | None, console: Console, out: Console) -> int:
    if faults is not None:
        faults.begin(0)
    with show.ImportProgress(console, lambda: rows.done, "dry run") as progress:
        trial = tried(mapper, rows.rows(0), faults, lambda count: progress(count, 0))
    out.print(show.preview(trial))
    events = sum(trial.types.values())
    told = ", ".join(f"{count:,} {name}" for name, count in trial.types.most_common())
    out.print(f"\n{trial.rows:,} rows: {events:,} events{f' ({told})' if told else ''}, ", end="")
    out.print(f"{trial.left_out:,} left out, {trial.failed:,} failed. Nothing was sent.")
    if trial.alike:
        out.print(f"{trial.alike:,} events are called like one before them: of such only the first counts.")
    if trial.failed:
        out.print(show.reasons(trial.reasons))
    return trial.failed


def _run(
    file: Path,
    mapping: MappingFile,
    mapper: Mapper,
    rows: Rows,
    faults: FaultFile,
    at: Path,
    restart: bool,
    patience: float,
    console: Console,
    out: Console,
) -> int:
    settle_heap()
    env = reached_env("interactions")
    url = env[url_variable("interactions")]
    kept = PlaceFile(at, identity(file, mapping.text, url, str(faults.path.resolve())))
    begun = (None if restart else kept.read()) or Place()
    if begun.rows:
        console.print(f"Going on after {begun.rows:,} rows.")
    faults.begin(begun.faults_bytes)
    with show.ImportProgress(console, lambda: rows.done, "import") as progress:
        lanes = [Sender(url, env, patience_s=patience, waiting=progress.waiting) for _ in range(LANES)]
        importing = Import(
            mapper, lanes, faults, kept, report=lambda place: progress(place.rows, place.failed)
        )
        try:
            done = importing.run(rows.rows(begun.rows), begun)
        except KeyboardInterrupt:
            raise TroubleError("Stopped. Run the same again to go on where this stopped.") from None
        finally:
            for lane in lanes:
                lane.close()
    kept.remove()
    told = f"{done.rows:,} rows: {done.events:,} events, {done.left_out:,} left out, {done.failed:,} failed."
    out.print(told)
    if done.failed:
        out.print(show.reasons(importing.reasons))
        out.print(f"The rows that failed are in {faults.path}.", markup=False)
    return done.failed
