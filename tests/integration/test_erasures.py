"""Somebody is erased, all four databases are lost, and a backup from before brings them back: the tombstones
that were exported see to it that they are gone again as soon as the workers start; all else is as it was."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bson
from kafka.admin import OffsetSpec
from pymongo import MongoClient

from rapport import broker
from rapport.embedded import mongo, ports
from rapport.embedded.stack import start_kafka, start_mongo
from rapport.home import Home
from rapport.lag import measure, total
from services.followup.domain.rows import COLLECTIONS as FOLLOWUP
from services.interactions.domain.rows import COLLECTIONS as INTERACTIONS
from services.loyalty.domain.rows import COLLECTIONS as LOYALTY
from services.metrics.domain.rows import COLLECTIONS as METRICS
from shared.journal.store import COLLECTIONS as JOURNAL
from shared.kafka.brokers import Brokers
from shared.schemas.services import SERVICES
from tests.integration.test_backup import PASSING, dump, restore
from tests.stack import event, purchase, until

MARK = "marked-person"
OTHERS = tuple(f"other-{n}" for n in range(3))
KEPT = {
    "interactions": (*JOURNAL, *INTERACTIONS),
    "loyalty": (*JOURNAL, *LOYALTY),
    "followup": (*JOURNAL, *FOLLOWUP),
    "metrics": METRICS,
}
Client = MongoClient[dict[str, Any]]


class Platform:
    """Four workers on servers of their own, started and stopped together."""

    def __init__(self, kafka: str, store: str, folder: Path) -> None:
        self.brokers, self.folder = Brokers(kafka), folder
        self.env = {"RAPPORT_KAFKA": kafka, "RAPPORT_MONGO": store, "RAPPORT_SECRET_KEY": "k" * 16}
        own = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
        self.environ = own | self.env

    @contextmanager
    def workers(self) -> Iterator[None]:
        """Until they have read all there is, and nothing is left of whom they erase."""
        with (self.folder / "log").open("ab") as out, Client(self.env["RAPPORT_MONGO"]) as client:
            running = [
                subprocess.Popen(
                    [sys.executable, "-m", f"services.{service}.worker"],
                    env=self.environ | {"RAPPORT_WORKER_PORT": str(ports.pick())},
                    stdout=out,
                    stderr=out,
                )
                for service in SERVICES
            ]
            try:
                yield
                until(lambda: self.read() and not _open(client), "all is done", 120.0)
                assert [process.poll() for process in running] == [None] * len(running)
            finally:
                for process in running:
                    process.terminate()
                for process in running:
                    process.wait(30)

    def read(self) -> bool:
        """Whether all four have read all there is."""
        with broker.admin(self.brokers) as client:
            rows = measure(client)
        groups = {f"{broker.GROUP_PREFIX}{service}" for service in SERVICES}
        return total(rows) == 0 and {row.group for row in rows} == groups

    def send(self, *events: Mapping[str, Any]) -> None:
        with broker.producer(self.brokers) as producer:
            for one in events:
                topic = "purchases" if "purchase" in one["type"] else "customers"
                producer.send(topic, json.dumps(one).encode(), one["subject"].encode())

    def rewind(self) -> None:
        """Metrics goes back by itself."""
        with broker.admin(self.brokers) as client:
            for group in (f"{broker.GROUP_PREFIX}{service}" for service in SERVICES if service != "metrics"):
                places = client.list_group_offsets([group])[group]
                client.reset_group_offsets(group, dict.fromkeys(places, OffsetSpec.EARLIEST))

    def erasures(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "rapport", "erasures", *arguments]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout


def _open(client: Client) -> bool:
    return any(client[f"rapport_{service}"]["erasing"].find_one({}) for service in SERVICES)


def life(customer: str) -> list[dict[str, Any]]:
    consent = {"purpose": "marketing", "channel": "email", "granted": True}
    return [
        event("customer.registered", customer, {"name": customer, "email": f"{customer}@example.com"}),
        event("consent.changed", customer, consent),
        *(purchase(customer, 1_000 + n) for n in range(5)),
    ]


def holding(client: Client) -> set[str]:
    """Where anything of the person stands in clear."""
    return {
        f"{service} {name}"
        for service in SERVICES
        for name in client[f"rapport_{service}"].list_collection_names()
        for document in client[f"rapport_{service}"][name].find({})
        if MARK.encode() in bson.encode(document)
    }


def rest(client: Client) -> dict[str, dict[str, Any]]:
    """What is known of the others. Of loyalty all of it; elsewhere some of it says when it was read."""
    found: dict[str, dict[str, Any]] = {}
    for service, collections in KEPT.items():
        for one in collections:
            for customer in OTHERS if one.owners else ():
                for row in client[f"rapport_{service}"][one.name].find(one.about(customer)):
                    what = {k: v for k, v in row.items() if k not in PASSING} if service == "loyalty" else {}
                    found.setdefault(f"{service} {one.name}", {})[str(row["_id"])] = what
    return found


def books(client: Client) -> dict[str, int]:
    """Loyalty's sums over all members, of all partitions, and how many entries are of nobody."""
    sums: dict[str, int] = {}
    for name in ("totals", "liability"):
        for row in client["rapport_loyalty"][name].find({}):
            for field, n in row.items():
                if isinstance(n, int):
                    sums[f"{row['key']} {field}"] = sums.get(f"{row['key']} {field}", 0) + n
    nobody = client["rapport_loyalty"]["ledger"].find({"member": ""}).to_list()
    return sums | {"entries": len(nobody), "points": sum(row["points"] for row in nobody)}


def test_whoever_a_backup_brings_back_is_erased_as_the_workers_start(tmp_path: Path) -> None:
    with start_kafka(Home(tmp_path / "kafka")) as kafka, start_mongo(Home(tmp_path / "store")) as store:
        platform = Platform(kafka.address, mongo.uri(store.port), tmp_path)
        file = str(tmp_path / "erased.json")
        with Client(mongo.uri(store.port), tz_aware=True) as client:
            with platform.workers():
                platform.send(*(one for who in (MARK, *OTHERS) for one in life(who)))
            alive = holding(client)
            assert {f"{service} state" for service in SERVICES if service != "metrics"} <= alive
            for service in SERVICES:
                dump(client[f"rapport_{service}"], tmp_path / service)

            with platform.workers():
                platform.send(event("customer.erased", MARK, {}), *(purchase(who, 70) for who in OTHERS))
                erasures = client["rapport_interactions"]["erasures"]
                until(lambda: erasures.find_one({"waiting": {"$exists": False}}), "all have answered", 60.0)
            told, left, known, sums = (
                platform.erasures("export", file),
                holding(client),
                rest(client),
                books(client),
            )
            assert MARK not in Path(file).read_text()
            assert "under the key" in told
            assert not {f"{service} state" for service in SERVICES} & left

            for service in SERVICES:
                client.drop_database(f"rapport_{service}")
                restore(client[f"rapport_{service}"], tmp_path / service)
            assert holding(client) == alive
            platform.rewind()
            first = platform.erasures("import", file)
            assert first.count(" 1    1          1") == len(SERVICES), first
            assert platform.erasures("import", file).count(" 1    0          1") == len(SERVICES)
            with platform.workers():
                pass
            assert holding(client) <= left
            assert rest(client) == known
            assert books(client) == sums
            (certificate,) = erasures.find({})
            assert "waiting" not in certificate
            assert MARK.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("log"))
