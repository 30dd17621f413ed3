"""What commands share in how they look."""

import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any

from rich.console import Console, JustifyMethod, RenderableType
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.table import Table
from rich.text import Text

from rapport.status import Status

console = Console(highlight=False)

_CONTROLS = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)), "\N{REPLACEMENT CHARACTER}")
"""What would move a terminal's cursor or colour it: all but tabs and line ends."""

_MARKS = {
    "ready": Text("● ready", "green"),
    "unready": Text("● not ready", "yellow"),
    "starting": Text("◐ starting", "cyan"),
    "waiting": Text("○ waiting", "dim"),
    "restarting": Text("◐ restarting", "yellow"),
    "failed": Text("✗ failed", "red"),
    "stopped": Text("○ stopped", "dim"),
}


def plain(text: str, style: str = "") -> Text:
    """As it is, whoever wrote it: no brackets are read as markup, and nothing speaks to the terminal."""
    return Text(text.translate(_CONTROLS), style)


class Plain(Table):
    """Cells are told as they are, and whole: where a terminal is too narrow, words are broken, not cut."""

    def add_row(self, *cells: RenderableType | None, **more: Any) -> None:
        super().add_row(*(_whole(cell) for cell in cells), **more)


def _whole(cell: RenderableType | None) -> RenderableType | None:
    text = plain(cell) if isinstance(cell, str) else cell
    if isinstance(text, Text) and text.no_wrap is None:
        text = text.copy()
        # Goes before what the column says, which is for who gives way first.
        text.no_wrap, text.overflow = False, "fold"
    return text


def table(*columns: str, right: Iterable[str] = (), wrapped: Iterable[str] = ("",)) -> Table:
    """A plain table; ``right``: columns aligned to the right, ``wrapped``: those of which a cell may take
    several lines."""
    made = Plain(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        justify: JustifyMethod = "right" if column in right else "left"
        made.add_column(column, justify=justify, no_wrap=column not in wrapped, overflow="fold")
    return made


def overview(status: Status | None) -> Table:
    """The parts, how each does, and where it listens."""
    made = table("part", "state", "pid", "address", "restarts", "", right=("pid", "restarts"))
    for part in status.parts if status else ():
        scheme = "http://" if part.name.endswith(("-api", "-worker")) else ""
        made.add_row(
            part.name,
            _MARKS.get(part.state, part.state),
            str(part.pid or "-"),
            f"{scheme}{part.host}:{part.port}" if part.port else "-",
            str(part.restarts),
            Text(part.detail or "", style="dim"),
        )
    return made


class _Seconds(ProgressColumn):
    def render(self, task: Task) -> Text:
        seconds = task.finished_time if task.finished else task.elapsed
        return Text(f"{seconds or 0:.1f} s" if task.started else "", style="dim")


class StartProgress:
    """One line per part with a spinner and its seconds; without a terminal, a line when each is ready."""

    def __init__(self, parts: Sequence[str]) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description:<20}"),
            TextColumn("{task.fields[state]:<10}"),
            _Seconds(),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks = {
            part: self._progress.add_task(part, total=1, start=False, state="waiting") for part in parts
        }
        self._ready: set[str] = set()
        self._began = time.monotonic()

    def __enter__(self) -> "StartProgress":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, status: Status) -> None:
        """Show a status of the supervisor."""
        for part in status.parts:
            task = self._tasks.get(part.name)
            if task is None or part.name in self._ready:
                continue
            if part.state != "waiting" and self._progress.tasks[task].start_time is None:
                self._progress.start_task(task)
            self._progress.update(task, state=part.state, completed=1 if part.state == "ready" else 0)
            if part.state == "ready":
                self._ready.add(part.name)
                if not console.is_terminal:
                    console.print(f"{part.name} ready after {time.monotonic() - self._began:.1f} s")
