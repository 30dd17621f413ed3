"""The demo's last line: the report of December 2017, the last month of the recorded year."""

from datetime import date
from pathlib import Path

from rich.console import Console

from rapport.client import Client
from rapport.home import Home
from rapport.report.cli import Asked, write

DECEMBER = Asked("month", until=date(2018, 1, 1))


def report_file(home: Home) -> Path:
    return home.root / "report.html"


def write_report(client: Client, home: Home) -> None:
    """While the stack runs. Raises TroubleError."""
    write(client, DECEMBER, report_file(home))


def show_report(console: Console, home: Home) -> None:
    """Where it is, if the demo came so far."""
    file = report_file(home)
    if file.exists():
        words = "The month in figures, as `rapport report --month` writes it:"
        console.print(f"{words} {file.resolve().as_uri()}", soft_wrap=True, highlight=False, markup=False)
