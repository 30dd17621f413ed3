"""``rapport program``."""

import io
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, RenderableType

from rapport.commands import policy_files
from rapport.commands.recordings import TIMES, Against, Households, Seed, in_utc, no_event
from rapport.commands.show import console
from rapport.replay.progress import ReplayProgress
from rapport.replay.source import Source, open_source, reading
from rapport.simulate.notes import notes
from rapport.simulate.outline import outline
from rapport.simulate.page import Comparison, page
from rapport.simulate.recording import arrivals
from rapport.simulate.run import Simulated
from rapport.simulate.run import simulate as run_programs
from rapport.trouble import TroubleError
from services.loyalty.config import load
from services.loyalty.domain.apply import CONSUMES
from services.loyalty.domain.program.program import Programs

SVG_COLUMNS = 100

app = typer.Typer(
    help="Check a loyalty program, and try it on recorded events.",
    no_args_is_help=True,
    add_completion=False,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A loyalty program (YAML).")]


@app.callback()
def _group() -> None:
    """Check a loyalty program, and try it on recorded events. Needs no server."""


@app.command()
def check(file: File) -> None:
    """Say what the program holds; exit code 1 and the field at fault where it is not valid."""
    policy_files.check(load, file, outline)


@app.command()
def simulate(
    file: File,
    against: Against,
    baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="RAPPORT_PROGRAM",
            help="The program to compare with; without it the one that ships.",
        ),
    ] = None,
    households: Households = None,
    seed: Seed = 1,
    until: Annotated[
        datetime | None,
        typer.Option(
            metavar="DATE",
            formats=TIMES,
            help="The end, a date's first instant in UTC; without it the last event's time.",
        ),
    ] = None,
    join: Annotated[
        bool,
        typer.Option("--join", help="Under explicit enrolment each customer joins at the first purchase."),
    ] = False,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the page there too.")] = None,
) -> None:
    """What the program would have cost and given on recorded events, beside another program.

    Both run in memory through the rules that the service runs: points, tiers, campaigns, referrals, and
    what time alone brings up to the end. Redemptions are in no recording and are not replayed.
    """
    draft, base = (policy_files.loaded(load, one) for one in (file, baseline))
    progress = Console(stderr=True)
    with progress.status(f"reading {against}"):
        source = open_source(against, households=households, seed=seed)
    simulated = _run(source, against, (base, draft), in_utc(until), join, progress)
    title = (
        f"draft {file}, baseline {baseline or 'the program that ships'}",
        f"{against}: {simulated.events:,} events, {simulated.used:,} of them for loyalty, "
        f"{simulated.first:%Y-%m-%d} to {simulated.end:%Y-%m-%d}",
    )
    told = [*source.notes, *notes(simulated, base, draft, join=join)]
    if source.left_out():
        told.append(
            f"{source.left_out():,} events of Rapport's own types are left out: it writes them itself."
        )
    before, after = simulated.results
    shown = page(Comparison(title, before, after, tuple(told)))
    console.print(shown)
    if svg is not None:
        _write_svg(svg, shown)
        progress.print(f"The page is in {svg}.", markup=False, highlight=False, soft_wrap=True)


def _run(
    source: Source,
    name: str,
    programs: tuple[Programs, Programs],
    until: datetime | None,
    join: bool,
    progress: Console,
) -> Simulated:
    with (
        reading(name, progress, "nothing was simulated"),
        ReplayProgress(progress, source.total) as report,
    ):
        done = run_programs(arrivals(source, CONSUMES), programs, until=until, join=join, report=report)
    if done is None:
        raise no_event(name, until)
    return done


def _write_svg(file: Path, shown: RenderableType) -> None:
    drawn = Console(record=True, width=SVG_COLUMNS, file=io.StringIO(), force_terminal=True)
    drawn.print(shown)
    try:
        drawn.save_svg(str(file), title="rapport program simulate")
    except OSError as error:
        raise TroubleError(f"{file} cannot be written: {error.strerror}.") from None
