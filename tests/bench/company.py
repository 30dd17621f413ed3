"""A company's two years, as its customers live them: purchases with a rhythm of their own by segment,
channel, tier and store, complaints, answers, subscriptions, points. It is counted as the worker does it, so
the documents of days are those that a worker would have written."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zlib import crc32

from services.metrics.domain.apply import apply
from services.metrics.domain.cells import Delta
from services.metrics.domain.gaps import is_gap
from services.metrics.domain.rows import day_id
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from shared.runtime.mongo import Document
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintAcknowledged, ComplaintResolved
from shared.schemas.event import Event
from shared.schemas.loyalty import PointsEarned, PointsRedeemed, TierChanged
from shared.schemas.times import micros
from tests.unit.metrics.story import answered, cancelled, entry, opened, profile, purchase, started

SEGMENTS = ["new", "loyal", "champions", "at risk", "lost"]
CHANNELS = ["web", "store", "phone", "e-mail", "chat"]
TIERS, STORES = ["bronze", "silver", "gold"], [f"store-{n}" for n in range(20)]
CAUSES = ["the carrier was late", "wrong article", "price was not as told", "broken on arrival"]
RHYTHM_DAYS = 30.0
"""Between two purchases of a customer, in the mean."""

Told = tuple[datetime, str, Data]
"""When, of whom, what."""


class Company:
    """Its customers, by partition, and what they count as that was not taken yet."""

    def __init__(self, customers: int, partitions: int, seed: int = 1) -> None:
        self.deltas = [Delta() for _ in range(partitions)]
        self._chance = random.Random(seed)
        self._people = {f"c{n}": Tracked(Customer()) for n in range(customers)}
        self._names = [*self._people]
        self._number = 0

    def live(self, end: datetime, days: int) -> None:
        """All days up to ``end``."""
        start = end - timedelta(days=days)
        told = [one for name in self._names for one in self._life(name, start, end)]
        for at, name, data in sorted(told, key=lambda one: one[0]):
            if at < end:
                self._tell(at, name, data)

    def trade(self, at: datetime, purchases: int) -> None:
        """So many purchases, and what goes with them, at about this time."""
        for _ in range(purchases):
            name = self._chance.choice(self._names)
            for one in self._bought(name, at):
                self._tell(at, name, one[2])

    def taken(self, partition: int) -> Delta:
        """What counts since it was last taken."""
        delta, self.deltas[partition] = self.deltas[partition], Delta()
        return delta

    def _tell(self, at: datetime, name: str, data: Data) -> None:
        self._number += 1
        event = Event(id=f"b{self._number}", source="/bench", subject=name, time=at, data=data)
        delta = self.deltas[crc32(name.encode()) % len(self.deltas)]
        apply(self._people[name], event, micros(at), delta)

    def _life(self, name: str, start: datetime, end: datetime) -> Iterator[Told]:
        chance = self._chance
        begun = start + timedelta(days=chance.uniform(0, (end - start).days * 0.7))
        gone = begun + timedelta(days=chance.expovariate(1 / 400))
        yield begun, name, profile(chance.choice([*SEGMENTS, None]))
        yield begun, name, TierChanged(from_="basic", to=chance.choice(TIERS))
        if chance.random() < 0.1:
            yield begun, name, started(f"s-{name}", (gone - datetime(2026, 1, 1, tzinfo=UTC)).days)
            yield gone, name, cancelled(f"s-{name}", reason=chance.choice([None, "price", "card expired"]))
        at, rhythm = begun, chance.uniform(0.3, 1.7) * RHYTHM_DAYS
        while at < min(gone, end):
            yield from self._bought(name, at)
            at += timedelta(days=chance.expovariate(1 / rhythm))

    def _bought(self, name: str, at: datetime) -> Iterator[Told]:
        chance = self._chance
        order = f"o{chance.getrandbits(48):x}"
        made = purchase(order, round(chance.lognormvariate(8, 0.8)), chance.choice(CHANNELS))
        yield at, name, made.model_copy(update={"store_id": chance.choice(STORES)})
        yield at, name, entry(PointsEarned, chance.randint(20, 200))
        if chance.random() < 0.1:
            yield at, name, entry(PointsRedeemed, -chance.randint(50, 300))
        if chance.random() < 0.3:
            survey = chance.choice([("nps", 10), ("csat", 5), ("ces", 7)])
            yield at + timedelta(days=2), name, answered(survey[0], chance.randint(1, survey[1]), order)
        if chance.random() < 0.05:
            complaint = f"k{order}"
            heard = at + timedelta(hours=chance.expovariate(1 / 5))
            yield at, name, opened(complaint, chance.choice(CHANNELS))
            yield heard, name, ComplaintAcknowledged(complaint_id=complaint, message=".")
            yield (
                heard + timedelta(hours=chance.expovariate(1 / 30)),
                name,
                ComplaintResolved(complaint_id=complaint, resolution=".", root_cause=chance.choice(CAUSES)),
            )


def documents(partition: int, delta: Delta) -> dict[str, Sequence[Document]]:
    """The documents of ``days`` and ``gaps`` that a delta comes to."""
    found: dict[str, dict[str, Document]] = {"days": {}, "gaps": {}}
    for (day, place, name), n in delta.items():
        id = day_id(day, partition)
        document = found["gaps" if is_gap(name) else "days"].setdefault(id, {"_id": id, "cells": {}})
        document["cells"].setdefault(place, {})[name] = n
    return {collection: [*of_it.values()] for collection, of_it in found.items()}
