"""The records of a scenario: good events, duplicates, corrections, records that nobody can read or that
stand on the wrong partition. Pure.
"""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from msgspec import structs

from shared.kafka.clients import Record
from shared.kafka.publisher import MAX_RECORD_BYTES
from shared.schemas.base import Data
from shared.schemas.clock import ClockAdvanced
from shared.schemas.codec import encode
from shared.schemas.commands.loyalty import AdjustmentRequested, RedemptionRequested
from shared.schemas.complaints import CompensationGranted
from shared.schemas.customers import CustomerErased, ErasureLifted
from shared.schemas.event import Event
from shared.schemas.interactions import InteractionLogged
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from tests.simulation.histories import history
from tests.unit.journal.driver import START, purchase
from tests.unit.journal.kiosk import Step, log_of

Name = Literal["kiosk", "tally", "loyalty", "metrics", "interactions", "followup"]
HANDLERS: tuple[Name, ...] = (
    "kiosk", "kiosk", "tally", "tally", "loyalty", "metrics", "metrics",
    "interactions", "followup", "followup",
)  # fmt: skip
GROWING: tuple[Name, ...] = ("tally", "followup", "metrics")
"""Those whose topics may get more partitions during a run."""
END = START + timedelta(days=800)
"""The clock is set to this at last, so that every timer has fired."""


def log_for(rng: random.Random, handler: Name, partitions: int) -> list[Record]:
    """What is produced, in this order. Times rise, but for duplicates."""
    customers, size = rng.randrange(1, 5), rng.randrange(5, 60)
    match handler:
        case "kiosk":
            good = records_of(_kiosk(rng, customers, size))
        case "metrics":
            good = records_of(_with_erasures(rng, _kiosk(rng, customers, size)))
        case "tally":
            good = _tally(rng, customers, size)
        case "loyalty":
            good = _loyalty(rng, customers, size)
        case "interactions" | "followup":
            events = history(rng, handler, customers, size)
            good = _with_large(rng, events, partitions) if handler == "interactions" else records_of(events)
    erases = any(record.topic == CustomerErased.topic for record in good)
    records: list[Record] = []
    for record in good:
        records.append(_misplaced(rng, record, partitions))
        if rng.random() < 0.08:
            again = rng.choice(records)
            # What comes late is told before or after an erasure, as it happens: at once it is told in order.
            records.append(records[-1] if erases and handler == "metrics" else again)
        if rng.random() < 0.04:
            records.append(Record("purchases", b"c0", rng.choice([b"", b"{", b"\xff", b'{"a":1}'])))
    return records


def _with_large(rng: random.Random, events: list[Event], partitions: int) -> list[Record]:
    """Their records; now and then one is larger than a producer of ours may write: nonsense, or an event,
    perhaps on a wrong partition."""
    records = records_of(events)
    if rng.random() < 0.15:
        n, text = rng.randrange(len(events)), "x" * (MAX_RECORD_BYTES * 2 + 100_000)
        contact = {"channel": "phone", "direction": "inbound", "kind": "call", "summary": text}
        large = structs.replace(events[n], data=InteractionLogged.model_validate(contact))
        nonsense = Record("interactions", large.subject.encode(), text.encode())
        records[n] = rng.choice([nonsense, record_of(large), record_of(large, rng.randrange(partitions))])
    return records


def _misplaced(rng: random.Random, record: Record, partitions: int) -> Record:
    return record if rng.random() > 0.03 else replace(record, partition=rng.randrange(partitions))


def _with_erasures(rng: random.Random, events: list[Event]) -> list[Event]:
    """Now and then somebody is erased, or may come back."""
    found: list[Event] = []
    often = rng.choice([0.0, 0.0, 0.05, 0.2])
    for n, event in enumerate(events):
        found.append(event)
        if rng.random() < often:
            data = rng.choice([CustomerErased(), ErasureLifted()])
            who = rng.choice(events).subject
            found.append(Event(f"g{n}", "/admin", who, event.time + timedelta(seconds=1), data))
    return found


def _kiosk(rng: random.Random, customers: int, size: int) -> list[Event]:
    kinds = ["buy", "buy", "return"]
    steps: list[Step] = [
        (
            rng.choice(kinds),
            rng.randrange(customers),
            rng.randrange(6),
            rng.randrange(13),
            rng.randrange(1, 10),
        )
        for _ in range(size)
    ]
    return [message.event for message in log_of(steps)]


def _tally(rng: random.Random, customers: int, size: int) -> list[Record]:
    records, at = [], START
    for n in range(size):
        at += timedelta(hours=rng.randrange(12))
        amount = rng.choice([3, 6, 9, 12, 21, 7, 14, 28, 13, 1, 2, 33])
        records.append(record_of(purchase(n, f"c{rng.randrange(customers)}", at, amount)))
    return records


def _loyalty(rng: random.Random, customers: int, size: int) -> list[Record]:
    records, at = [], START
    for n in range(size):
        at += timedelta(hours=rng.randrange(1, 400), seconds=n)
        event = Event(f"l{n}", "/till", f"c{rng.randrange(customers)}", at, _member_event(rng, n))
        records.append(record_of(event))
    return records


def _member_event(rng: random.Random, n: int) -> Data:
    if rng.random() < 0.08:
        return rng.choice([CustomerErased(), ErasureLifted()])
    euros = {"amount": rng.randrange(100, 50_000), "currency": "EUR"}
    order = f"o-{n if rng.random() < 0.9 else rng.randrange(n + 1)}"
    match rng.randrange(8):
        case 0 | 1 | 2 | 3:
            data = {"order_id": order, "channel": "web", "total": euros, "items": []}
            return PurchaseMade.model_validate(data)
        case 4:
            back = {"order_id": f"o-{rng.randrange(n + 1)}", "return_id": f"r-{n}", "refund": euros}
            return PurchaseReturned.model_validate({**back, "items": []})
        case 5:
            return RedemptionRequested(reward_id=rng.choice(["free-delivery", "voucher-5", "no-such"]))
        case 6:
            return AdjustmentRequested(points=rng.choice([-50, 20, 500]), reason="by hand")
    return CompensationGranted(complaint_id=f"k-{n}", kind="points", points=rng.randrange(1, 300))


def record_of(event: Event, partition: int | None = None) -> Record:
    value, headers = encode(event)
    return Record(event.data.topic, event.subject.encode(), value, tuple(headers), partition)


def records_of(events: list[Event]) -> list[Record]:
    return [record_of(event) for event in events]


def clock_record(partition: int, to: datetime) -> Record:
    name = f"clock-{partition}"
    return record_of(Event(f"{name}-{to:%Y%m%d}", "/clock", name, to, ClockAdvanced(to=to)), partition)
