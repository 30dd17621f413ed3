"""kill -9 between what metrics hands over and its publication: what customers count as is what they know."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.metrics.domain.merging.course import moved_into, standing_of
from services.metrics.domain.rows import OWED, day_of_id, unpack_tail
from services.metrics.domain.state import Customer, decode
from services.metrics.domain.tracked import Tracked
from tests.faults.conftest import WorkerStarter
from tests.faults.platform import Platform, event, purchase

pytestmark = pytest.mark.faults

PAIRS, ORDERS = 18, 4
FAULTS = ("insights_written:1", "insights_published:1", "after_transaction:2")
"""Before what was handed over is published, after it, and where it may be either."""


def merging(kind: str, customer: str, other: str) -> dict[str, Any]:
    named = {"into": other} if kind == "merged" else {"from": other}
    at = datetime.now(UTC).isoformat()
    return event(f"customer.{kind}", customer, f"{kind}-{customer}", at, {**named, "reason": "a test"})


def bought(customers: list[str], begin: int) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    return [
        purchase(one, f"{one}-{n}", 2_000, (now - timedelta(days=7 * n + 1, minutes=5)).isoformat())
        for one in customers
        for n in range(begin, begin + ORDERS)
    ]


def cells(metrics: Any) -> Counter[tuple[int, str, str]]:
    """All that is counted."""
    total: Counter[tuple[int, str, str]] = Counter()
    for collection in ("days", "gaps"):
        for document in metrics[collection].find({}):
            for place, fields in document.get("cells", {}).items():
                for name, n in fields.items():
                    total[day_of_id(document["_id"]), place, name] += n
    for document in metrics["partitions"].find({}):
        for cell, n in unpack_tail(bytes(document.get("tail", b""))).items():
            total[cell] += n
    return Counter({cell: n for cell, n in total.items() if n})


def records(metrics: Any) -> dict[str, Customer]:
    return {row["_id"]: decode(bytes(row["record"])) for row in metrics["customers"].find({})}


def test_workers_killed_as_they_hand_over_and_give_back(platform: Platform, worker: WorkerStarter) -> None:
    run = uuid.uuid4().hex[:8]
    pairs = [(f"g{run}-{n}-a", f"g{run}-{n}-b") for n in range(PAIRS)]
    parted, everybody = pairs[::3], [one for pair in pairs for one in pair]
    for number, fault in enumerate(FAULTS):
        dying = worker("metrics", fault=fault)
        platform.send("purchases", bought(everybody[number :: len(FAULTS)], 0))
        platform.send("customers", [merging("merged", *pair) for pair in pairs[number :: len(FAULTS)]])
        dying.wait_killed()
    dying = worker("metrics", fault=FAULTS[0])
    platform.send("purchases", bought(everybody, ORDERS))
    platform.send("customers", [merging("unmerged", *pair) for pair in parted])
    dying.wait_killed()
    last = worker("metrics")
    last.wait_ready()
    metrics = platform.database("metrics")

    def settled() -> bool:
        platform.wait_caught_up("metrics")
        found = records(metrics)
        known = sum(len(found[one].orders) for one in everybody if one in found)
        waiting = any(metrics[name].count_documents({}) for name in (OWED, "outbox"))
        return known == len(everybody) * 2 * ORDERS and not waiting

    platform.wait(settled, 120, "all has come to where it belongs")
    last.stop()
    found = records(metrics)
    for old, survivor in pairs:
        apart = (old, survivor) in parted
        assert moved_into(found[old]) == (None if apart else survivor)
        standing = standing_of(found[survivor])
        assert (standing.ids if standing is not None else ()) == (() if apart else (old,))
        assert len(found[survivor].orders) == 2 * ORDERS * (1 if apart else 2)
    counted: Counter[tuple[int, str, str]] = Counter()
    for record in found.values():
        for cell, n in Tracked(record).counted():
            counted[cell] += n
    assert cells(metrics) == Counter({cell: n for cell, n in counted.items() if n})
