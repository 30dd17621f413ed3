"""What fault tests send, and what they read back: from Kafka and the store, not from a service."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from pymongo import MongoClient

from rapport import broker, lag
from rapport.home import Home, read_env
from rapport.launch import fetch, launch, stop
from rapport.status import read
from shared.kafka.brokers import Brokers
from tests.frozen import frozen

STRUCTURED = [("content-type", b"application/cloudevents+json")]


def event(kind: str, customer: str, event_id: str, at: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "/till/faults",
        "type": f"rapport.{kind}.v1",
        "subject": customer,
        "time": at,
        "datacontenttype": "application/json",
        "data": data,
    }


def purchase(customer: str, order: str, cents: int, at: str) -> dict[str, Any]:
    total = {"amount": cents, "currency": "EUR"}
    data = {
        "order_id": order,
        "channel": "web",
        "total": total,
        "items": [{"sku": "tea", "quantity": 1, "unit_price": total}],
        "voucher_codes": [],
    }
    return event("purchase.made", customer, order, at, data)


def refund(customer: str, order: str, cents: int, at: str) -> dict[str, Any]:
    data = {
        "order_id": order,
        "return_id": f"{order}-r",
        "items": [],
        "refund": {"amount": cents, "currency": "EUR"},
    }
    return event("purchase.returned", customer, f"{order}-r", at, data)


@dataclass(frozen=True)
class Member:
    """What the store and the topic say of a member."""

    balance: int
    ledger_sum: int
    ledger_entries: int
    told_sum: int
    """Sum of the points of the distinct ledger events on the ``loyalty`` topic."""
    told_entries: int


@contextmanager
def own_platform(folder: Path, *parts: str, **settings: str) -> Iterator["Platform"]:
    """These parts of the embedded stack, with the topics made, until the end. ``settings``: its variables."""
    home = Home(folder)
    fetch(parts)
    launch(home, parts, settings)
    platform = Platform(read_env(home), home)
    try:
        yield platform
    finally:
        platform.close()
        stop(home)


class Platform:
    """Kafka and the store, as another program sees them."""

    def __init__(self, env: Mapping[str, str], home: Home) -> None:
        self.env = dict(env)
        self._home = home
        self._mongo: MongoClient[dict[str, Any]] = MongoClient(env["RAPPORT_MONGO"], tz_aware=True)

    def close(self) -> None:
        self._mongo.close()

    @contextmanager
    def frozen(self, *parts: str) -> Iterator[None]:
        """They answer nothing, as behind a broken network; they always go on in the end."""
        status = read(self._home)
        assert status is not None
        pids = [part.pid for part in status.parts if part.name in parts and part.pid is not None]
        assert len(pids) == len(parts)
        with frozen(*pids):
            yield

    def send(self, topic: str, events: Iterable[Mapping[str, Any]]) -> None:
        """Send and wait until all are acknowledged."""
        producer = KafkaProducer(bootstrap_servers=self.env["RAPPORT_KAFKA"], acks="all", linger_ms=5)
        try:
            for e in events:
                producer.send(
                    topic, key=e["subject"].encode(), value=json.dumps(e).encode(), headers=STRUCTURED
                )
            producer.flush()
        finally:
            producer.close()

    def send_raw(self, topic: str, partition: int, key: bytes, value: Mapping[str, Any]) -> None:
        producer = KafkaProducer(bootstrap_servers=self.env["RAPPORT_KAFKA"], acks="all")
        try:
            body = json.dumps(value).encode()
            producer.send(topic, key=key, value=body, headers=STRUCTURED, partition=partition)
            producer.flush()
        finally:
            producer.close()

    def lag(self, service: str) -> int | None:
        """Records the service has not handled; None before it has committed at all."""
        with broker.admin(Brokers(self.env["RAPPORT_KAFKA"])) as client:
            rows = [row for row in lag.measure(client) if row.group == f"rapport-{service}"]
        return sum(row.lag for row in rows) if rows else None

    def wait_caught_up(self, service: str, seconds: float = 90.0) -> None:
        self.wait(lambda: self.lag(service) == 0, seconds, f"{service} caught up")

    def wait(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
            time.sleep(0.2)

    def database(self, service: str) -> Any:
        return self._mongo[f"rapport_{service}"]

    def told(self, topic: str, customers: Iterable[str]) -> dict[str, dict[str, dict[str, Any]]]:
        """The distinct events of a topic: customer -> id -> event. The same id twice must be the same."""
        wanted = set(customers)
        found: dict[str, dict[str, dict[str, Any]]] = {c: {} for c in wanted}
        consumer = KafkaConsumer(bootstrap_servers=self.env["RAPPORT_KAFKA"], group_id=None)
        try:
            partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            ends = consumer.end_offsets(partitions)
            while any(consumer.position(tp) < end for tp, end in ends.items()):
                for records in consumer.poll(timeout_ms=500).values():
                    for record in records:
                        e = json.loads(record.value)
                        if e["subject"] in wanted:
                            before = found[e["subject"]].setdefault(e["id"], e)
                            assert before == e
        finally:
            consumer.close()
        return found

    def members(self, customers: Iterable[str]) -> dict[str, Member]:
        customers = list(customers)
        database = self.database("loyalty")
        told = self.told("loyalty", customers)
        members = {}
        for customer in customers:
            state = database["state"].find_one({"_id": customer})
            assert state is not None, customer
            entries = list(database["ledger"].find({"member": customer}))
            points = [e["data"]["points"] for e in told[customer].values() if "entry_id" in e["data"]]
            members[customer] = Member(
                balance=max(entries, key=lambda e: e["seq"])["balance"] if entries else 0,
                ledger_sum=sum(e["points"] for e in entries),
                ledger_entries=len(entries),
                told_sum=sum(points),
                told_entries=len(points),
            )
        return members
