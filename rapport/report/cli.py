"""``rapport report``: a week or a month that is over, as one HTML file for people."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from rapport.client import Client, reached_env
from rapport.commands.show import console
from rapport.home import Home, read_env, write_atomically
from rapport.report.mail import letter, send
from rapport.trouble import TroubleError


def report(
    week: Annotated[bool, typer.Option("--week", help="The last week, the default.")] = False,
    month: Annotated[bool, typer.Option("--month", help="The last month of the calendar.")] = False,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="It was over when this day began (UTC); by default today."),
    ] = None,
    segment: Annotated[str | None, typer.Option(help="Of customers in this segment alone.")] = None,
    channel: Annotated[str | None, typer.Option(help="Of this channel alone.")] = None,
    tier: Annotated[str | None, typer.Option(help="Of members of this tier alone.")] = None,
    store: Annotated[str | None, typer.Option(help="Of this store alone.")] = None,
    team: Annotated[str | None, typer.Option(help="Of what this team answers for.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write it.")] = None,
    mail: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Mail it there, by followup's mail server. May be repeated."),
    ] = None,
    sender: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="From whom; by default as the rules in force send."),
    ] = None,
) -> None:
    """How customers were doing in a week or a month that is over, beside the one before.

    One HTML file with its charts in it, that needs nothing beside it: for a browser, a printer or a mail.
    """
    if week and month:
        raise TroubleError("A report is of a week or of a month: give --week or --month.")
    asked = Asked("month" if month else "week", until and until.date(), segment, channel, tier, store, team)
    with Client(reached_env("metrics")) as client:
        file = write(client, asked, out)
        console.print(file.resolve().as_uri(), soft_wrap=True)
        if mail:
            found = letter(client.get("metrics", asked.path), file)
            send(_mailing(), found, _sender(sender), mail)
            console.print(f"Mailed to {', '.join(mail)}.", markup=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which report."""

    period: str
    until: date | None = None
    segment: str | None = None
    channel: str | None = None
    tier: str | None = None
    store: str | None = None
    team: str | None = None

    @property
    def path(self) -> str:
        given = {name: value for name, value in asdict(self).items() if value}
        return f"/report?{urlencode(given)}"


def write(client: Client, asked: Asked, out: Path | None = None) -> Path:
    """Fetch the report into a file, by default named after its days. Raises TroubleError."""
    said = client.get("metrics", asked.path)
    file = out or Path(f"report-{asked.period}-{said['from']}.html")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, client.page("metrics", asked.path))
    return file


def _mailing() -> Mapping[str, str]:
    """The variables of the mail server: these, else those of the stack that runs in this home."""
    return os.environ if os.environ.get("RAPPORT_SMTP_HOST") else read_env(Home.find()) | dict(os.environ)


def _sender(given: str | None) -> tuple[str, str]:
    """Name and address."""
    if given:
        return "", given
    with Client(reached_env("followup")) as followup:
        found: dict[str, Any] = followup.get("followup", "/rules")["sender"]
    return found["name"], found["address"]
