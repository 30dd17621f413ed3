"""``rapport keys``."""

import json
import re
import secrets
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from rapport.commands.clock import read_time
from rapport.commands.show import console
from rapport.trouble import TroubleError
from shared.http.keys import hash_of
from shared.runtime.access import KeyName, NamedKey

PREFIX = "rapport_"
"""What keys begin with, so that scanners of repositories know one."""

app = typer.Typer(help="Make keys for callers of the APIs.", no_args_is_help=True, add_completion=False)


@app.callback()
def _group() -> None:
    """Make keys for callers of the APIs (RAPPORT_API_KEYS)."""


def entry(name: str, key: str, **told: Any) -> dict[str, Any]:
    """What the setting says of a key: its hash, and what is told of it. Raises TroubleError."""
    keep = told.pop("keep", None)
    given = {"key_sha256": [hash_of(key), keep] if keep else hash_of(key)}
    given |= {field: value for field, value in told.items() if value}
    try:
        TypeAdapter(KeyName).validate_python(name)
    except ValidationError:
        raise TroubleError(f"{name!r} is no name of a key: up to 64 letters, digits and . _ -.") from None
    try:
        NamedKey.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise TroubleError(f"{place}: {first['msg'].removeprefix('Value error, ')}.") from None
    return {name: given}


def when(text: str, now: datetime) -> datetime:
    """A time, or so many days from now (``90d``). Raises TroubleError."""
    if match := re.fullmatch(r"([0-9]{1,4})d", text):
        return (now + timedelta(days=int(match[1]))).replace(microsecond=0)
    to = read_time(text)
    if to <= now:
        raise TroubleError(f"{text} is past.")
    return to


def _listed(values: list[str] | None) -> list[str]:
    return [one for value in values or () for one in value.replace(",", " ").split()]


@app.command()
def make(
    name: Annotated[str, typer.Argument(help="Whose key: it becomes a part of what is written with it.")],
    scopes: Annotated[str, typer.Option(help="What it may do, such as events:write,customers:read.")],
    source: Annotated[
        list[str] | None, typer.Option(help="Events of these sources alone: /pos/17 or /pos/17/*.")
    ] = None,
    type: Annotated[
        list[str] | None, typer.Option(help="Events of these types alone: purchase.made or purchase.*.")
    ] = None,
    expires: Annotated[str | None, typer.Option(help="A time, or so many days: 90d.")] = None,
    keep: Annotated[
        str | None, typer.Option(help="SHA-256 of the key that this one replaces: both work until it goes.")
    ] = None,
) -> None:
    """Print a new key, once, and on the next line what RAPPORT_API_KEYS says of it. It is kept nowhere."""
    key = PREFIX + secrets.token_urlsafe(32)
    until = when(expires, datetime.now(UTC)).isoformat().replace("+00:00", "Z") if expires else None
    told = entry(
        name,
        key,
        scopes=sorted(set(_listed([scopes]))),
        sources=_listed(source),
        types=_listed(type),
        expires_at=until,
        keep=keep,
    )
    print(key)
    print(json.dumps(told))
    if sys.stdout.isatty():
        console.print("\nThe key is shown this once. Put the second line into RAPPORT_API_KEYS.", style="dim")
