"""``make bench-peers``: what one process of each does with the same topic, in turn; one table with ratios.

Purchases per customer and UTC day, counted and summed: one embedded broker, 4 partitions. Each contender is a
process of its own, reads from the beginning under a new group, and its events, cells and sum are checked. See
docs/performance.md.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from aiokafka import AIOKafkaProducer
from rich.console import Console
from rich.table import Table

from rapport.embedded import mongo
from rapport.embedded.stack import start_kafka, start_mongo
from rapport.home import Home
from tests.bench.events import purchases

HERE = Path(__file__).parent
BUILT = HERE.parents[2] / "build" / "peers"
TOPIC, CUSTOMERS = "purchases", 5_000
BASE = "Kafka Streams, exactly once"


@dataclass(frozen=True)
class Run:
    """What one run of a contender did."""

    rate: float
    """Events a second, from the first to the last."""
    durable: float
    """The same, until all of it was durable."""
    start: float
    """Seconds from its start to its first event."""
    cpu: float
    """Microseconds of its processor time an event, its start included."""


def contenders() -> dict[str, list[str]]:
    """Name to command: {b} bootstrap, {g} group, {d} a folder, {n} events, {m} MongoDB. Those that could not
    be set up are not among them."""
    here, python = str(HERE), sys.executable
    java = ["java", "-cp", f"{BUILT}/streams/classes:{BUILT}/streams/lib/*", "peers.Purchases"]
    quix = str(BUILT / "quix" / "bin" / "python")
    ours = [python, "-m", "tests.bench.peers.our_peer", "{b}", "{g}", "{n}"]
    found = {
        BASE: [*java, "{b}", "{g}", "{d}", "exactly_once_v2", "default", "whole", "{n}"],
        "Kafka Streams, at least once": [
            *java,
            "{b}",
            "{g}",
            "{d}",
            "at_least_once",
            "default",
            "whole",
            "{n}",
        ],
        "Quix Streams, window": [quix, f"{here}/quix_peer.py", "{b}", "{g}", "{d}", "window", "{n}"],
        "Quix Streams, own state": [quix, f"{here}/quix_peer.py", "{b}", "{g}", "{d}", "state", "{n}"],
        "Faust, table": [python, f"{here}/faust_peer.py", "{b}", "{g}", "{d}", "{n}"],
        "confluent-kafka, by hand": [python, f"{here}/bare_peer.py", "{b}", "{g}", "{n}"],
        "Rapport, metrics and its store": [*ours, "--store", "{m}"],
        "Rapport, the loop alone": ours,
    }
    missing = {"java": not (BUILT / "streams" / "lib").exists(), quix: not Path(quix).exists()}
    return {name: command for name, command in found.items() if not missing.get(command[0], False)}


async def fill(bootstrap: str, events: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=512 * 1024)
    await producer.start()
    headers = [("content-type", b"application/cloudevents+json")]
    try:
        records = purchases(events, CUSTOMERS)
        sent = [await producer.send(TOPIC, value, key=key, headers=headers) for key, value in records]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


def measure(name: str, command: list[str], bootstrap: str, group: str, root: Path, wanted: "Wanted") -> Run:
    """Run it once. Raises SystemExit where it failed, or found something else than what there is."""
    with ExitStack() as stack:
        values = {"b": bootstrap, "g": group, "d": str(root / group), "n": str(wanted.events), "m": ""}
        if "{m}" in command:
            values["m"] = mongo.uri(stack.enter_context(start_mongo(Home(root / f"mongo-{group}"))).port)
        filled = [part.format(**values) if part.startswith("{") else part for part in command]
        errors = stack.enter_context(open(root / f"{group}.err", "w+"))
        began = time.time()
        process = subprocess.Popen(filled, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        lines = [line for line in out.splitlines() if line.startswith('{"first"')]
        if not lines:
            raise SystemExit(
                f"{name} ended with {process.returncode}: {(root / f'{group}.err').read_text()[-2000:]}"
            )
        told: dict[str, Any] = json.loads(lines[-1])
        wanted.check(name, told)
        return Run(
            told["events"] / (told["last"] - told["first"]),
            told["events"] / (told["durable"] - told["first"]),
            told["first"] - began,
            (used.ru_utime + used.ru_stime) / told["events"] * 1e6,
        )


@dataclass(frozen=True)
class Wanted:
    """What everybody must come to."""

    events: int
    cells: int
    cents: int

    @classmethod
    def of(cls, events: int) -> "Wanted":
        values = [json.loads(value) for _, value in purchases(events, CUSTOMERS)]
        cells = {(value["subject"], value["time"][:10]) for value in values}
        return cls(events, len(cells), sum(value["data"]["total"]["amount"] for value in values))

    def check(self, name: str, told: dict[str, Any]) -> None:
        expected = {"events": self.events, "cells": self.cells, "cents": self.cents}
        wrong = {key: told[key] for key, n in expected.items() if told[key] not in (None, n)}
        if wrong:
            raise SystemExit(f"{name}: {wrong} instead of {expected}")


def table(runs: dict[str, list[Run]], events: int) -> Table:
    """Medians, and ratios to Kafka Streams' exactly once run by run."""
    base = runs.get(BASE) or next(iter(runs.values()))
    title = f"{events:,} purchases of {CUSTOMERS:,} customers, {len(base)} runs each, in turn"
    shown = Table(title=title, title_justify="left")
    for column in ("one process of", "events/s", "ratio", "until durable", "ratio", "CPU µs", "start s"):
        shown.add_column(column, justify="left" if column == "one process of" else "right")
    middle = statistics.median
    for name, of_it in runs.items():
        pairs = list(zip(of_it, base, strict=True))
        shown.add_row(
            name,
            f"{middle(run.rate for run in of_it):,.0f}",
            f"{middle(a.rate / b.rate for a, b in pairs):.2f}",
            f"{middle(run.durable for run in of_it):,.0f}",
            f"{middle(a.durable / b.durable for a, b in pairs):.2f}",
            f"{middle(run.cpu for run in of_it):.0f}",
            f"{middle(run.start for run in of_it):.1f}",
        )
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.peers")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", help="contenders whose names have one of these words, comma-separated")
    args = parser.parse_args()
    words = args.only.split(",") if args.only else [""]
    chosen = {name: c for name, c in contenders().items() if any(word in name for word in words)}
    wanted, console = Wanted.of(args.events), Console(width=120)
    runs: dict[str, list[Run]] = {name: [] for name in chosen}
    with tempfile.TemporaryDirectory() as folder, start_kafka(Home(Path(folder) / "kafka")) as kafka:
        asyncio.run(fill(kafka.address, args.events))
        for n in range(args.runs):
            for place, (name, command) in enumerate(chosen.items()):
                run = measure(name, command, kafka.address, f"peer-{place}-{n}", Path(folder), wanted)
                runs[name].append(run)
                console.print(f"{name}: {run.rate:,.0f}/s, {run.durable:,.0f}/s until durable")
    console.print(table(runs, args.events))
    memory = psutil.virtual_memory().total / 2**30
    console.print(f"{os.cpu_count()} processors, {memory:.0f} GiB; load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
