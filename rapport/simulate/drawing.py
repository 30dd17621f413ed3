"""What the pages of simulations are drawn with: headings, tables, and bars in pairs."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.bar import Bar
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from rapport.simulate.figures import NONE, number

BAR_WIDTH = 40
COLOURS = {"baseline": "bright_black", "draft": "cyan"}

Month = tuple[int, int]
"""Year, month."""


def bars(
    rows: Sequence[tuple[str, int | None, int | None]],
    show: Callable[[int], str] = number,
    most: int | None = None,
) -> Table:
    """Two bars per row, baseline and draft, all on one scale; None: there is nothing to draw. ``most``: what
    a full bar is, by default the highest value."""
    most = most or max((value or 0 for _, *values in rows for value in values), default=0) or 1
    made = Table(box=None, pad_edge=False, show_header=False)
    for justify in ("left", "left", "left", "right"):
        made.add_column(justify=justify)
    for label, *values in rows:
        for (which, colour), value in zip(COLOURS.items(), values, strict=True):
            bar = Bar(most, 0, value or 0, width=BAR_WIDTH, color=colour)
            made.add_row(label, Text(which, style=colour), bar, NONE if value is None else show(value))
            label = ""
    return made


def heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def plain_table(first: str, *others: str) -> Table:
    """The first column to the left, the others to the right."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    made.add_column(first)
    for name in others:
        made.add_column(name, justify="right")
    return made


def months_of(*counted: Iterable[Month]) -> Iterator[Month]:
    """All months from the first that any of these has to the last."""
    found = sorted({month for one in counted for month in one})
    if not found:
        return
    year, month = found[0]
    while (year, month) <= found[-1]:
        yield year, month
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
