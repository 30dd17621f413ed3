"""``rapport up``."""

import signal
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from rapport.commands.down import stop_with_progress
from rapport.commands.show import StartProgress, console, overview
from rapport.embedded import jars
from rapport.embedded.stack import select
from rapport.home import Home, read_env
from rapport.launch import StartFailedError, fetch, launch
from rapport.status import Status, read, supervisor
from rapport.trouble import TroubleError, diagnose


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when all is ready.")] = False,
    parts: Annotated[
        str,
        typer.Option(help="Which parts: all, infra, workers, apis, a service or a part; comma-separated."),
    ] = "all",
    clock: Annotated[
        str | None, typer.Option(help="wall, or stream: timers run on event time.", envvar="RAPPORT_CLOCK")
    ] = None,
    program: Annotated[
        Path | None, typer.Option(help="The loyalty program (YAML).", envvar="RAPPORT_PROGRAM")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="The outreach rules (YAML).", envvar="RAPPORT_RULES")
    ] = None,
    sla: Annotated[Path | None, typer.Option(help="The SLA policy (YAML).", envvar="RAPPORT_SLA")] = None,
    desk: Annotated[
        Path | None, typer.Option(help="The desk's teams and rules (YAML).", envvar="RAPPORT_DESK")
    ] = None,
    metrics_policy: Annotated[
        Path | None,
        typer.Option(help="What metrics' numbers mean (YAML).", envvar="RAPPORT_METRICS_POLICY"),
    ] = None,
) -> None:
    """Start the whole platform on this machine and keep it up: a part that dies is started again.

    Data lives in .rapport here (or RAPPORT_HOME); .rapport/env names the addresses and the API key.
    """
    home = Home.find()
    given = {
        "RAPPORT_CLOCK": clock,
        "RAPPORT_PROGRAM": program,
        "RAPPORT_RULES": rules,
        "RAPPORT_SLA": sla,
        "RAPPORT_DESK": desk,
        "RAPPORT_METRICS_POLICY": metrics_policy,
    }
    if not start_with_progress(home, select(parts), {n: str(v) for n, v in given.items() if v}):
        console.print(f"[bold]Already up[/] in {home.root}; `rapport down` stops it.\n")
        console.print(overview(read(home)))
    elif detach:
        console.print(overview(read(home)))
        console.print(
            f"\nAddresses and the API key: [bold]set -a; . {home.env_file}; set +a[/]", soft_wrap=True
        )
    else:
        _stay(home)


def start_with_progress(home: Home, parts: tuple[str, ...], options: dict[str, str]) -> bool:
    """``launch`` with bars on the terminal; False when a stack ran already. Raises TroubleError."""
    if supervisor(home):
        return False
    _fetch(parts)
    try:
        with StartProgress(parts) as progress:
            return launch(home, parts, options, progress.update)
    except StartFailedError as failed:
        failure = failed.failure
        console.print(f"\n[bold]The end of {home.log(failure.part)}[/]")
        for line in failure.tail:
            console.print(Text("  " + line, style="dim"))
        message = failure.message
        if diagnose(failure.tail) is None:
            message += f" The end of its log is above; all of it is in {home.log(failure.part)}."
        raise TroubleError(f"{failure.part} did not start, so everything was stopped. {message}") from None


def _fetch(parts: tuple[str, ...]) -> None:
    if "kafka" not in parts or not jars.missing(jars.cache_folder()):
        fetch(parts)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        total = sum(jar.size for jar in jars.missing(jars.cache_folder()))
        task = bar.add_task("Apache Kafka (once for this machine)", total=total)
        fetch(parts, lambda p: bar.update(task, completed=p.done, total=p.total))


def _stay(home: Home) -> None:
    """Show a status line until Ctrl-C (or SIGTERM, or the terminal closes), then stop everything."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    console.print(overview(read(home)))
    try:
        with Live(console=console, refresh_per_second=4) as live:
            while supervisor(home):
                live.update(_line(home, read(home)))
                time.sleep(0.25)
    except KeyboardInterrupt:
        stop_with_progress(home)
        return
    console.print("Stopped from elsewhere.")


def _line(home: Home, status: Status | None) -> Text:
    parts = status.parts if status else ()
    late = [f"{part.name} {part.state}" for part in parts if part.state != "ready"]
    restarts = sum(part.restarts for part in parts)
    words = [f"{len(parts) - len(late)} of {len(parts)} parts ready", *late]
    words += [f"{restarts} restarts"] if restarts else []
    url = read_env(home).get("RAPPORT_INTERACTIONS_URL")
    words += [f"{url}/docs"] if url else []
    return Text(" · ".join([*words, "Ctrl-C stops"]), style="yellow" if late else "green")
