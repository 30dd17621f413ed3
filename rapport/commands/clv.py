"""``rapport clv``."""

import json
import os
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from rapport import connections
from rapport.clv.publishing import fitted, publish
from rapport.clv.records import Records
from rapport.commands.show import console, table
from rapport.trouble import TroubleError
from services.metrics.domain.health.estimating import FEWEST, Estimate, Sample
from services.metrics.domain.health.worth import SPREAD, SUM
from shared.schemas.money import written
from shared.schemas.times import moment

STEP = 1_000

app = typer.Typer(
    help="What customers are worth: estimate the models behind it.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def _group() -> None:
    """What customers are worth: estimate the models behind it."""


@app.command()
def fit(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the estimates; publish nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A list for programs.")] = False,
) -> None:
    """Estimate anew how customers buy and leave and what they pay, from all that metrics knows of them.

    A nightly job: BG/NBD, MBG/NBD, and gamma-gamma for each currency. Reads metrics' database at
    RAPPORT_MONGO and publishes `model.fitted` at RAPPORT_KAFKA; health and lifetime value go by it from then
    on.
    """
    servers = None if dry_run else connections.brokers()
    with Records(connections.store()) as records:
        now = records.now()
        sample, estimates = _estimated(records, Sample(now))
    events = fitted(estimates, now)
    if servers is not None:
        publish(servers, events)
    if as_json:
        typer.echo(json.dumps([_as_dict(one) for one in estimates]))
        return
    console.print(_page(estimates))
    told = "Nothing is published." if dry_run else f"{len(events)} results are published."
    console.print(f"\n{len(sample):,} customers had bought before {moment(now):%Y-%m-%d %H:%M} UTC. {told}")
    if any(one.parameters is None for one in estimates):
        console.print(
            f"A model of which fewer than {FEWEST} customers tell something stays as it is.", style="dim"
        )


def _estimated(records: Records, sample: Sample) -> tuple[Sample, list[Estimate]]:
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with progress:
        reading = progress.add_task("reading customers", total=len(records))
        for n, customer in enumerate(records, 1):
            sample.add(customer)
            if n % STEP == 0:
                progress.update(reading, completed=n)
        progress.update(reading, completed=len(sample), total=len(sample))
        names = sample.models
        fitting = progress.add_task("estimating", total=len(names))
        # Its vectors are short: threads would wait for each other, the more so in a container of few cores.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        estimates: list[Estimate] = []
        try:
            for one in sample.estimates():
                estimates.append(one)
                progress.update(fitting, completed=len(estimates))
        except ModuleNotFoundError as error:
            raise TroubleError(f"{error.name} is missing: pip install 'rapport[fit]'.") from None
        valuing = progress.add_task("valuing customers", total=None)
        estimates += sample.spreads(estimates)
        progress.update(valuing, completed=1, total=1)
    return sample, estimates


def _page(estimates: list[Estimate]) -> Table:
    made = table("model", "customers", "parameters", right=("customers",), wrapped=("parameters",))
    for one in estimates:
        made.add_row(one.model, f"{one.customers:,}", _shown(one))
    return made


def _shown(one: Estimate) -> str:
    if one.parameters is None:
        return "too few"
    if one.model.startswith(f"{SPREAD}."):
        mean = one.parameters[SUM] / max(1, one.customers)
        return f"mean {written(round(mean), one.model.removeprefix(f'{SPREAD}.'))} within a year"
    return ", ".join(f"{name} {value:.4g}" for name, value in one.parameters.items())


def _as_dict(one: Estimate) -> dict[str, object]:
    return {"model": one.model, "customers": one.customers, "parameters": one.parameters}
