"""What the demo shows while it runs: a table that changes, or a line now and then without a terminal."""

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rapport.broker import GROUP_PREFIX
from rapport.demo.oracle import TIERS
from rapport.demo.settle import Left
from rapport.demo.tally import Tally
from rapport.replay.feed import Progress

_LINE_EVERY_S = 10.0


class Board:
    """Holds the newest numbers and draws them. Use as a context."""

    def __init__(
        self,
        console: Console,
        total: int,
        tally: Callable[[], Tally],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._total = total
        self._tally = tally
        self._clock = clock
        self._began = self._printed = clock()
        self._phase = ""
        self._progress = Progress()
        self._left: Left | None = None
        self._rates: dict[str, float] = {}
        self._measured = self._began
        self._nps = "-"
        self._live = Live(get_renderable=self.draw, console=console, refresh_per_second=2, transient=True)

    def __enter__(self) -> "Board":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def phase(self, text: str) -> None:
        """What is being done now."""
        self._phase = text
        if not self._console.is_terminal:
            self._console.print(f"{self._seconds():5.0f} s  {text}", highlight=False, soft_wrap=True)

    def progress(self, done: Progress) -> None:
        self._progress = done

    def nps(self, kpis: dict[str, Any]) -> None:
        self._nps = score(kpis.get("nps"))

    def left(self, left: Left) -> None:
        """What is still unread, and from the last one the records per second of each service."""
        now = self._clock()
        if self._left is not None and now > self._measured:
            for group, count in left.handled.items():
                before = self._left.handled.get(group, 0)
                self._rates[group] = (count - before) / (now - self._measured)
        self._left, self._measured = left, now
        if not self._console.is_terminal and now - self._printed >= _LINE_EVERY_S:
            self._printed = now
            self._console.print(self._line(), highlight=False, soft_wrap=True)

    def draw(self) -> RenderableType:
        reached = self._progress.reached
        head = Text(f"{self._seconds():.0f} s  {self._phase}", style="bold")
        sent = f"sent {self._progress.events:,} of {self._total:,} events"
        head.append(f"\n{sent}, reached {reached:%d %B %Y}\n" if reached else f"\n{sent}\n", style="dim")
        tally = self._tally()
        grid = Table.grid(padding=(0, 4))
        grid.add_row(self._services(), _members(tally), outreach_table(tally))
        return Group(head, grid, Text(f"NPS {self._nps}"))

    def _services(self) -> Table:
        table = Table(title="services", title_justify="left")
        table.add_column("service")
        table.add_column("records/s", justify="right")
        table.add_column("unread", justify="right")
        for group, count in sorted(self._left.groups.items() if self._left else ()):
            rate = self._rates.get(group, 0.0)
            table.add_row(group.removeprefix(GROUP_PREFIX), f"{rate:,.0f}", f"{count:,}")
        return table

    def _line(self) -> str:
        tally = self._tally()
        sent = sum(count for (action, _), count in tally.outreach.items() if action == "sent")
        rate = max(self._rates.values(), default=0.0)
        return (
            f"{self._seconds():5.0f} s  sent {self._progress.events:,}/{self._total:,}, left: {self._left}, "
            f"{rate:,.0f} records/s; {len(tally.balances):,} members hold {sum(tally.balances.values()):,} "
            f"points; {sent:,} messages sent; NPS {self._nps}"
        )

    def _seconds(self) -> float:
        return self._clock() - self._began


def score(value: Any) -> str:
    """A KPI for people: a number, or the ``value`` of an object with its count ``n``; ``-`` for none."""
    if isinstance(value, dict):
        shown = score(value.get("value"))
        return f"{shown} (n={value['n']:,})" if value.get("n") is not None and shown != "-" else shown
    return "-" if value is None else f"{value:,.1f}".removesuffix(".0")


def _members(tally: Tally) -> Table:
    table = Table(title="members", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    tiers = list(tally.tiers.values())
    for name, _, _ in reversed(TIERS):
        table.add_row(name, f"{tiers.count(name):,}")
    table.add_section()
    for kind, points in sorted(tally.points.items()):
        table.add_row(f"points {kind}", f"{points:,}")
    table.add_row("balances", f"{sum(tally.balances.values()):,}", style="bold")
    return table


def outreach_table(tally: Tally) -> Table:
    """Messages by rule and fate."""
    fates = sorted({action for action, _ in tally.outreach} - {"scheduled"})
    table = Table(title="outreach by rule", title_justify="left")
    table.add_column("rule")
    for fate in fates:
        table.add_column(fate, justify="right")
    for rule in sorted({rule for _, rule in tally.outreach}):
        table.add_row(rule, *(f"{tally.outreach[fate, rule]:,}" for fate in fates))
    return table
