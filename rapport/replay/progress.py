"""How a replay is shown, or what reads as one does: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from rapport.replay.feed import Progress

_EVERY_S = 5.0


class ReplayProgress:
    """Use as a context; call it with each progress."""

    def __init__(
        self,
        console: Console,
        total: int | None,
        clock: Callable[[], float] = time.monotonic,
        *,
        what: str = "replay",
    ) -> None:
        """``what`` is done."""
        self._console = console
        self._what = what
        self._clock = clock
        self._began = self._told = clock()
        self._bar = Bar(
            TextColumn(what),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:,.0f} events/s"),
            TextColumn("reached {task.fields[reached]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(what, total=total, rate=0.0, reached="-")

    def __enter__(self) -> "ReplayProgress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, done: Progress) -> None:
        now = self._clock()
        reached = f"{done.reached:%Y-%m-%d}" if done.reached else "-"
        rate = done.events / max(now - self._began, 1e-9)
        self._bar.update(self._task, completed=done.events, rate=rate, reached=reached)
        if not self._console.is_terminal and now - self._told >= _EVERY_S:
            self._told = now
            self._console.print(f"{self._what}: {done.events:,} events, {rate:,.0f}/s, reached {reached}")
