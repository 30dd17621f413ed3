"""``rapport schemas``."""

import itertools
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

import msgspec
import typer

from rapport.commands.show import console, plain, table
from rapport.replay.jsonl import STANDARD, open_read
from rapport.trouble import TroubleError
from shared.schemas.codec import BadRecordError, parse_cloudevent
from shared.schemas.topics import OWN_TYPES

app = typer.Typer(help="Check what a producer writes.", no_args_is_help=True, add_completion=False)


class Fault(NamedTuple):
    """One line that ``POST /events`` would refuse."""

    line: int
    type: str
    field: str
    wrong: str


class _Named(msgspec.Struct):
    type: str = ""


@app.callback()
def _group() -> None:
    """Check what a producer writes."""


def faults(lines: Iterable[bytes], now: datetime) -> Iterator[Fault | None]:
    """Of each line that is not empty: what is wrong with it, or None."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = parse_cloudevent(line.strip(), now)
        except BadRecordError as bad:
            yield Fault(number, _type_of(line), bad.field or "", bad.detail)
        else:
            own = event.type in OWN_TYPES
            yield Fault(number, event.type, "type", "only Rapport itself writes it") if own else None


def _type_of(line: bytes) -> str:
    try:
        return msgspec.json.decode(line, type=_Named).type[:128]
    except (msgspec.MsgspecError, RecursionError):
        return ""


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="JSON lines of CloudEvents, .gz too; - is standard input.")],
    most: Annotated[int, typer.Option(min=1, help="Lines at fault that are shown.")] = 50,
) -> None:
    """Say of each line what is wrong with it, as POST /events would; nothing is sent. 1 if anything is."""
    try:
        with open_read(file) as lines:
            found = list(faults(lines, datetime.now(UTC)))
    except OSError as error:
        raise TroubleError(f"{file} cannot be read: {error.strerror or error}.") from None
    bad = [fault for fault in found if fault is not None]
    if not bad:
        console.print(f"All {len(found)} events are as they should be.")
        return
    shown = table("line", "type", "field", "what is wrong", right=("line",), wrapped=("what is wrong",))
    for fault in itertools.islice(bad, most):
        shown.add_row(str(fault.line), fault.type, fault.field, fault.wrong)
    console.print(shown)
    name = "standard input" if file == STANDARD else file
    console.print(plain(f"\n{len(bad)} of {len(found)} events in {name} would be refused."))
    raise typer.Exit(1)
