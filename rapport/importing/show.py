"""How an import is shown: progress, the preview, what failed and why."""

import time
from collections.abc import Callable, Iterator

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from rapport.commands.show import table
from rapport.importing.faults import Reasons
from rapport.importing.trial import Trial
from shared.mapping.fields import short
from shared.mapping.mapping import Mapped

_EVERY_S = 5.0
_REASONS = 20
_MOST_ID = 20


class ImportProgress:
    """A bar on a terminal, a line now and then elsewhere. Use as a context; call it with counts."""

    def __init__(self, console: Console, done: Callable[[], float], what: str) -> None:
        self._console, self._done, self._what = console, done, what
        self._began = self._told = time.monotonic()
        self._first: int | None = None
        self._bar = Progress(
            TextColumn(what),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn(
                "{task.fields[rows]:,} rows, {task.fields[failed]:,} failed, {task.fields[rate]:,.0f}/s"
            ),
            TextColumn("{task.fields[why]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(what, total=1.0, rows=0, failed=0, rate=0.0, why="")

    def __enter__(self) -> "ImportProgress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, rows: int, failed: int) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = rows
        rate = (rows - self._first) / max(now - self._began, 1e-9)
        self._bar.update(self._task, completed=self._done(), rows=rows, failed=failed, rate=rate, why="")
        if not self._console.is_terminal and now - self._told >= _EVERY_S:
            self._told = now
            self._console.print(f"{self._what}: {rows:,} rows, {failed:,} failed, {rate:,.0f}/s")

    def waiting(self, why: str) -> None:
        """The API is away."""
        self._bar.update(self._task, why=f"waiting: {why}")
        if not self._console.is_terminal:
            self._console.print(f"{self._what}: waiting: {why}", markup=False)


def preview(trial: Trial) -> Table:
    """The first rows as events."""
    made = table("line", "event", "customer", "time", "id", "data", right=("line",), wrapped=("data",))
    for row, became in trial.first:
        line = str(row.line)
        if isinstance(became, str):
            made.add_row(line, Text("failed", style="red"), "", "", "", Text(became))
        elif not became:
            made.add_row(line, Text("left out", style="dim"), "", "", "", "")
        for number, mapped in enumerate(became if isinstance(became, list) else ()):
            made.add_row(line if number == 0 else "", *_cells(mapped))
    return made


def _cells(mapped: Mapped) -> Iterator[Text]:
    event = mapped.event
    data = msgspec.json.decode(mapped.raw, type=dict[str, msgspec.Raw])["data"]
    id = event.id if len(event.id) <= _MOST_ID else f"{event.id[: _MOST_ID - 1]}…"
    time = f"{event.time:%Y-%m-%d %H:%MZ}"
    return map(Text, (short(event.type), event.subject, time, id, bytes(data).decode()))


def reasons(found: Reasons) -> Table:
    """What failed, by reason, the most frequent first."""
    made = table("rows", "first at line", "reason", right=("rows", "first at line"), wrapped=("reason",))
    for reason, count in found.counts.most_common(_REASONS):
        made.add_row(f"{count:,}", str(found.first[reason]), Text(reason))
    if len(found.counts) > _REASONS:
        made.add_row("", "", Text(f"and {len(found.counts) - _REASONS} other reasons", style="dim"))
    return made
