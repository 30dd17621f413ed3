"""kill -9 amid merging and un-merging: nothing is lost, nothing is there twice, both ledgers are exact."""

import json
import random
import threading
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.faults.conftest import ServiceProcess, WorkerStarter
from tests.faults.platform import Platform, event, purchase

pytestmark = pytest.mark.faults

PAIRS = 24
ROUNDS = 6
"""Purchases of each id before, between and after."""


class Pairs:
    """Customers who are one by twos: a into b, some of them parted again, some told from both sides at
    once."""

    def __init__(self) -> None:
        run = uuid.uuid4().hex[:8]
        self._now = datetime.now(UTC) - timedelta(minutes=5)
        self._number = 0
        self.pairs = [(f"m{run}-{n}-a", f"m{run}-{n}-b") for n in range(PAIRS)]
        self.parted = self.pairs[::3]
        self.circles = self.pairs[1::3]
        self.points: Counter[str] = Counter()
        """Of each id, by what was told of it."""

    def _at(self) -> str:
        self._number += 1
        return (self._now + timedelta(milliseconds=self._number)).isoformat()

    @property
    def everybody(self) -> list[str]:
        return [id for pair in self.pairs for id in pair]

    def purchases(self, rng: random.Random) -> list[dict[str, Any]]:
        found = []
        for id in self.everybody:
            for _ in range(ROUNDS):
                cents = rng.randrange(1, 9) * 100
                self.points[id] += cents // 100
                found.append(purchase(id, f"{id}-{self._number}", cents, self._at()))
        rng.shuffle(found)
        return found

    def merges(self) -> list[dict[str, Any]]:
        told = [(a, b) for a, b in self.pairs] + [(b, a) for a, b in self.circles]
        return [
            event("customer.merged", who, f"merge-{who}", self._at(), {"into": into, "reason": "one"})
            for who, into in told
        ]

    def unmerges(self) -> list[dict[str, Any]]:
        return [
            event("customer.unmerged", a, f"unmerge-{a}", self._at(), {"from": b, "reason": "two"})
            for a, b in self.parted
        ]


def sending(platform: Platform, topic: str, events: list[dict[str, Any]]) -> threading.Thread:
    def send() -> None:
        for start in range(0, len(events), 60):
            platform.send(topic, events[start : start + 60])

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def kill_amid(running: list[ServiceProcess], worker: WorkerStarter, rng: random.Random, times: int) -> None:
    for _ in range(times):
        threading.Event().wait(rng.uniform(0.2, 1.2))  # any moment will do: that is the point
        running.pop(rng.randrange(len(running))).kill()
        running.append(worker())


def settled(platform: Platform) -> None:
    """What workers ask of each other comes back through the log: a hand-over, a relay of it, what it asks."""
    for _ in range(4):
        platform.wait_caught_up("loyalty", 180)


def test_points_are_exact_after_kills_amid_merging(platform: Platform, worker: WorkerStarter) -> None:
    pairs, rng = Pairs(), random.Random(21)
    running = [worker(), worker()]
    for started in running:
        started.wait_ready()
    platform.send("purchases", pairs.purchases(rng))
    platform.wait_caught_up("loyalty")
    buying = sending(platform, "purchases", pairs.purchases(rng))
    platform.send("customers", pairs.merges())
    kill_amid(running, worker, rng, 3)
    buying.join()
    buying = sending(platform, "purchases", pairs.purchases(rng))
    platform.send("customers", pairs.unmerges())
    kill_amid(running, worker, rng, 3)
    buying.join()
    for started in running:
        started.wait_ready()
    settled(platform)
    check_loyalty(platform, pairs)


def check_loyalty(platform: Platform, pairs: Pairs) -> None:
    database = platform.database("loyalty")
    everybody = pairs.everybody
    states = {s["_id"]: json.loads(s["data"]) for s in database["state"].find({"_id": {"$in": everybody}})}
    moved = {id for id, state in states.items() if (state["merging"] or {}).get("moved")}
    seen = platform.members(everybody)
    for id, member in seen.items():
        assert member.balance == member.ledger_sum == member.told_sum, id
        assert member.ledger_entries == member.told_entries, id
    for a, b in pairs.pairs:
        balances, points = (seen[a].balance, seen[b].balance), (pairs.points[a], pairs.points[b])
        if (a, b) in pairs.parted:
            assert {a, b} & moved == set()
            assert balances == points
        elif (a, b) in pairs.circles:
            assert len({a, b} & moved) == 1
            assert sorted(balances) == [0, sum(points)]
        else:
            assert {a, b} & moved == {a}
            assert balances == (0, sum(points))
    rows = {row["_id"]: row["into"] for row in database["merged"].find({"_id": {"$in": everybody}})}
    assert {id for id, into in rows.items() if into} == moved
