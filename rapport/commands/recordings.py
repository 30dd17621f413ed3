"""What commands that try a draft on recorded events have in common: which events, up to when."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from rapport.replay.source import DATASET
from rapport.trouble import TroubleError

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"]
"""How a time is written; a date is its first instant in UTC."""

Against = Annotated[
    str, typer.Option(metavar="PATH|DATASET", help=f"JSON lines (.gz, - for stdin), or {DATASET}.")
]
Households = Annotated[
    int | None, typer.Option(min=1, help="Of the data set: only the households with the lowest ids.")
]
Seed = Annotated[int, typer.Option(help="Of the data set: the seed of what is simulated.")]


def in_utc(time: datetime | None) -> datetime | None:
    """A time that was given, in UTC; without an offset it is UTC."""
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def no_event(name: str, until: datetime | None) -> TroubleError:
    """The recording is empty, as far as it is read."""
    return TroubleError(f"There is no event in {name}" + (f" up to {until:%Y-%m-%d}." if until else "."))
