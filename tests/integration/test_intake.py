"""What comes in on Kafka: everything readable takes effect once; the rest is set aside, with its reason."""

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

from shared.runtime.keys import partition_of
from tests.stack import STRUCTURED, Stack, event, new_customer, purchase, until

HEADERS = [("content-type", STRUCTURED.encode()), ("trace", b"kept")]
REASON = {
    "rapport-dead-letter-id",
    "rapport-service",
    "rapport-error",
    "rapport-error-detail",
    "rapport-origin",
    "rapport-failed-at",
}


def letters(stack: Stack, topic: str, key: bytes) -> list[Any]:
    """The dead letters of a key, each once."""
    found = {}
    for record in stack.records(f"{topic}.dlq"):
        headers = dict(record.headers)
        if record.key == key and "rapport-replayed" not in headers:
            found[headers["rapport-dead-letter-id"]] = record
    return list(found.values())


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
    }


@pytest.mark.parametrize(
    "code", ["bytes", "json", "envelope", "type", "key", "field", "empty", "time", "future"]
)
def test_a_poison_record_is_set_aside_and_stops_nothing(stack: Stack, code: str) -> None:
    customer = new_customer()
    key, value = poison(customer)[code]
    stack.produce("purchases", key, value, HEADERS)
    stack.send("purchases", purchase(customer, 700))
    until(lambda: stack.balance(customer) == 7, "what comes after the poison takes effect")
    (letter,) = until(lambda: letters(stack, "purchases", key), "the dead letter")
    headers = dict(letter.headers)
    assert set(headers) >= REASON
    assert headers["rapport-error"].decode() == code
    assert headers["rapport-service"] == b"interactions"
    assert headers["trace"] == b"kept"
    assert letter.value == value
    assert headers["rapport-origin"].startswith(b"purchases/")


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
    copies = [r for r in stack.records("purchases") if r.key == customer.encode()]
    forwarded = [r for r in copies if "rapport-forwarded" in dict(r.headers)]
    assert forwarded
    assert {r.partition for r in forwarded} == {partition_of(customer.encode(), count)}
    told = stack.get("interactions", f"/customers/{customer}/timeline")["items"]
    assert [i["id"] for i in told if i["type"] == "rapport.purchase.made.v1"].count(e["id"]) == 1


def test_the_same_event_by_http_and_kafka_has_one_effect(stack: Stack) -> None:
    customer = new_customer()
    e = purchase(customer, 900)
    for _ in range(3):
        stack.send("purchases", e)
        assert stack.post_events(e).status == 202
    stack.post_events(purchase(customer, 100))
    until(lambda: stack.balance(customer) == 10, "9 and 1")


def test_what_one_service_cannot_apply_it_sets_aside_and_replays_alone(stack: Stack) -> None:
    customer, event_id = new_customer(), uuid.uuid4().hex
    stack.send("purchases", purchase(customer, 500, currency="XTS", event_id=event_id))
    (letter,) = until(lambda: letters(stack, "purchases", customer.encode()), "loyalty's dead letter")
    headers = dict(letter.headers)
    assert headers["rapport-service"] == b"loyalty"
    assert headers["rapport-error"] == b"unknown_currency"

    def on_the_timeline() -> list[str]:
        answer = stack.call("interactions", "GET", f"/customers/{customer}/timeline")
        items = answer.body["items"] if answer.status == 200 else []
        return [i["id"] for i in items if i["type"] == "rapport.purchase.made.v1"]

    until(lambda: on_the_timeline() == [event_id], "interactions took it")
    assert "unknown_currency" in rapport(stack, "dlq", "list")
    assert customer in rapport(stack, "dlq", "show", "purchases")
    rapport(stack, "dlq", "replay", "purchases", "--reason", "unknown_currency", "--service", "loyalty")
    until(lambda: len(letters(stack, "purchases", customer.encode())) == 2, "refused again")
    assert on_the_timeline() == [event_id]
    # A dead letter does not use its id up: corrected, under the same id, it takes effect.
    stack.send("purchases", purchase(customer, 500, event_id=event_id))
    until(lambda: stack.balance(customer) == 5, "the corrected event")


def test_a_fact_about_an_unknown_complaint_is_a_dead_letter(stack: Stack) -> None:
    customer = new_customer()
    resolved = {"complaint_id": "none", "resolution": "done"}
    stack.send("complaints", event("complaint.resolved", customer, resolved))
    (letter,) = until(lambda: letters(stack, "complaints", customer.encode()), "the dead letter")
    assert dict(letter.headers)["rapport-error"] == b"unknown_complaint"
