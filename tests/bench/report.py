"""How a benchmark is shown: a table of medians, the ratio beside its aim, and where the time goes."""

import cProfile
import os
import pstats
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

console = Console(width=110)


@dataclass(frozen=True, slots=True)
class Run:
    """One run over a store of some size."""

    rate: float
    seconds: float
    read: int
    """States read from the store."""
    written: int
    """States written: each changed customer of a batch once."""
    stages: Mapping[str, float]
    """Seconds by stage."""


def show_ratio(
    title: str, ours: tuple[str, Sequence[float]], limit: tuple[str, Sequence[float]], aim: float
) -> float:
    """Events per second of each, and the median of the ratios run by run. Returns that ratio."""
    table = Table(title=title, title_justify="left")
    for column in ("path", "events/s min", "median", "max"):
        table.add_column(column, justify="left" if column == "path" else "right")
    for name, rates in (ours, limit):
        table.add_row(name, *(f"{f(rates):,.0f}" for f in (min, statistics.median, max)))
    ratios = [a / b for a, b in zip(ours[1], limit[1], strict=True)]
    ratio = statistics.median(ratios)
    console.print(table)
    word = "reached" if ratio >= aim else "not reached"
    console.print(f"ratio {ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f}); aim {aim}: {word}\n")
    return ratio


def processor_seconds(pid: int | None) -> float:
    """What a process has used so far; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show_processors(title: str, runs: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """Milliseconds of processor time for one of what a run did, by path and process; the medians."""
    names = list(next(iter(runs.values()))[0])
    table = Table(title=title, title_justify="left")
    for column in ("path", *names, "together"):
        table.add_column(column, justify="left" if column == "path" else "right")
    for path, found in runs.items():
        costs = [statistics.median(run[name] for run in found) for name in names]
        table.add_row(path, *(f"{cost:.2f}" for cost in (*costs, sum(costs))))
    console.print(table)


def show_sizes(title: str, runs: Mapping[int, Sequence[Run]], aim: float) -> float:
    """Events per second and where the time went, by size; the ratio of the largest to the smallest."""
    rates = Table(title=title, title_justify="left")
    for column in ("members", "events/s min", "median", "max", "states read", "states written"):
        rates.add_column(column, justify="right")
    stages = list(next(iter(runs.values()))[0].stages)
    shares = Table(title="Share of the time", title_justify="left")
    for column in ("members", *stages, "rest"):
        shares.add_column(column, justify="right")
    for size, of_size in runs.items():
        rates.add_row(
            f"{size:,}",
            *(f"{f([run.rate for run in of_size]):,.0f}" for f in (min, statistics.median, max)),
            f"{statistics.median(run.read for run in of_size):,.0f}",
            f"{statistics.median(run.written for run in of_size):,.0f}",
        )
        whole = sum(run.seconds for run in of_size)
        parts = [sum(run.stages[stage] for run in of_size) / whole for stage in stages]
        shares.add_row(f"{size:,}", *(f"{part:.0%}" for part in (*parts, 1 - sum(parts))))
    console.print(rates)
    console.print(shares)
    smallest, largest = min(runs), max(runs)
    ratios = [a.rate / b.rate for a, b in zip(runs[largest], runs[smallest], strict=True)]
    ratio = statistics.median(ratios)
    word = "reached" if ratio >= aim else "not reached"
    console.print(
        f"{largest:,} to {smallest:,} members: ratio {ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f}); "
        f"aim {aim}: {word}\n"
    )
    return ratio


def show_profile(title: str, profile: cProfile.Profile, rows: int = 14) -> None:
    """The functions that take the most time themselves. Under the profiler all Python is slower than
    it is: read the shares, not the seconds."""
    stats = pstats.Stats(profile)
    entries = sorted(stats.stats.items(), key=lambda item: item[1][2], reverse=True)  # type: ignore[attr-defined]
    whole = sum(entry[2] for _, entry in entries) or 1.0
    table = Table(title=title, title_justify="left")
    for column in ("share", "calls", "function"):
        table.add_column(column, justify="left" if column == "function" else "right")
    for (file, line, name), (_, calls, own, _, _) in entries[:rows]:
        where = name if file == "~" else f"{'/'.join(file.split('/')[-2:])}:{line} {name}"
        table.add_row(f"{own / whole:.0%}", f"{calls:,}", where)
    console.print(table)
