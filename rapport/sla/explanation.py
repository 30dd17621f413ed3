"""A complaint's clocks as text: what each was held to, and the sum of its used time, window by window."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import RenderableType
from rich.text import Text

from rapport.commands.show import table
from rapport.sla.spelled import clock, day, instant, spelled, until
from services.interactions.models.clocks import ExplainedClock, ExplainedClocks, WindowView

_COLOURS = {"running": "cyan", "paused": "yellow", "met": "green", "breached": "red"}
_MOST_ROWS = 60
"""Of longer sums the middle is left out; ``--json`` has all of them."""


def explanation(shown: ExplainedClocks) -> Iterator[RenderableType]:
    """Times are local ones of each clock's calendar."""
    yield Text(f"{shown.complaint_id} of {shown.customer_id}, as of {_utc(shown.at)}", style="bold")
    if not shown.clocks:
        yield Text("It has no clocks: no policy fits it, or none was in force when it was opened.")
    for one in shown.clocks:
        yield ""
        yield from _clock(one)


def _clock(one: ExplainedClock) -> Iterator[RenderableType]:
    zone = ZoneInfo(one.timezone)
    head = Text(f"{one.clock} ", style="bold")
    head.append(one.state, style=_COLOURS[one.state])
    yield head
    yield Text(
        f"policy {one.policy}, version {one.version}; calendar {one.calendar} ({one.timezone})", style="dim"
    )
    for line in _promise(one, zone):
        yield Text(line)
    if one.rows:
        yield _sum(one, zone)


def _promise(one: ExplainedClock, zone: ZoneInfo) -> Iterator[str]:
    began = f"begun {_local(one.started_at, zone)}"
    if one.promised_by is not None:
        yield f"{began}; promised by {_local(one.promised_by, zone)}, open or not"
    else:
        yield f"{began}; {spelled(one.duration_s)} of open time"
    used = f"{spelled(one.used_s)} used"
    if one.due_at is None:
        yield f"not due while it is paused; {used}"
    else:
        yield f"due {_local(one.due_at, zone)}; {used}"


def _sum(one: ExplainedClock, zone: ZoneInfo) -> RenderableType:
    made = table("", "day", "from", "until", "counted", "total", right=("from", "counted", "total"))
    rows = one.rows
    left_out = max(len(rows) - _MOST_ROWS, 0)
    half = _MOST_ROWS // 2
    for row in rows if not left_out else rows[:half]:
        made.add_row(*_row(row, zone))
    if left_out:
        made.add_row("...", f"{left_out:,} more lines", style="dim")
        for row in rows[-half:]:
            made.add_row(*_row(row, zone))
    return made


def _row(row: WindowView, zone: ZoneInfo) -> tuple[str | Text, ...]:
    begin, end = row.begin.astimezone(zone), row.end.astimezone(zone)
    counted, total = spelled(row.counted_s), spelled(row.total_s)
    match row.kind:
        case "carried":
            return "carried", "before it was reopened", "", "", counted, total
        case "paused":
            cells = ("paused", day(begin), clock(begin), until(end, begin), "-", total)
            return tuple(Text(cell, style="yellow") for cell in cells)
        case "open":
            return "open", day(begin), clock(begin), until(end, begin), counted, total


def _local(at: datetime, zone: ZoneInfo) -> str:
    return instant(at.astimezone(zone))


def _utc(at: datetime) -> str:
    return f"{instant(at)} UTC"
