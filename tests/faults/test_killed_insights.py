"""kill -9 between what is decided of customers and its publication: none is lost, none is told twice."""

import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.metrics.domain.looked import Looked
from services.metrics.domain.rows import OWED
from services.metrics.domain.state import decode
from tests.faults.conftest import WorkerStarter
from tests.faults.platform import Platform, purchase

pytestmark = pytest.mark.faults

CUSTOMERS, ORDERS = 60, 6
FAULTS = ("insights_written:1", "insights_written:2", "insights_published:2")
"""Before publication, before that of what was decided since, and after it."""


def bought(customers: Iterable[str]) -> list[dict[str, Any]]:
    """Each customer bought every three weeks; some stopped long ago."""
    now, made = datetime.now(UTC), []
    for number, customer in enumerate(customers):
        stopped = timedelta(days=(number % 3) * 120)
        for order in range(ORDERS):
            at = now - stopped - timedelta(days=21 * (ORDERS - order))
            made.append(purchase(customer, f"{customer}-{order}", 2_000, at.isoformat()))
    return made


def looked(platform: Platform, customers: Iterable[str]) -> dict[str, Looked]:
    """What their records say was told."""
    rows = platform.database("metrics")["customers"].find({"_id": {"$in": [*customers]}})
    return {row["_id"]: decode(bytes(row["record"])).looked for row in rows}


def test_a_worker_killed_as_it_tells_what_it_decided(platform: Platform, worker: WorkerStarter) -> None:
    run = uuid.uuid4().hex[:8]
    customers = [f"i{run}-{n}" for n in range(CUSTOMERS)]
    # From the second on, each begins with what the one before left.
    for number, fault in enumerate(FAULTS):
        dying = worker("metrics", fault=fault)
        platform.send("purchases", bought(customers[number :: len(FAULTS)]))
        dying.wait_killed()
    worker("metrics").wait_ready()
    platform.wait_caught_up("metrics")
    metrics = platform.database("metrics")

    def settled() -> bool:
        """All that was written is looked at, and what that told is published."""
        return not any(metrics[name].count_documents({}) for name in (OWED, "outbox"))

    platform.wait(settled, 90, "all is told")
    told, known_of = platform.told("insights", customers), looked(platform, customers)
    assert known_of.keys() == {*customers}
    for customer, known in known_of.items():
        assert known.at is not None, "who was looked at by none who lived is looked at all the same"
        check(sorted(told[customer].values(), key=lambda e: e["time"]), known)
    sizes: Counter[str] = Counter()
    for row in metrics["partitions"].find({}):
        sizes.update({name: counts["customers"] for name, counts in row.get("segments", {}).items()})
    everybody = (decode(bytes(row["record"])).looked for row in metrics["customers"].find({}))
    assert +sizes == Counter(one.segment for one in everybody if one.score is not None)


def check(told: list[dict[str, Any]], known: Looked) -> None:
    """What went out says, one after another, what the record says in the end."""
    by_type: dict[str, list[Any]] = {}
    for one in told:
        by_type.setdefault(one["type"], []).append(one["data"])
    segments = by_type["rapport.segment.changed.v1"]
    before = None
    for data in segments:
        assert data.get("from") == before, "none is missing, none stands twice"
        before = data["to"]
    assert before == known.segment
    assert by_type["rapport.health.changed.v1"][-1]["score"] == known.score
    assert bool(by_type.get("rapport.churn.warned.v1")) is known.warned
