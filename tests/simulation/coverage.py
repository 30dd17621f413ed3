"""What seeds really hit: how often each kind of trouble struck, and each line of the crash table."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeAlias, get_args

from rich.console import Console
from rich.table import Table

from tests.simulation.logs import HANDLERS, Name
from tests.simulation.scenario import CALLS, MAILS, SENDS, Kind, Scenario

Hits: TypeAlias = Mapping[str, int]

LINES = {
    "before the transaction": "killed before the transaction",
    "in the transaction": "killed in the transaction",
    "the commit's acknowledgement is lost": "commit lose_reply",
    "after the transaction, before the publish": "killed after the transaction",
    "after the publish, before the commit": "killed after the publish",
    "after the commit": "killed after the commit",
    "after a timer's transaction, before its publish": "killed after a timer's transaction",
    "it sleeps through its takeover and wakes": "a zombie",
    "asleep in the transaction": "asleep in the transaction",
    "asleep after the transaction": "asleep after the transaction",
    "asleep after a timer's transaction": "asleep after a timer's transaction",
    "asleep after the publish": "asleep after the publish",
    "followup's sender, a message with the channel": "killed with a mail under way",
    "metrics, at any point": "killed metrics",
}
"""The crash table of docs/architecture.md, and what is counted for each of its lines."""
KINDS: tuple[str, ...] = (
    *(kind for kind in get_args(Kind) if kind not in ("call", "write", "commit", "send", "mail")),
    *(f"call {kind}" for kind in CALLS),
    *(f"commit {kind}" for kind in CALLS),
    *(f"send {kind}" for kind in SENDS),
    *(f"mail {kind}" for kind in MAILS),
    "a transaction: commit",
    "a transaction: abort",
    "topics grow",
    "a standby takes over",
)


class Coverage:
    """Adds up runs."""

    def __init__(self) -> None:
        self.hits: dict[str, Counter[str]] = {name: Counter() for name in dict.fromkeys(HANDLERS)}
        """Of each kind, in how many runs of a handler it struck."""
        self.runs: Counter[tuple[Name, int, int]] = Counter()
        """By handler, workers and partitions."""
        self.longest = 0.0

    def add(self, run: Scenario, hits: Hits, stall: float) -> None:
        self.runs[run.handler, run.workers, run.partitions] += 1
        self.hits[run.handler].update(hits.keys())
        self.longest = max(self.longest, stall)

    def never(self) -> list[str]:
        """What no run hit, of all that can be."""
        hit = {name for counter in self.hits.values() for name, n in counter.items() if n}
        return [name for name in dict.fromkeys((*KINDS, *LINES.values())) if name not in hit]

    def show(self, console: Console) -> None:
        """Two tables: in how many runs each kind struck, by handler, and each line of the crash table."""
        handlers = list(self.hits)
        console.print(_table("runs with it", [(k, k) for k in KINDS], handlers, self.hits))
        console.print(_table("the crash table", LINES.items(), handlers, self.hits))
        if missed := self.never():
            console.print(f"never hit: {', '.join(missed)}", highlight=False)
        workers = Counter[int]()
        for (_, n, _), runs in self.runs.items():
            workers[n] += runs
        said = ", ".join(f"{n}: {workers[n]}" for n in sorted(workers))
        console.print(f"runs by workers: {said}; longest stall {self.longest:.0f} s", highlight=False)


def _table(
    title: str, rows: Iterable[tuple[str, str]], handlers: list[str], hits: Mapping[str, Hits]
) -> Table:
    made = Table(title, *handlers, "all", box=None)
    made.columns[0].no_wrap = True
    for label, name in rows:
        counts = [hits[handler].get(name, 0) for handler in handlers]
        made.add_row(label, *map(str, counts), str(sum(counts)))
    return made
