"""``rapport doctor``."""

import json
from typing import Annotated

import typer
from rich.text import Text

from rapport.commands.show import console, table
from rapport.doctor.examine import examine

STYLES = {"ok": "green", "warn": "yellow", "bad": "bold red", "skipped": "dim"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="A list for programs.")] = False,
) -> None:
    """Look at brokers, topics, the store, clocks, certificates, mail, signers of tokens and services.

    Says for each what is wrong and what to do; exit code 1 where something is. Changes nothing.
    """
    found = examine()
    if as_json:
        typer.echo(json.dumps([finding.as_dict() for finding in found]))
    else:
        made = table("", "what", "how it is", "what to do", wrapped=("what", "how it is", "what to do"))
        for one in found:
            state = Text(one.state, style=STYLES[one.state])
            name = one.name if one.name == one.part else f"{one.part}: {one.name}"
            made.add_row(state, name, one.said, one.do)
        console.print(made)
        bad = sum(one.state == "bad" for one in found)
        warned = sum(one.state == "warn" for one in found)
        console.print(f"\n{bad} wrong, {warned} to look after.")
    if any(one.state == "bad" for one in found):
        raise typer.Exit(1)
