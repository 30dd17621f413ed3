"""What comes in on Kafka: everything readable takes effect once; the rest is set aside, with its reason."""

import hashlib
import json
import os
import subprocess
import sys
import uuid
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import Producer
from kafka import KafkaProducer

from shared.kafka.keys import partition_of
from shared.schemas.topics import TOPICS
from tests.stack import STRUCTURED, Stack, event, new_customer, purchase, until

HEADERS: list[tuple[str, Any]] = [("content-type", STRUCTURED.encode()), ("trace", b"kept")]
REASON = {
    "rapport-dead-letter-id",
    "rapport-service",
    "rapport-error",
    "rapport-error-detail",
    "rapport-origin",
    "rapport-failed-at",
}

GIFT = {"points": 5_000, "reason": "because I may write purchases"}


def dead_letters(stack: Stack, topic: str, key: bytes | None) -> list[Any]:
    """The dead letters of a key as they lie in the topic, without the marks that a replay leaves."""
    found = [r for r in stack.records(f"{topic}.dlq") if r.key == key]
    return [r for r in found if "rapport-replayed" not in dict(r.headers)]


def rapport(stack: Stack, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "rapport", *arguments],
        env={**os.environ, **stack.env, "RAPPORT_HOME": str(stack.home.root), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def poison(customer: str) -> dict[str, tuple[bytes, bytes | None]]:
    """Code -> key and value of a record that nobody can use."""

    def body(**changes: Any) -> bytes:
        return json.dumps({**purchase(customer, 900), **changes}).encode()

    ahead = (datetime.now(UTC) + timedelta(hours=25)).isoformat()
    bad = purchase(customer, 900)
    bad["data"]["total"]["amount"] = "ten"
    key = customer.encode()
    return {
        "bytes": (key, b"\xff\xfe\x00"),
        "json": (key, b"[1,2"),
        "envelope": (key, b'{"specversion":"1.0"}'),
        "type": (key, body(type="rapport.purchase.dreamt.v1")),
        "key": (new_customer().encode(), body()),
        "field": (key, json.dumps(bad).encode()),
        "empty": (key, None),
        "time": (key, body(time="yesterday")),
        "future": (key, body(time=ahead)),
        "topic": (key, body(type="rapport.loyalty.adjustment.requested.v1", data=GIFT)),
    }


@pytest.mark.parametrize(
    "code", ["bytes", "json", "envelope", "type", "key", "field", "empty", "time", "future", "topic"]
)
def test_a_poison_record_is_set_aside_and_stops_nothing(stack: Stack, code: str) -> None:
    customer = new_customer()
    key, value = poison(customer)[code]
    stack.produce("purchases", key, value, HEADERS)
    stack.send("purchases", purchase(customer, 700))
    until(lambda: stack.balance(customer) == 7, "what comes after the poison takes effect")
    stack.settle()
    (dead_letter,) = dead_letters(stack, "purchases", key)  # of four services that met it, one sets it aside
    headers = dict(dead_letter.headers)
    assert headers["rapport-error"].decode() == code
    check_dead_letter(stack, dead_letter, value)


def check_dead_letter(stack: Stack, dead_letter: Any, value: bytes | None) -> None:
    """It is the record that its origin names, byte for byte, with the whole reason beside it."""
    headers = dict(dead_letter.headers)
    assert {name for name in headers if name.startswith("rapport-")} == REASON
    assert headers["rapport-service"] == b"interactions"
    assert headers["rapport-error-detail"]
    topic, partition, offset = headers["rapport-origin"].decode().split("/")
    (origin,) = [r for r in stack.records(topic) if (r.partition, r.offset) == (int(partition), int(offset))]
    assert (dead_letter.topic, dead_letter.partition) == (f"{topic}.dlq", origin.partition)
    assert (dead_letter.key, dead_letter.value) == (origin.key, origin.value)
    assert dead_letter.value == value
    assert [h for h in dead_letter.headers if h[0] not in REASON] == list(origin.headers) == HEADERS
    failed_at = datetime.fromisoformat(headers["rapport-failed-at"].decode())
    assert timedelta(0) <= datetime.now(UTC) - failed_at < timedelta(minutes=5)


def test_a_record_larger_than_any_that_we_write_is_cut_and_stops_nothing(stack: Stack) -> None:
    """The broker's limit is about what is compressed: no producer of ours could write this one again."""
    customer, value = new_customer(), b"x" * 5_000_000
    producer = KafkaProducer(
        bootstrap_servers=stack.env["RAPPORT_KAFKA"], compression_type="gzip", max_request_size=8_000_000
    )
    producer.send("purchases", key=customer.encode(), value=value, headers=HEADERS).get(20)
    producer.close()
    stack.send("purchases", purchase(customer, 700))
    until(lambda: stack.balance(customer) == 7, "what comes after it takes effect")
    stack.settle()
    (dead_letter,) = dead_letters(stack, "purchases", customer.encode())
    headers = {name: text.decode() for name, text in dead_letter.headers}
    assert (headers["rapport-error"], headers["rapport-cut"]) == ("json", "value")
    assert headers["rapport-cut-value-length"] == str(len(value))
    assert headers["rapport-cut-value-sha256"] == hashlib.sha256(value).hexdigest()
    assert headers["trace"] == "kept"
    assert value.startswith(dead_letter.value)


def test_every_topic_has_its_dead_letters_and_goes_on(stack: Stack) -> None:
    customer, broken = new_customer(), b"not json at all"
    for topic in TOPICS:
        stack.produce(topic, customer.encode(), broken, HEADERS)
    stack.send("purchases", purchase(customer, 700))
    until(lambda: stack.balance(customer) == 7, "what comes after takes effect")
    stack.settle()
    for topic in TOPICS:
        (dead_letter,) = dead_letters(stack, topic, customer.encode())
        assert dict(dead_letter.headers)["rapport-error"] == b"json"
        check_dead_letter(stack, dead_letter, broken)


def test_a_record_without_a_key_is_a_dead_letter(stack: Stack) -> None:
    customer = new_customer()
    value = json.dumps(purchase(customer, 900)).encode()
    stack.produce("purchases", None, value, HEADERS)
    stack.send("purchases", purchase(customer, 100))
    until(lambda: stack.balance(customer) == 1, "what comes after it alone")
    stack.settle()
    (dead_letter,) = [r for r in dead_letters(stack, "purchases", None) if r.value == value]
    assert dict(dead_letter.headers)["rapport-error"] == b"key"
    check_dead_letter(stack, dead_letter, value)


def test_what_nobody_could_read_takes_effect_once_it_is_corrected(stack: Stack) -> None:
    """A dead letter does not use its event's id up; a replay of it as it was only fails again."""
    customer = new_customer()
    good = purchase(customer, 900)
    bad = {**good, "data": {**good["data"], "total": {"amount": "900", "currency": "EUR"}}}
    stack.send("purchases", bad)
    until(lambda: dead_letters(stack, "purchases", customer.encode()), "the dead letter")
    rapport(stack, "dlq", "replay", "purchases", "--reason", "field")
    again = until(
        lambda: len(found := dead_letters(stack, "purchases", customer.encode())) == 2 and found, "and again"
    )
    origins = {dict(dead_letter.headers)["rapport-origin"] for dead_letter in again}
    assert len(origins) == 2
    for _ in range(2):
        stack.send("purchases", good)
    stack.post_events(purchase(customer, 100))
    until(lambda: stack.balance(customer) == 10, "9 once, and 1")


def test_binary_mode_takes_effect(stack: Stack) -> None:
    customer = new_customer()
    e = purchase(customer, 700)
    attributes = ("specversion", "id", "source", "type", "subject", "time")
    headers = [("content-type", b"application/json"), *((f"ce_{a}", e[a].encode()) for a in attributes)]
    stack.produce("purchases", customer.encode(), json.dumps(e["data"]).encode(), headers)
    until(lambda: stack.balance(customer) == 7, "the points")


def test_another_clients_partitioner_ends_up_on_the_right_partition(stack: Stack) -> None:
    """librdkafka's default is a CRC-32: for this customer it is another partition than murmur2's."""
    count = int(stack.env["RAPPORT_PARTITIONS"])
    customer = next(
        c
        for c in (new_customer() for _ in range(1000))
        if zlib.crc32(c.encode()) % count != partition_of(c.encode(), count)
    )
    producer = Producer({"bootstrap.servers": stack.env["RAPPORT_KAFKA"]})
    e = purchase(customer, 900)
    for _ in range(2):  # and sent twice, as a client that retries may
        producer.produce("purchases", json.dumps(e).encode(), customer, headers=HEADERS[:1])
    assert producer.flush(20) == 0
    until(lambda: stack.balance(customer) == 9, "the points")
    stack.send("purchases", purchase(customer, 100))  # ours, after it on the right partition
    until(lambda: stack.balance(customer) == 10, "both, each once")
    stack.settle()
    assert sorted(entry["points"] for entry in stack.ledger(customer)) == [1, 9]
    assert not dead_letters(stack, "purchases", customer.encode())
    copies = [r for r in stack.records("purchases") if r.key == customer.encode()]
    forwarded = [r for r in copies if "rapport-forwarded" in dict(r.headers)]
    assert forwarded
    assert {r.partition for r in forwarded} == {partition_of(customer.encode(), count)}
    told = stack.timeline(customer)
    assert [i["id"] for i in told if i["type"] == "rapport.purchase.made.v1"].count(e["id"]) == 1


def test_the_same_event_by_http_and_kafka_has_one_effect(stack: Stack) -> None:
    customer = new_customer()
    e = purchase(customer, 900)
    for _ in range(3):
        stack.send("purchases", e)
        assert stack.post_events(e).status == 202
    stack.post_events(purchase(customer, 100))
    until(lambda: stack.balance(customer) == 10, "9 and 1")
    stack.settle()
    assert sorted(entry["points"] for entry in stack.ledger(customer)) == [1, 9]
    kinds = [item["type"] for item in stack.timeline(customer)]
    assert kinds.count("rapport.purchase.made.v1") == 2
    assert kinds.count("rapport.points.earned.v1") == 2


def test_an_event_is_its_source_and_id_and_nothing_else(stack: Stack) -> None:
    """Another source's event of the same id is another; the same one with other content is not."""
    customer, event_id = new_customer(), uuid.uuid4().hex
    stack.post_events(purchase(customer, 900, event_id=event_id))
    stack.post_events(purchase(customer, 5_000, event_id=event_id))
    stack.post_events({**purchase(customer, 100, event_id=event_id), "source": "/till/another"})
    until(lambda: stack.balance(customer) == 10, "9 and 1")
    stack.settle()
    assert stack.balance(customer) == 10


def test_what_one_service_cannot_apply_it_sets_aside_and_replays_alone(stack: Stack) -> None:
    customer, event_id = new_customer(), uuid.uuid4().hex
    stack.send("purchases", purchase(customer, 500, currency="XTS", event_id=event_id))
    (dead_letter,) = until(
        lambda: dead_letters(stack, "purchases", customer.encode()), "loyalty's dead letter"
    )
    headers = dict(dead_letter.headers)
    assert headers["rapport-service"] == b"loyalty"
    assert headers["rapport-error"] == b"unknown_currency"

    def on_the_timeline() -> list[str]:
        return [i["id"] for i in stack.timeline(customer) if i["type"] == "rapport.purchase.made.v1"]

    until(lambda: on_the_timeline() == [event_id], "interactions took it")
    assert "unknown_currency" in rapport(stack, "dlq", "list")
    assert customer in rapport(stack, "dlq", "show", "purchases")
    rapport(stack, "dlq", "replay", "purchases", "--reason", "unknown_currency", "--service", "loyalty")
    until(lambda: len(dead_letters(stack, "purchases", customer.encode())) == 2, "refused again")
    sent_back = [r for r in stack.records("purchases") if r.key == customer.encode()][1:]
    assert [dict(r.headers).get("rapport-for") for r in sent_back] == [b"loyalty"]
    stack.settle()
    assert len(dead_letters(stack, "purchases", customer.encode())) == 2  # of loyalty alone
    assert on_the_timeline() == [event_id]
    # A dead letter does not use its id up: corrected, under the same id, it takes effect.
    stack.send("purchases", purchase(customer, 500, event_id=event_id))
    until(lambda: stack.balance(customer) == 5, "the corrected event")


def test_a_step_of_an_unknown_complaint_waits_for_it_and_one_too_many_is_a_dead_letter(stack: Stack) -> None:
    customer = new_customer()
    about = {"complaint_id": f"c-{customer}"}
    opened = about | {"channel": "web", "category": "delivery", "severity": "low", "description": "late"}
    times = (datetime.now(UTC) - timedelta(minutes=n) for n in range(100))
    steps = [
        event("complaint.updated", customer, about | {"message": "soon"}, at=next(times).isoformat())
        for _ in range(50)
    ]
    stack.post_events(event("complaint.resolved", customer, about | {"resolution": "done"}), *steps)
    (dead_letter,) = until(lambda: dead_letters(stack, "complaints", customer.encode()), "the dead letter")
    assert dict(dead_letter.headers)["rapport-error"] == b"unknown_complaint"

    def lines() -> list[str]:
        rows = stack.timeline(customer)
        return [row["summary"] for row in rows if row["type"].startswith("rapport.complaint.")]

    until(lambda: len(lines()) == 50, "those that wait")
    assert all(line.startswith("Waiting: ") for line in lines())
    stack.post_events(event("complaint.opened", customer, opened, at=next(times).isoformat()))
    path = f"/complaints/c-{customer}"
    until(lambda: stack.call("interactions", "GET", path).status == 200, "the complaint")
    page = stack.get("interactions", path)
    assert (page["status"], page["resolution"]) == ("resolved", "done")
    assert sum(".sla_" not in one["type"] for one in page["history"]) == 51


def test_one_order_under_two_event_ids_is_one_order_in_the_360(stack: Stack) -> None:
    customer, order = new_customer(), f"so-1001-{new_customer()}"
    stack.post_events(*(purchase(customer, 10_000, order=order, event_id=f"{n}-{order}") for n in "12"))
    until(lambda: sum("Bought" in row["summary"] for row in stack.timeline(customer)) == 2, "both events")
    page = stack.get("interactions", f"/customers/{customer}")
    assert page["purchases"]["count"] == 1
    assert page["purchases"]["totals"][0]["purchased"] == 10_000
    copies = [row for row in stack.timeline(customer) if row["note"]]
    assert [row["summary"].partition(":")[0] for row in copies] == ["Copy"]
    found = stack.get("interactions", f"/customers?query={order}")["items"]
    assert [hit["customer_id"] for hit in found] == [customer]
