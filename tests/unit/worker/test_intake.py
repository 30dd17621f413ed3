"""What a service reads of its own: commands it sends itself, not the facts it has decided."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from shared.kafka.clients import KafkaRecord
from shared.kafka.keys import partition_of
from shared.kafka.publisher import MAX_RECORD_BYTES
from shared.schemas.clock import ClockAdvanced
from shared.schemas.commands.loyalty import AdjustmentRequested, RedemptionRequested
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from shared.worker.intake import Intake
from tests.unit.journal.driver import START, purchase
from tests.unit.worker.consumer import record

PARTITIONS = 4


@pytest.mark.parametrize("source", ["/rapport/loyalty", "/api/loyalty/anna/redemptions"])
def test_a_service_reads_commands_whoever_sent_them(source: str) -> None:
    event = Event("x", source, "c1", START, RedemptionRequested(reward_id="tea"))
    slot = Intake("loyalty", (RedemptionRequested,)).read(record(event, 7, PARTITIONS), PARTITIONS)
    assert slot.event == event


@pytest.mark.parametrize(("source", "is_read"), [("/rapport/loyalty", False), ("/till", True)])
def test_a_service_skips_facts_it_wrote_itself(source: str, is_read: bool) -> None:
    made = purchase(1, "c1", START, 5)
    event = Event(made.id, source, made.subject, made.time, made.data)
    slot = Intake("loyalty", (PurchaseMade,)).read(record(event, 7, PARTITIONS), PARTITIONS)
    assert (slot.event == event) is is_read


def moved(event: Event, topic: str, **changes: Any) -> KafkaRecord:
    """The event's record, but on another topic."""
    return replace(record(event, 7, PARTITIONS), topic=topic, **changes)


ADJUSTMENT = Event("a-1", "/till", "c1", START, AdjustmentRequested(points=5_000, reason="mine"))
CLOCK = Event("t-1", "/till", "c1", START, ClockAdvanced(to=START))
BOUGHT = purchase(1, "c1", START, 5)


@pytest.mark.parametrize(
    ("event", "topic"),
    [(ADJUSTMENT, "purchases"), (CLOCK, "purchases"), (BOUGHT, "clock"), (BOUGHT, "loyalty")],
)
def test_a_type_off_its_topic_has_no_effect_and_is_a_dead_letter_once(event: Event, topic: str) -> None:
    """Who may write purchases must not be able to give points, or to move the clock."""
    consumes = (AdjustmentRequested, PurchaseMade)
    slot = Intake("loyalty", consumes).read(moved(event, topic), PARTITIONS)
    assert (slot.at, slot.event, slot.record) == (None, None, None)
    slot = Intake("interactions", consumes, reads_everything=True).read(moved(event, topic), PARTITIONS)
    assert (slot.at, slot.event) == (None, None)
    assert slot.record is not None
    assert slot.record.topic == f"{topic}.dlq"
    assert dict(slot.record.headers)["rapport-error"] == b"topic"


def test_a_replay_to_one_service_must_be_on_its_topic_too() -> None:
    record = moved(ADJUSTMENT, "purchases", headers=(("rapport-for", b"loyalty"),))
    slot = Intake("loyalty", (AdjustmentRequested,)).read(record, PARTITIONS)
    assert slot.event is None
    assert slot.record is not None
    assert dict(slot.record.headers)["rapport-error"] == b"topic"


def test_what_is_off_its_topic_is_not_forwarded_either() -> None:
    elsewhere = moved(ADJUSTMENT, "purchases", partition=(partition_of(b"c1", PARTITIONS) + 1) % PARTITIONS)
    slot = Intake("interactions", (), reads_everything=True).read(elsewhere, PARTITIONS)
    assert slot.record is not None
    assert slot.record.topic == "purchases.dlq"


def test_an_old_type_is_on_the_topic_of_the_new_one() -> None:
    data = {"order_id": "o", "channel": "web", "total_eur": 5, "items": [], "voucher": None}
    value = {
        "specversion": "1.0", "id": "v0", "source": "/till", "type": "rapport.purchase.made.v0",
        "subject": "c1", "time": START.isoformat(), "data": data,
    }  # fmt: skip
    old = replace(record(BOUGHT, 7, PARTITIONS), value=json.dumps(value).encode())
    assert Intake("loyalty", (PurchaseMade,)).read(old, PARTITIONS).event is not None
    old = replace(old, topic="feedback")
    assert Intake("loyalty", (PurchaseMade,)).read(old, PARTITIONS).event is None


def test_what_grows_too_large_by_its_forwarding_is_a_dead_letter() -> None:
    there = (partition_of(b"c1", PARTITIONS) + 1) % PARTITIONS
    padding = (*record(BOUGHT, 7, PARTITIONS).headers, ("note", b"x" * 2 * MAX_RECORD_BYTES))
    large = replace(record(BOUGHT, 7, PARTITIONS), partition=there, headers=padding)
    slot = Intake("interactions", (), reads_everything=True).read(large, PARTITIONS)
    assert slot.record is not None
    assert slot.record.topic == "purchases.dlq"


def copied(grown: int, partition: int) -> KafkaRecord:
    """As ``rapport topics grow`` copies a record."""
    marks = (("rapport-forwarded", b"0/7"), ("rapport-grown", f"{grown}@5/0".encode()))
    before = record(BOUGHT, 7, PARTITIONS)
    return replace(before, partition=partition, headers=(*before.headers, *marks))


def test_a_copy_of_growth_is_read_by_services_that_are_built_anew_alone() -> None:
    intake, here = Intake("loyalty", (PurchaseMade,)), partition_of(b"c1", PARTITIONS)
    copy = copied(PARTITIONS, here)
    slot = intake.read(copy, PARTITIONS, first_count=PARTITIONS)
    assert (slot.event, slot.copied) == (BOUGHT, (5, 0))
    assert intake.read(copy, PARTITIONS, first_count=PARTITIONS + 3).event is not None
    assert intake.read(copy, PARTITIONS, first_count=PARTITIONS - 1).event is None


def test_a_copy_of_growth_that_has_moved_on_is_neither_forwarded_nor_a_dead_letter() -> None:
    there = (partition_of(b"c1", PARTITIONS) + 1) % PARTITIONS
    slot = Intake("interactions", (), reads_everything=True).read(copied(3, there), PARTITIONS, first_count=4)
    assert (slot.event, slot.record) == (None, None)
