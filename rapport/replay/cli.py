"""``rapport replay``: recorded events in."""

from contextlib import ExitStack
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from rapport import connections
from rapport.replay.feed import Progress, Sink, feed, parse_speed
from rapport.replay.jsonl import open_write
from rapport.replay.progress import ReplayProgress
from rapport.replay.sinks import FileSink, KafkaSink
from rapport.replay.source import DATASET, Source, open_source, reading
from rapport.trouble import TroubleError


def replay(
    source: Annotated[
        str,
        typer.Argument(metavar="PATH|DATASET", help=f"JSON lines (.gz, - for stdin), or {DATASET}."),
    ],
    speed: Annotated[str, typer.Option(help="max, or event time against real time, e.g. 60x.")] = "max",
    households: Annotated[
        int | None, typer.Option(min=1, help="Of the data set: only the households with the lowest ids.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the data set: the seed of what is simulated.")] = 1,
    to: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the events there (.gz, - for stdout) instead.")
    ] = None,
) -> None:
    """Send recorded events to Kafka in the order of event time.

    PATH holds one CloudEvent per line; a bad line stops the replay before anything is sent. The data set's
    recorded times have no zone and are taken as UTC; what it lacks is simulated and has a source under
    /simulated/. Kafka is found by RAPPORT_KAFKA, or by the env file that `rapport up` writes.
    """
    console = Console(stderr=True)
    pace = _pace(speed)
    with console.status(f"reading {source}"):
        opened = open_source(source, households=households, seed=seed)
    for note in opened.notes:
        console.print(escape(note))
    try:
        with reading(source, console, "nothing was sent"):
            done = _run(opened, to, pace, console)
    except KeyboardInterrupt:
        raise TroubleError(
            "Stopped. Run it again to go on: what was sent already has no second effect."
        ) from None
    console.print(f"{done.events:,} events, of them {done.simulated:,} simulated, to {to or 'Kafka'}.")
    if opened.left_out():
        left_out = f"{opened.left_out():,} events of Rapport's own types were left out"
        console.print(f"{left_out}: it writes them itself.")


def _run(opened: Source, to: str | None, pace: float | None, console: Console) -> Progress:
    with ExitStack() as contexts:
        sink: Sink = (
            FileSink(contexts.enter_context(open_write(to)))
            if to
            else contexts.enter_context(KafkaSink(connections.brokers()))
        )
        progress = contexts.enter_context(ReplayProgress(console, opened.total))
        return feed(opened.records, sink, speed=pace, report=progress)


def _pace(speed: str) -> float | None:
    try:
        return parse_speed(speed)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--speed") from None
