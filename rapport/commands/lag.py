"""``rapport lag``."""

import json
from typing import Annotated

import typer

from rapport import broker, connections
from rapport import lag as lags
from rapport.commands.show import console
from rapport.commands.topics import lags_table


def lag(
    as_json: Annotated[bool, typer.Option("--json", help="A list for programs.")] = False,
) -> None:
    """How many records each service has not handled yet, by topic and partition."""
    with broker.admin(connections.brokers()) as client:
        rows = lags.measure(client)
    if as_json:
        typer.echo(json.dumps([row.as_dict() for row in rows]))
        return
    if not rows:
        console.print("No service has read anything yet.")
        return
    console.print(lags_table(rows))
    console.print(f"\n{lags.total(rows)} records behind in all.")
