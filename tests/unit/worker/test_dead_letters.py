"""A dead letter that any producer of ours can write, however large the record was."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from shared.kafka.publisher import MAX_RECORD_BYTES, Record
from shared.schemas.codec import decode, open_envelope
from shared.worker.dead_letters import MOST_BYTES, dead_letter_of, size, written_anew
from shared.worker.processing import Origin

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HUGE = 3 * MAX_RECORD_BYTES
OWN = (("content-type", b"application/cloudevents+json"), ("trace", b"1"))


def set_aside(key: bytes | None, value: bytes | None, headers: Any = OWN, detail: str = "no") -> Record:
    original = Record("purchases", key, value, headers)
    origin = Origin("purchases", 3, 17)
    return dead_letter_of("interactions", origin, original, code="json", detail=detail, failed_at=NOW)


def written(record: Record) -> None:
    """Whether the producer takes it, as aiokafka reckons."""
    headers = list(record.headers)
    size = DefaultRecordBatchBuilder.estimate_size_in_bytes(record.key, record.value, headers)
    assert size <= 2 * MAX_RECORD_BYTES


def test_a_record_that_fits_is_kept_as_it_came() -> None:
    value = b"x" * (MOST_BYTES - 1000)
    record = set_aside(b"c1", value)
    assert (record.key, record.value, record.headers[:2]) == (b"c1", value, OWN)
    assert not [name for name, _ in record.headers if name.startswith("rapport-cut")]
    written(set_aside(b"c1", value, detail="\N{GRINNING FACE}" * 2_000))


@pytest.mark.parametrize(
    ("part", "record", "whole"),
    [
        ("value", (b"c1", b"v" * HUGE, OWN), b"v" * HUGE),
        ("key", (b"k" * HUGE, b"{}", OWN), b"k" * HUGE),
        ("headers", (b"c1", b"{}", (("n", b"h" * HUGE),)), b"1:n,%d:%b," % (HUGE, b"h" * HUGE)),
        ("headers", (None, None, (("n", b""),) * 300_000), b"1:n,0:," * 300_000),
    ],
)
def test_what_is_too_large_is_cut_and_said(part: str, record: Any, whole: bytes) -> None:
    dead = set_aside(*record)
    written(dead)
    said = {name: value.decode() for name, value in dead.headers}
    assert said["rapport-cut"] == part
    assert said[f"rapport-cut-{part}-length"] == str(len(whole))
    assert said[f"rapport-cut-{part}-sha256"] == hashlib.sha256(whole).hexdigest()
    assert said["rapport-origin"] == "purchases/3/17"
    assert (dead.topic, dead.partition) == ("purchases.dlq", 3)
    kept = {"key": dead.key, "value": dead.value, "headers": dead.headers[: len(record[2])]}
    was = dict(zip(("key", "value", "headers"), record, strict=True))
    assert all(kept[other] == was[other] for other in was if other != part)


def test_several_parts_can_be_too_large() -> None:
    dead = set_aside(b"k" * HUGE, b"v" * HUGE)
    written(dead)
    assert dict(dead.headers)["rapport-cut"] == b"value,key"
    assert (dead.value or b"").startswith(b"vvv")
    assert size(dead.key, dead.value, dead.headers) < MOST_BYTES


def test_an_event_that_is_written_anew_keeps_its_extensions() -> None:
    value = b"""{"specversion":"1.0","id":"e","source":"/x","type":"rapport.customer.erased.v1","subject":"c",
        "time":"2025-12-31T23:59:59.999999999Z","region":"north","sequence":7}"""
    event = decode(open_envelope(b"c", value, []), wall_now=NOW)
    origin, record = written_anew(event, Origin("customers", 3, 17))
    assert origin == Origin("customers", 3, 17)
    again = decode(open_envelope(record.key, record.value, record.headers), wall_now=NOW)
    assert again == event
    assert again.extensions == {"region": "north", "sequence": 7}
