"""Topics that grow under the real platform: what moved counts once, is served on, and outlives a rebuild."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from msgspec.msgpack import decode
from pymongo import MongoClient

from rapport import broker, growth
from rapport.home import Home, read_env
from rapport.lag import measure
from rapport.launch import fetch, launch, stop
from rapport.topics import LAST_TO_GROW, Growth, wanted
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.restating import last_told
from services.metrics.domain.rows import read_moved, unpack_tail
from services.metrics.domain.themes import last_week
from services.metrics.domain.told import Told
from shared.kafka.brokers import Brokers
from shared.kafka.keys import partition_of
from shared.schemas.times import day_number, micros
from shared.schemas.topics import TOPICS
from tests.stack import STRUCTURED, event, purchase

pytestmark = pytest.mark.integration

SERVERS = ("kafka", "mongo")
PARTS = (*SERVERS, "loyalty-worker", "metrics-worker")
CUSTOMERS = [f"cust-{n:02}" for n in range(16)]
TODAY = datetime.now(UTC)
READ = ("customers", "purchases", "feedback", "insights")
"""What both services have read of."""


class World:
    """The parts in a home of their own, and what is in them."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.up(SERVERS)

    def up(self, parts: tuple[str, ...]) -> None:
        foreign = {name: "" for name in os.environ if name.startswith("RAPPORT_")}
        launch(self.home, parts, options={**foreign, "RAPPORT_PARTITIONS": "2", "RAPPORT_CLOCK": "stream"})
        self.env = read_env(self.home)

    def __call__(self, *arguments: str, code: int = 0) -> str:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("RAPPORT_")}
        done = subprocess.run(
            [sys.executable, "-m", "rapport", *arguments],
            env={**kept, "RAPPORT_HOME": str(self.home.root), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def send(self, events: Iterable[Mapping[str, Any]]) -> None:
        topics = {
            "purchase": "purchases",
            "survey": "feedback",
            "customer": "customers",
            "loyalty": "commands",
        }
        producer = KafkaProducer(bootstrap_servers=self.env["RAPPORT_KAFKA"], acks="all")
        for e in events:
            topic = topics[e["type"].split(".")[1]]
            headers = [("content-type", STRUCTURED.encode())]
            producer.send(topic, json.dumps(e).encode(), e["subject"].encode(), headers)
        producer.flush()
        producer.close()

    def settle(self) -> None:
        def done() -> bool:
            if not self.told_all():
                return False  # what metrics tells is read again too
            with broker.admin(Brokers(self.env["RAPPORT_KAFKA"])) as client:
                rows = measure(client)
            groups = {row.group for row in rows}
            read = {(row.group, row.topic) for row in rows}
            wanted = {(group, topic) for group in groups for topic in READ}
            return len(groups) == 2 and wanted <= read and not any(row.lag for row in rows)

        eventually(done)

    def told_all(self) -> bool:
        """Whether metrics has told all that there is to tell by now, as events have moved the clock: of
        customers' health, of figures and of what customers speak of."""
        parts = {part["_id"]: part for part in self.rows("metrics", "partitions")}
        if not parts or not all({"watermark", "sweep"} <= part.keys() for part in parts.values()):
            return False
        now = micros(min(datetime.now(UTC), *(part["watermark"] for part in parts.values())))
        looked = all(p["sweep"]["done"] == day_number(p["watermark"].date()) for p in parts.values())
        told = {row["_id"]: decode(bytes(row["told"]), type=Told) for row in self.rows("metrics", "told")}
        judges = {partition_of(name.encode(), len(parts)) for name in KPIS}
        judged = all(n in told and told[n].judged == last_told(now) for n in judges)
        moved = [read_moved(row) for row in self.rows("metrics", "moved")]
        restated = all(one.is_decided(m, day) for one in told.values() for m in moved for day in m.sums or ())
        weeks = {row["_id"]: row["week"] for row in self.rows("metrics", "rising")}
        risen = all(week == last_week(now) for week in weeks.values())
        return looked and judged and restated and risen and not self.rows("metrics", "outbox")

    def rows(self, service: str, collection: str) -> list[dict[str, Any]]:
        with MongoClient[dict[str, Any]](self.env["RAPPORT_MONGO"], tz_aware=True) as client:
            return list(client[f"rapport_{service}"][collection].find({}))

    def ledger(self) -> dict[str, Any]:
        return {row["_id"]: row for row in self.rows("loyalty", "ledger")}

    def sums(self) -> Counter[Any]:
        """Loyalty's, over partitions."""
        found: Counter[Any] = Counter()
        for collection in ("liability", "totals"):
            for row in self.rows("loyalty", collection):
                for name in row.keys() - {"_id", "key"}:
                    found[collection, row["key"], name] += row[name]
        return +found

    def cells(self) -> dict[Any, int]:
        """What metrics has counted."""
        found: Counter[Any] = Counter()
        for collection in ("days", "gaps"):
            for row in self.rows("metrics", collection):
                day = day_number(date.fromisoformat(row["_id"].partition(":")[0]))
                for place, fields in row["cells"].items():
                    for name, n in fields.items():
                        found[day, place, name] += n
        for row in self.rows("metrics", "partitions"):
            found.update(unpack_tail(bytes(row.get("tail", b""))))
        return {cell: n for cell, n in found.items() if n}

    def told(self) -> tuple[Any, Any, Any]:
        return self.ledger(), self.sums(), self.cells()

    def records(self, topic: str) -> list[Any]:
        consumer = KafkaConsumer(bootstrap_servers=self.env["RAPPORT_KAFKA"], group_id=None)
        try:
            places = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
            ends = consumer.end_offsets(places)
            return list(growth._read(consumer, ends))
        finally:
            consumer.close()

    def rebuild(self) -> None:
        """Both services, from the log alone: no database, no group."""
        stop(self.home)
        self.up(SERVERS)
        with MongoClient[dict[str, Any]](self.env["RAPPORT_MONGO"]) as mongo:
            mongo.drop_database("rapport_loyalty")
            mongo.drop_database("rapport_metrics")
        with broker.admin(Brokers(self.env["RAPPORT_KAFKA"])) as client:
            client.delete_groups(["rapport-loyalty", "rapport-metrics"])
        stop(self.home)
        self.up(PARTS)


def eventually(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.3)


def history() -> list[dict[str, Any]]:
    """Over 800 days, of each customer: a profile, three purchases, points taken away before the first of them
    expire, an answer, and a purchase in a currency unknown here."""
    told = []
    for n, customer in enumerate(CUSTOMERS):
        days = (800, 790, 600, 490, 400, 30, 20)
        at = [(TODAY - timedelta(days=day, hours=n)).isoformat() for day in days]
        told.append(event("customer.registered", customer, {"name": "Ann", "segment": f"s{n % 3}"}, at=at[0]))
        told += [purchase(customer, 10_000 * (k + 1) + n, at=at[when]) for k, when in enumerate((1, 2, 4))]
        taken = {"points": -120, "reason": "a mistake"}
        told.append(event("loyalty.adjustment.requested", customer, taken, at=at[3]))
        told.append(event("survey.answered", customer, {"survey": "nps", "score": n % 11}, at=at[5]))
        told.append(purchase(customer, 500, currency="XXX", at=at[6]))
    return sorted(told, key=lambda e: str(e["time"]))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = Home(tmp_path_factory.mktemp("growth"))
    fetch(PARTS)
    try:
        yield World(home)
    finally:
        stop(home)


def test_what_moved_counts_once_and_a_rebuild_comes_to_the_same(world: World) -> None:
    moved = [c for c in CUSTOMERS if partition_of(c.encode(), 2) != partition_of(c.encode(), 3)]
    assert 0 < len(moved) < len(CUSTOMERS)
    old = history()
    world.send(old)
    world("clock", "advance", TODAY.isoformat())
    stop(world.home)
    world.up(PARTS)  # all of it is there, so that it is read in the order of its time
    world.settle()
    before = world.told()
    refused = len(world.records("purchases.dlq"))
    kinds = Counter(row["kind"] for row in before[0].values())
    assert kinds["earned"] > 3 * len(CUSTOMERS), "anniversaries too"
    assert kinds["expired"] > 0
    assert refused == len(CUSTOMERS)

    said = world("topics", "grow", "3")
    assert f"{2 * len(TOPICS)} topics have 3 partitions" in said
    assert "Not all partitions are served" not in said, "the workers that run have found them"
    assert "as they should be" in world("topics", "check")
    assert "have 3 partitions already" in world("topics", "grow", "3")
    world.settle()
    assert world.told() == before, "copies are for who is built anew"
    assert len(world.records("purchases.dlq")) == refused

    world.send(old)  # each old event once more, on the partition that its key has now
    world.send(purchase(customer, 2_500) for customer in CUSTOMERS)
    world("clock", "advance", (TODAY + timedelta(hours=20)).isoformat())
    world.settle()
    ledger, sums, cells = after = world.told()
    assert len(ledger) >= len(before[0]) + len(CUSTOMERS)
    assert {entry: ledger[entry] for entry in before[0]} == before[0]
    answers = sum(n for (_, _, field), n in cells.items() if field.startswith("nps"))
    assert answers == sum(n for (_, _, field), n in before[2].items() if field.startswith("nps"))

    world.rebuild()
    assert sums
    deadline = time.monotonic() + 60
    while (again := world.told()) != after and time.monotonic() < deadline:
        time.sleep(0.5)
    assert again[0] == ledger, "each entry at its place, with the balance that it left"
    assert again[1:] == after[1:]


def test_an_interrupted_growth_goes_on_and_copies_nothing_twice(world: World) -> None:
    servers = Brokers(world.env["RAPPORT_KAFKA"])
    names = [topic.name for topic in wanted(1)]
    # Where keys were copied once already, some go back to where they were before.
    with broker.admin(servers) as client:
        client.create_partitions({name: 5 for name in names if name != LAST_TO_GROW})
    half = iter(range(40))

    def dies(done: growth.Copied) -> None:
        next(half)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        growth.copy(servers, Growth(3, 5), resumed=False, show=dies)
    assert "topics grow 5` first" in world("topics", "grow", "7", code=1)
    assert "topics have 5 partitions now" in world("topics", "grow", "5")
    for topic in ("customers", "purchases", "feedback"):
        records = world.records(topic)
        copies = [
            (dict(r.headers)["rapport-forwarded"], r.partition)
            for r in records
            if dict(r.headers).get("rapport-grown", b"").startswith(b"5@")
        ]
        assert len(copies) == len(set(copies)) > 0
        originals = {(r.partition, r.offset): r for r in records}
        for r in records:
            marks = dict(r.headers)
            if marks.get("rapport-grown", b"").startswith(b"5@"):
                origin, _, offset = marks["rapport-forwarded"].decode().partition("/")
                original = originals[int(origin), int(offset)]
                assert (r.value, r.key, r.timestamp) == (original.value, original.key, original.timestamp)
                assert partition_of(r.key, 5) == r.partition
    assert "as they should be" in world("topics", "check")
