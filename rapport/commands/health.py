"""``rapport health``."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rapport.commands import policy_files
from rapport.commands.recordings import Against, Households, Seed
from rapport.commands.show import console
from rapport.health.calibrate import calibrate as calibrated
from rapport.health.page import as_dict, page
from rapport.replay.source import DATASET, open_source, reading
from rapport.simulate.recording import arrivals
from rapport.trouble import TroubleError
from services.metrics.config import load
from services.metrics.domain.apply import CONSUMES

app = typer.Typer(
    help="Customers' health: how well the score tells who falls silent.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def _group() -> None:
    """Customers' health: how well the score tells who falls silent. Needs no server."""


@app.command()
def calibrate(
    against: Against = DATASET,
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", envvar="RAPPORT_METRICS_POLICY", help="The policy; without it the one that ships."
        ),
    ] = None,
    households: Households = None,
    seed: Seed = 1,
    as_json: Annotated[bool, typer.Option("--json", help="A list for programs.")] = False,
) -> None:
    """How well the score of each quarter's begin ordered who bought nothing in it, beside recency alone.

    Runs recorded events through what the service counts by, in memory: at each quarter's begin the models are
    estimated and all customers scored by what was known then.
    """
    decided = policy_files.loaded(load, policy)
    progress = Console(stderr=True)
    with progress.status(f"reading {against}"):
        source = open_source(against, households=households, seed=seed)
    with reading(against, progress, "nothing was scored"), progress.status("scoring quarter by quarter"):
        quarters = calibrated(arrivals(source, CONSUMES), decided.health)
    if not quarters:
        raise TroubleError(f"{against} has no whole quarter with enough known before it.")
    if as_json:
        typer.echo(json.dumps([as_dict(one) for one in quarters]))
        return
    for part in page(quarters):
        console.print(part, soft_wrap=isinstance(part, str))
    for note in source.notes:
        console.print(note, style="dim", soft_wrap=True)
