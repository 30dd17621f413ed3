"""``rapport status``."""

import json
from typing import Annotated

import typer

from rapport.commands.show import console, overview
from rapport.home import Home
from rapport.status import orphans, read, supervisor


def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """What runs here, and how it does."""
    home = Home.find()
    running = supervisor(home)
    now = read(home) if running else None
    if as_json:
        phase = now.phase if now else "stopped"
        parts = [part.as_dict() for part in now.parts] if now else []
        typer.echo(json.dumps({"phase": phase, "home": str(home.root), "parts": parts}))
    elif now is not None:
        console.print(overview(now))
        console.print(f"\n[dim]{now.phase} in {home.root}, supervisor pid {running and running['pid']}[/]")
    elif left := orphans(home):
        pids = ", ".join(str(identity["pid"]) for identity in left)
        console.print(f"The supervisor was killed; parts still run (pids {pids}): `rapport down` stops them.")
    else:
        console.print(f"Nothing runs in {home.root}; `rapport up` starts it.")
