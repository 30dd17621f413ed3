"""``rapport topics``."""

import os
import time
from typing import Annotated, Any

import typer
from rich.table import Table

from rapport import broker
from rapport import lag as lags
from rapport.commands.show import console, table
from rapport.embedded.stack import partitions
from rapport.topics import Difference, wanted
from rapport.trouble import TroubleError

QUIET_SECONDS = 2.0
NAMES = tuple(topic.name for topic in wanted(1))

app = typer.Typer(help="Create, check and grow the topics.", no_args_is_help=True, add_completion=False)


@app.command()
def apply() -> None:
    """Create missing topics and set their settings; partition counts stay (see grow)."""
    servers = broker.bootstrap_servers()
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
    with broker.admin(broker.bootstrap_servers()) as client:
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
    while a service lags or records still arrive. Nothing else has to move: states are stored by customer,
    timers with their key's hash, so the worker that gets the customer's new partition finds both.
    """
    with broker.admin(broker.bootstrap_servers()) as client:
        found = broker.find_topics(client, NAMES)
        larger = sorted(name for name, topic in found.items() if topic.partitions > count)
        if larger:
            raise TroubleError(
                f"{', '.join(larger)} have more than {count} partitions, and topics cannot shrink."
            )
        _refuse_unless_quiet(client)
        smaller = {name: count for name, topic in found.items() if topic.partitions < count}
        if not smaller:
            console.print(f"All {len(found)} topics have {count} partitions already.")
            return
        # The dead-letter topics last: if it fails between, `check` shows it and `grow` may run again.
        ordered = dict(sorted(smaller.items(), key=lambda item: item[0].endswith(".dlq")))
        client.create_partitions(ordered)
        client.wait_for_topics(list(ordered))
    console.print(f"{len(smaller)} topics have {count} partitions now.")
    console.print("Set RAPPORT_PARTITIONS to the same and start the workers again, then the producers.")


def _refuse_unless_quiet(client: Any) -> None:
    behind = [row for row in lags.measure(client) if row.lag]
    if behind:
        console.print(lags_table(behind))
        raise TroubleError(f"{lags.total(behind)} records are unread: grow when `rapport lag` shows 0.")
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
