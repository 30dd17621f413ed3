"""Reading a record in one pass beside Pydantic: the intake of each, in turn, on the same records."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from shared.kafka.clients import KafkaRecord
from shared.kafka.keys import partition_of
from shared.runtime.heap import settle_heap
from shared.schemas.customers import CustomerErased
from shared.schemas.purchases import PurchaseMade
from shared.worker.intake import Intake
from tests.bench.events import purchases
from tests.bench.loyalty import HEADERS, PARTITIONS
from tests.bench.report import show_ratio

pytestmark = pytest.mark.bench

EVENTS = 20_000
RUNS = 7


def _records(change: Callable[[int, bytes], bytes] = lambda n, value: value) -> list[KafkaRecord]:
    return [
        KafkaRecord("purchases", partition_of(key, PARTITIONS), n, key, change(n, value), HEADERS)
        for n, (key, value) in enumerate(purchases(EVENTS, customers=5000))
    ]


def _poison(n: int, value: bytes) -> bytes:
    return value if n % 10 else value.replace(b'"amount":', b'"amount":"x",')


def _unknown(n: int, value: bytes) -> bytes:
    """A field that no model knows."""
    return value.replace(b'"channel":', b'"till":4,"channel":')


class _Nothing:
    """A quick reader that leaves all to Pydantic."""

    def read(self, *record: Any) -> None:
        return None

    def learn(self, cls: Any) -> None:
        return

    ignore = learn


def _rate(intake: Intake, records: Sequence[KafkaRecord]) -> float:
    started = time.thread_time()  # of this thread alone: what else the machine does is not in it
    for record in records:
        intake.read(record, PARTITIONS)
    return len(records) / (time.thread_time() - started)


@pytest.mark.parametrize(
    ("title", "wanted", "change", "aim"),
    [
        ("Reading purchases", PurchaseMade, lambda n, value: value, 1.3),
        ("Reading purchases, one in ten of them bad", PurchaseMade, _poison, 1.2),
        ("Reading purchases with a field more", PurchaseMade, _unknown, 1.0),
        ("Skipping purchases", CustomerErased, lambda n, value: value, 2.0),
    ],
)
def test_reading_in_one_pass_beside_pydantic(
    title: str, wanted: Any, change: Callable[[int, bytes], bytes], aim: float
) -> None:
    settle_heap()
    records = _records(change)
    quick, slow = Intake("quick", (wanted,)), Intake("slow", (wanted,))
    slow._quick = _Nothing()  # type: ignore[assignment]  # as it was before
    after, before = [], []
    for _ in range(RUNS):
        before.append(_rate(slow, records))
        after.append(_rate(quick, records))
    show_ratio(
        f"{title} ({EVENTS:,}, {RUNS} runs each, in turn)",
        ("in one pass, Pydantic where that says nothing", after),
        ("envelope, then Pydantic", before),
        aim=aim,
    )
