"""``rapport sla``."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from rapport.client import Client, reached_env
from rapport.commands import policy_files
from rapport.commands.recordings import TIMES, Against, Households, Seed, in_utc, no_event
from rapport.commands.show import console
from rapport.replay.progress import ReplayProgress
from rapport.replay.source import Source, open_source, reading
from rapport.simulate.recording import arrivals
from rapport.sla.cases import KEPT, USED, Recording, recorded
from rapport.sla.explanation import explanation
from rapport.sla.figures import figures
from rapport.sla.notes import notes
from rapport.sla.outline import outline
from rapport.sla.page import Page, page
from rapport.sla.simulate import Compared, compare
from rapport.trouble import TroubleError
from services.interactions.config import load
from services.interactions.domain.sla.policy import Sla
from services.interactions.errors import AMBIGUOUS_COMPLAINT
from services.interactions.models.clocks import ExplainedClocks

app = typer.Typer(
    help="Check an SLA policy, explain a complaint's clocks, try a draft on recorded events.",
    no_args_is_help=True,
    add_completion=False,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="An SLA policy (YAML).")]


@app.callback()
def _group() -> None:
    """Check an SLA policy, explain a complaint's clocks, try a draft on recorded events."""


@app.command()
def check(file: File) -> None:
    """Say what the policy holds; exit code 1 and the field at fault where it is not valid."""
    policy_files.check(load, file, outline)


@app.command()
def explain(
    complaint: Annotated[str, typer.Argument(metavar="ID", help="A complaint.")],
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="Whose, where two customers have a complaint of this id.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="What the API answers, for programs.")] = False,
) -> None:
    """Show a complaint's clocks: what each is held to, when it is due, and its used time, window by window.

    Asks interactions' API at RAPPORT_INTERACTIONS_URL with RAPPORT_API_KEY, or that of `rapport up` here.
    """
    path = f"/complaints/{quote(complaint, safe='')}/clocks"
    path += f"?customer_id={quote(customer, safe='')}" if customer is not None else ""
    with Client(reached_env("interactions")) as client:
        status, body = client.call("GET", "interactions", path)
    if status != 200:
        raise TroubleError(_refusal(status, body, complaint, customer))
    if as_json:
        typer.echo(json.dumps(body))
        return
    for part in explanation(ExplainedClocks.model_validate(body)):
        console.print(part)


def _refusal(status: int, body: Any, complaint: str, customer: str | None) -> str:
    problem = body if isinstance(body, dict) else {}
    if problem.get("code") == AMBIGUOUS_COMPLAINT.code:
        return f"Several customers have a complaint {complaint}: say whose with --customer ID."
    if status == 404 and customer is not None:
        return f"There is no complaint {complaint} of customer {customer}."
    if status in (401, 403):
        return f"interactions refuses the key ({status}): RAPPORT_API_KEY must be one with customers:read."
    detail = problem.get("detail") or problem.get("title") or "no reason given"
    return detail if status == 404 else f"interactions answered {status}: {detail}"


@app.command()
def simulate(
    file: File,
    against: Against,
    baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="RAPPORT_SLA",
            help="The policy to compare with; without it the one that ships.",
        ),
    ] = None,
    households: Households = None,
    seed: Seed = 1,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            metavar="DATE",
            formats=TIMES,
            help="Only complaints opened then or later; a date is its first instant in UTC.",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--to",
            metavar="DATE",
            formats=TIMES,
            help="The end, likewise; without it the last event's time.",
        ),
    ] = None,
    most: Annotated[
        int, typer.Option("--show", min=0, help="How many complaints with another outcome are named.")
    ] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="All numbers, for programs.")] = False,
) -> None:
    """What recorded complaints would have looked like under the policy, beside another one.

    The rules are the service's own: what it would have warned of, breached and escalated, by clock and by
    policy, and which complaints end otherwise. Nothing is sent.
    """
    draft, base = (policy_files.loaded(load, one) for one in (file, baseline))
    begin, end = in_utc(since), in_utc(until)
    progress = Console(stderr=True)
    with progress.status(f"reading {against}"):
        kept = [cls.event_type for cls in KEPT]
        source = open_source(against, households=households, seed=seed, kept=kept)
    recording = _read(source, against, end, progress)
    compared = _compared(recording, base, draft, begin, progress)
    if as_json:
        typer.echo(json.dumps(figures(compared, recording.first, recording.end, recording.events)))
        return
    title = (
        f"draft {file}, baseline {baseline or 'the policy that ships'}",
        f"{against}: {recording.events:,} events, {recording.first:%Y-%m-%d} to {recording.end:%Y-%m-%d}"
        + (f", complaints from {begin:%Y-%m-%d} on" if begin else ""),
    )
    told = [*source.notes, *notes(recording, compared, source.left_out())]
    console.print(page(Page(title, compared, tuple(told), most)))


def _read(source: Source, name: str, until: datetime | None, progress: Console) -> Recording:
    with (
        reading(name, progress, "nothing was simulated"),
        ReplayProgress(progress, source.total, what="reading") as report,
    ):
        done = recorded(arrivals(source, USED), until=until, report=report)
    if done is None:
        raise no_event(name, until)
    return done


def _compared(
    recording: Recording, base: Sla, draft: Sla, since: datetime | None, progress: Console
) -> Compared:
    columns = (TextColumn("complaints"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=progress, disable=not progress.is_terminal, transient=True) as shown:
        task = shown.add_task("", total=len(recording.cases))
        return compare(
            recording.cases,
            base,
            draft,
            recording.end,
            since=since,
            report=lambda done: shown.update(task, completed=done),
        )
