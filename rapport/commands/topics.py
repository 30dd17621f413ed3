"""``rapport topics``."""

import os
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from kafka import TopicPartition
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from rapport import broker, connections
from rapport import growth as growing
from rapport import lag as lags
from rapport.commands.show import console, table
from rapport.embedded.stack import partitions
from rapport.topics import LAST_TO_GROW, Difference, Growth, growth_to, wanted
from rapport.trouble import TroubleError
from shared.kafka.brokers import Brokers

QUIET_SECONDS = 2.0
WORKERS_SECONDS = 60.0
TELL_SECONDS = 5.0
NAMES = tuple(topic.name for topic in wanted(1))

app = typer.Typer(help="Create, check and grow the topics.", no_args_is_help=True, add_completion=False)


@app.command()
def apply() -> None:
    """Create missing topics and set their settings; partition counts stay (see grow)."""
    servers = connections.brokers()
    changed = broker.apply_topics(servers, partitions(os.environ))
    if any(d.what != "partitions" for d in changed):
        console.print(_as_table([d for d in changed if d.what != "partitions"]))
        console.print("\nApplied.")
    else:
        console.print(f"All {len(NAMES)} topics are as they should be.")
    if uneven := [d for d in changed if d.what == "partitions"]:
        console.print(_as_table(uneven))
        raise TroubleError(
            f"Partition counts differ: `rapport topics grow {uneven[0].wanted}` makes them equal."
        )


@app.command()
def check() -> None:
    """Compare the cluster with what Rapport needs; exit code 1 when something differs."""
    with broker.admin(connections.brokers()) as client:
        asked = partitions(os.environ) if os.environ.get("RAPPORT_PARTITIONS") else None
        found = broker.compare(client, asked)
    if found:
        console.print(_as_table(found))
        raise typer.Exit(1)
    console.print(f"All {len(NAMES)} topics are as they should be.")


@app.command()
def grow(
    count: Annotated[int, typer.Argument(min=1, help="Partitions of every topic afterwards.")],
) -> None:
    """Raise the partitions of all topics together. Stop the producers first.

    A key then belongs to another partition, so nothing may be left unread on its old one: this refuses
    while a service lags or records still arrive. Old records of keys that move are copied after them, for
    services that will be built anew from the log; those that have read them take no notice. Nothing in a
    store has to move. Interrupted, it goes on where it was when it is run again.

    Best is a multiple of what there is: then fewest keys move.
    """
    servers = connections.brokers()
    with broker.admin(servers) as client:
        found = broker.find_topics(client, NAMES)
        try:
            growth = growth_to(count, found)
        except ValueError as error:
            raise TroubleError(str(error)) from None
        if growth is None:
            console.print(f"All {len(found)} topics have {count} partitions already.")
            return
        _refuse_unless_read(client, servers, growth)
        _refuse_unless_quiet(client)
        smaller = {name: count for name, topic in found.items() if topic.partitions < count}
        last = {name: smaller.pop(name) for name in (LAST_TO_GROW,) if name in smaller}
        _create(client, smaller)
        with GrowthProgress(console) as show:
            copied = growing.copy(servers, growth, resumed=growth.resumed, show=show)
        _create(client, last)
        _tell(copied, len(smaller) + len(last), count)
        _await_workers(client, count)
    console.print("Set RAPPORT_PARTITIONS to the same and start the workers again, then the producers.")


class GrowthProgress:
    """A bar on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._told = clock()
        self._bar = Progress(
            TextColumn("copying records of keys that move"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[copied]:,} copied"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("copy", total=None, copied=0)

    def __enter__(self) -> "GrowthProgress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, done: growing.Copied) -> None:
        now = self._clock()
        self._bar.update(self._task, total=done.total, completed=done.looked_at, copied=done.copied)
        if not self._console.is_terminal and now - self._told >= TELL_SECONDS:
            self._told = now
            self._console.print(f"{done.looked_at:,} of {done.total:,} records, {done.copied:,} copied")


def _create(client: Any, counts: dict[str, int]) -> None:
    if counts:
        client.create_partitions(counts)
        client.wait_for_topics(list(counts))


def _tell(copied: growing.Copied, topics: int, count: int) -> None:
    console.print(f"{topics} topics have {count} partitions now.")
    console.print(
        f"{copied.copied:,} of {copied.looked_at:,} records were copied to where their keys are now."
    )
    if copied.too_large:
        console.print(f"{copied.too_large} are too large to be copied: no service can read them.")


def _await_workers(client: Any, count: int) -> None:
    """Workers that run find the new partitions within half a minute."""
    deadline = time.monotonic() + WORKERS_SECONDS
    with console.status("waiting for the workers that run to take the new partitions"):
        while (late := broker.waits_for_partitions(client, count)) and time.monotonic() < deadline:
            time.sleep(1.0)
    if late:
        console.print(f"Not all partitions are served yet: {', '.join(late)}.")


def _refuse_unless_read(client: Any, servers: Brokers, growth: Growth) -> None:
    behind = [row for row in lags.measure(client) if row.lag]
    if not behind:
        return
    if growth.resumed:  # what the earlier command copied waits to be skipped, once the workers run
        unread = {TopicPartition(row.topic, row.partition): row.end - row.lag for row in behind}
        if not growing.unread_originals(servers, growth, unread):
            return
    console.print(lags_table(behind))
    raise TroubleError(f"{lags.total(behind)} records are unread: grow when `rapport lag` shows 0.")


def _refuse_unless_quiet(client: Any) -> None:
    everything = broker.partitions_of(client, NAMES)
    before = broker.end_offsets(client, everything)
    with console.status("checking that no producer writes"):
        time.sleep(QUIET_SECONDS)
    after = broker.end_offsets(client, everything)
    moved = sorted({partition.topic for partition in after if after[partition] != before.get(partition)})
    if moved:
        raise TroubleError(f"Records still arrive on {', '.join(moved)}: stop the producers, then grow.")


def lags_table(rows: list[lags.Lag]) -> Table:
    made = table("group", "topic", "partition", "committed", "end", "lag", right=("committed", "end", "lag"))
    for row in rows:
        committed = "-" if row.committed is None else str(row.committed)
        made.add_row(row.group, row.topic, str(row.partition), committed, str(row.end), str(row.lag))
    return made


def _as_table(found: list[Difference]) -> Table:
    made = table("topic", "what", "wanted", "found")
    for d in found:
        made.add_row(d.topic, d.what, d.wanted, d.found)
    return made
