"""kill -9 between what is decided of customers and its publication: none is lost, none is told twice."""

import threading
import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.metrics.domain.state import Looked, decode
from tests.faults.conftest import WorkerStarter
from tests.faults.platform import Platform, purchase

pytestmark = pytest.mark.faults

CUSTOMERS, ORDERS = 60, 6


def bought(run: str) -> list[dict[str, Any]]:
    """Each customer bought every three weeks; some stopped long ago."""
    now, made = datetime.now(UTC), []
    for number in range(CUSTOMERS):
        stopped = timedelta(days=(number % 3) * 120)
        for order in range(ORDERS):
            at = now - stopped - timedelta(days=21 * (ORDERS - order))
            made.append(purchase(f"i{run}-{number}", f"{run}-{number}-{order}", 2_000, at.isoformat()))
    return made


def looked(platform: Platform, customers: Iterable[str]) -> dict[str, Looked]:
    """What their records say was told."""
    rows = platform.database("metrics")["customers"].find({"_id": {"$in": [*customers]}})
    return {row["_id"]: decode(bytes(row["record"])).looked for row in rows}


def test_a_worker_killed_as_it_tells_what_it_decided(platform: Platform, worker: WorkerStarter) -> None:
    run = uuid.uuid4().hex[:8]
    customers, events = [f"i{run}-{n}" for n in range(CUSTOMERS)], bought(run)

    def send() -> None:
        for start in range(0, len(events), 40):
            platform.send("purchases", events[start : start + 40])
            threading.Event().wait(0.3)

    sender = threading.Thread(target=send)
    sender.start()
    for fault in ("insights_written:1", "insights_written:2", "insights_published:1", "insights_written:1"):
        worker("metrics", fault=fault).wait_killed()
    survivor = worker("metrics")
    sender.join()
    survivor.wait_ready()
    platform.wait_caught_up("metrics")
    metrics = platform.database("metrics")

    def all_looked_at() -> bool:
        found = looked(platform, customers).values()
        return len(found) == CUSTOMERS and all(one.at is not None for one in found)

    platform.wait(all_looked_at, 60, "all looked at")
    platform.wait(lambda: not metrics["outbox"].count_documents({}), 30, "nothing unpublished")
    told = platform.told("insights", customers)
    for customer, known in looked(platform, customers).items():
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
