"""``rapport rules``."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rapport.client import Client, reached_env
from rapport.commands import policy_files
from rapport.commands.recordings import TIMES, Against, Households, Seed, in_utc, no_event
from rapport.commands.rules_in_force import explain, show_results
from rapport.commands.show import console
from rapport.replay.progress import ReplayProgress
from rapport.replay.source import DATASET, open_source, reading
from rapport.rules.compare import compare
from rapport.rules.draft import Draft, load_draft
from rapport.rules.figures import figures
from rapport.rules.gallery import PAGE
from rapport.rules.gallery import gallery as made
from rapport.rules.html import simulation_page
from rapport.rules.notes import notes
from rapport.rules.outline import outline
from rapport.rules.page import Page, page
from rapport.rules.preview import Previewed, in_force, of_recording, shown
from rapport.rules.stream import Heard, asks_program, recorded_types, used
from rapport.simulate.recording import arrivals
from rapport.trouble import TroubleError
from services.loyalty.config import load as load_program

app = typer.Typer(
    help="Outreach rules: check a draft, preview it for a customer, try it on recorded events.",
    no_args_is_help=True,
    add_completion=False,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="Outreach rules (YAML).")]
Templates = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        envvar="RAPPORT_TEMPLATES",
        help="A folder whose template files come before those that ship.",
    ),
]
Channels = Annotated[
    list[str] | None,
    typer.Option(
        "--channel",
        metavar="NAME",
        help="Counts as switched on, beside those of this environment. May be repeated.",
    ),
]


@app.callback()
def _group() -> None:
    """Outreach rules: check a draft, preview it for a customer, try it on recorded events."""


def drafted(file: Path | None, templates: Path | None, channels: Sequence[str] | None) -> Draft:
    """The file as a draft. Raises TroubleError."""
    return policy_files.loaded(
        lambda one: load_draft(one, templates=templates, channels=channels or ()), file
    )


@app.command()
def check(file: File, templates: Templates = None, channels: Channels = None) -> None:
    """Say what the rules hold; exit code 1 and the field at fault where they are not valid.

    Every template is rendered with made-up values, as the service does when it starts.
    """
    policy_files.check(
        lambda one: load_draft(one, templates=templates, channels=channels or ()), file, outline
    )


@app.command()
def preview(
    customers: Annotated[
        list[str], typer.Option("--customer", metavar="ID", help="For whom. May be repeated.")
    ],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A draft; without it the rules in force are asked."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|DATASET", help=f"Of a draft: JSON lines (.gz, - for stdin), or {DATASET}."
        ),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            metavar="DATE",
            formats=TIMES,
            help="Of a draft: as things stood then, a date's first instant in UTC; without it at the end.",
        ),
    ] = None,
    rules: Annotated[
        list[str] | None, typer.Option("--rule", metavar="NAME", help="Only this. May be repeated.")
    ] = None,
    texts: Annotated[bool, typer.Option("--text", help="Show the messages too.")] = False,
    templates: Templates = None,
    channels: Channels = None,
    households: Households = None,
    seed: Seed = 1,
) -> None:
    """What each rule would do to a customer: send now, wait and until when, or not send and why.

    A draft is tried on the customer's events of a recording. Without FILE followup's API is asked about the
    rules in force, at RAPPORT_FOLLOWUP_URL with RAPPORT_API_KEY, or that of `rapport up` here.
    """
    if file is None:
        if against is not None or at is not None:
            raise TroubleError("--against and --at are for a draft: name its FILE.")
        with Client(reached_env("followup")) as client:
            found = in_force(client, customers, rules or ())
    else:
        if against is None:
            raise TroubleError("A draft is tried on a recording: say which with --against PATH.")
        draft, end, progress = drafted(file, templates, channels), in_utc(at), Console(stderr=True)
        source = open_source(against, households=households, seed=seed)
        with (
            reading(against, progress, "nothing was tried"),
            ReplayProgress(progress, source.total, what="reading") as report,
        ):
            tried = of_recording(draft, source, customers, rules or (), until=end, report=report)
        if tried is None:
            raise no_event(against, end)
        found = tried
    _print(found, texts)


@app.command()
def simulate(
    file: File,
    against: Against,
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--base",
            "--baseline",
            metavar="FILE",
            envvar="RAPPORT_RULES",
            help="The rules to compare with; without it those that ship.",
        ),
    ] = None,
    program: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="RAPPORT_PROGRAM",
            help="The loyalty program whose facts rules may start at; without it the one that ships.",
        ),
    ] = None,
    templates: Templates = None,
    channels: Channels = None,
    households: Households = None,
    seed: Seed = 1,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--to",
            metavar="DATE",
            formats=TIMES,
            help="The end, a date's first instant in UTC; without it the last event's time.",
        ),
    ] = None,
    newest: Annotated[
        bool, typer.Option("--newest", help="As if each file's newest version had always held.")
    ] = False,
    most: Annotated[
        int, typer.Option("--show", min=0, help="How many kinds of changed outcomes are shown.")
    ] = 20,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the page there too, with charts.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All numbers, for programs.")] = False,
) -> None:
    """Who would get what under a draft, who no longer, and why, on recorded events.

    Draft and baseline run in memory through the rules that the service runs, in virtual time. Nothing is
    sent. What publishing the draft would touch is said at the end: who is in the middle of a rule that it
    changes, and which variables its messages would leave empty.
    """
    draft, base = (drafted(one, templates, channels) for one in (file, baseline))
    if newest:
        draft, base = draft.always_newest(), base.always_newest()
    end, progress = in_utc(until), Console(stderr=True)
    consumed = {*draft.consumes, *base.consumes}
    beside = asks_program(consumed)
    programs = policy_files.loaded(load_program, program) if beside else None
    with progress.status(f"reading {against}"):
        source = open_source(against, households=households, seed=seed, kept=recorded_types(consumed))
    with (
        reading(against, progress, "nothing was simulated"),
        ReplayProgress(progress, source.total, what="simulation") as report,
    ):
        heard = Heard(arrivals(source, used(consumed, beside=beside)), programs, until=end, report=report)
        compared = compare(heard, base, draft)
    if compared is None or heard.first is None or heard.end is None:
        raise no_event(against, end)
    title = (
        f"draft {file}, baseline {baseline or 'the rules that ship'}",
        f"{against}: {heard.events:,} events, {heard.first:%Y-%m-%d} to {heard.end:%Y-%m-%d}",
    )
    told = (*source.notes, *notes(compared, heard, source.left_out()))
    shown = Page(title, compared, told, most)
    if html is not None:
        _write(html, simulation_page(shown))
        progress.print(f"The page is in {html}.", markup=False, highlight=False, soft_wrap=True)
    if as_json:
        typer.echo(json.dumps(figures(compared, heard)))
        return
    console.print(page(shown))


@app.command()
def gallery(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A draft; without it the rules that ship.")
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where to write; made if it is not there.")
    ] = Path("gallery"),
    templates: Templates = None,
    channels: Channels = None,
) -> None:
    """Write every message in every language as files, and a page that shows them all: index.html."""
    draft = drafted(file, templates, channels)
    files = made(draft)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TroubleError(f"{out} cannot be made: {error.strerror}.") from None
    for name, text in files.items():
        _write(out / name, text)
    console.print(
        f"{len(files) - 1} files, and the page {out / PAGE}.", markup=False, highlight=False, soft_wrap=True
    )


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TroubleError(f"{file} cannot be written: {error.strerror}.") from None


def _print(found: Sequence[Previewed], texts: bool) -> None:
    for part in shown(found, texts=texts):
        console.print(part)


app.command()(explain)
app.command("results")(show_results)
