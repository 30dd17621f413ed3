"""A service's database is lost, restored from a dump of some time ago, and brought up to date from the log.

The dump is what mongodump writes, BSON a collection, made here by the driver as mongodump is not at hand.
"""

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
from pymongo.database import Database

from rapport import broker
from rapport.embedded import mongo, ports
from rapport.embedded.stack import start_kafka, start_mongo
from rapport.home import Home
from rapport.lag import measure, total
from services.loyalty.domain.rows import COLLECTIONS
from shared.kafka.brokers import Brokers
from tests.stack import purchase, until

GROUP = "rapport-loyalty"
SHOWN = ("state", "journal", "timers", *(one.name for one in COLLECTIONS))
CUSTOMERS = tuple(f"c-{n}" for n in range(5))


def dump(database: Database[dict[str, Any]], folder: Path) -> None:
    """All of it, while no worker writes."""
    folder.mkdir()
    for name in database.list_collection_names():
        documents = database[name].find({}, batch_size=100)
        (folder / f"{name}.bson").write_bytes(b"".join(bson.encode(one) for one in documents))


def restore(database: Database[dict[str, Any]], folder: Path) -> None:
    """Into an empty database; the worker makes its indexes when it starts."""
    for file in sorted(folder.glob("*.bson")):
        if documents := bson.decode_all(file.read_bytes()):
            database[file.stem].insert_many(documents)


def shown(database: Database[dict[str, Any]]) -> dict[str, dict[Any, Any]]:
    """What the service knows. When an event was handled is another time after a replay."""
    return {name: {str(one["_id"]): _lasting(one) for one in database[name].find({})} for name in SHOWN}


def _lasting(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in PASSING}


PASSING = ("handled_at", "attempt", "partition", "offset", "topic", "at")
"""Of a journal's entry: how it came to be handled."""


@contextmanager
def worker(env: Mapping[str, str], brokers: Brokers, log: Path) -> Iterator[None]:
    """Loyalty's, until it has read all there is."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.loyalty.worker"], env=own | dict(env), stdout=out, stderr=out
        )
        try:
            yield
            until(lambda: read(brokers), "all is read", 120.0)
            assert process.poll() is None
        finally:
            process.terminate()
            process.wait(30)


def read(brokers: Brokers) -> bool:
    with broker.admin(brokers) as client:
        rows = measure(client)
        return bool(rows) and total(rows) == 0


def sell(brokers: Brokers, count: int) -> None:
    with broker.producer(brokers) as producer:
        for n in range(count):
            customer = CUSTOMERS[n % len(CUSTOMERS)]
            value = json.dumps(purchase(customer, 1_000 + n)).encode()
            producer.send("purchases", value, customer.encode())


def rewind(brokers: Brokers) -> None:
    """As `kafka-consumer-groups.sh --reset-offsets --to-earliest`: the journal knows what it has had."""
    with broker.admin(brokers) as client:
        places = client.list_group_offsets([GROUP])[GROUP]
        client.reset_group_offsets(GROUP, dict.fromkeys(places, OffsetSpec.EARLIEST))


def test_a_database_that_was_lost_is_as_it_was(tmp_path: Path) -> None:
    with start_kafka(Home(tmp_path / "kafka")) as kafka, start_mongo(Home(tmp_path / "store")) as store:
        brokers = Brokers(kafka.address)
        env = {
            "RAPPORT_KAFKA": kafka.address,
            "RAPPORT_MONGO": mongo.uri(store.port),
            "RAPPORT_SECRET_KEY": "k" * 16,
            "RAPPORT_WORKER_PORT": str(ports.pick()),
        }
        with MongoClient[dict[str, Any]](mongo.uri(store.port), tz_aware=True) as client:
            database = client["rapport_loyalty"]
            with worker(env, brokers, tmp_path / "log"):
                sell(brokers, 60)
            dump(database, tmp_path / "dump")
            with worker(env, brokers, tmp_path / "log"):
                sell(brokers, 60)
            before = shown(database)
            client.drop_database("rapport_loyalty")
            restore(database, tmp_path / "dump")
            assert len(shown(database)["ledger"]) < len(before["ledger"])
            rewind(brokers)
            with worker(env, brokers, tmp_path / "log"):
                pass
            after = shown(database)
    assert len(before["ledger"]) == 120
    for name in SHOWN:
        assert after[name] == before[name], name
