"""`rapport rules explain` and `rapport rules results`: what the running service says of its rules."""

import json
from typing import Annotated

import typer

from rapport.client import Client, reached_env
from rapport.commands.show import console
from rapport.rules.explanation import explanation
from rapport.rules.preview import previewed
from rapport.rules.results import results
from rapport.rules.results import shown as results_shown
from rapport.trouble import TroubleError


def explain(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="For whom.")],
    rule: Annotated[str, typer.Argument(metavar="RULE", help="A rule in force.")],
    as_json: Annotated[bool, typer.Option("--json", help="What the API answers, for programs.")] = False,
) -> None:
    """Show what the gate says to a rule's message now, step by step: pass, refuse or wait, and why.

    Asks followup's API at RAPPORT_FOLLOWUP_URL with RAPPORT_API_KEY, or that of `rapport up` here.
    """
    with Client(reached_env("followup")) as client:
        answer = previewed(client, customer, rule)
    if isinstance(answer, str):
        raise TroubleError(answer)
    if as_json:
        typer.echo(answer.model_dump_json())
        return
    for part in explanation(answer):
        console.print(part)


def show_results(
    rules: Annotated[
        list[str] | None, typer.Argument(metavar="[RULE]...", help="Of these; without one, of all in force.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="The first day; 30 days if left out.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--to", metavar="DATE", help="The day after the last; up to now if left out."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="What the API answers, for programs.")] = False,
) -> None:
    """What became of rules' messages: sent, refused and why, answered; of one rule its variants and lift.

    Asks followup's API at RAPPORT_FOLLOWUP_URL with RAPPORT_API_KEY, or that of `rapport up` here. The same
    is a page in a browser, at /marketing of that address: the key is the password.
    """
    with Client(reached_env("followup")) as client:
        found = results(client, rules or (), since, until)
        page = f"{client.urls['followup'].rstrip('/')}/marketing"
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in found]))
        return
    for part in results_shown(found):
        console.print(part)
    console.print(f"\nIn a browser: {page} (any user name, the API key as the password)", style="dim")
