"""A shop's year by a seed, to look at: surveys that go up, a carrier that fails in the last weeks."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintAcknowledged, ComplaintResolved
from shared.schemas.event import Event
from shared.schemas.loyalty import PointsEarned, PointsRedeemed

from .story import answered, entry, opened, profile, purchase

SEGMENTS = ("new", "regular", "gold")
CAUSES = ("the carrier was late", "wrong article", "price was not as told", "broken on arrival", "=the till")


def year(end: datetime, *, days: int = 400, customers: int = 120, seed: int = 7) -> list[Event]:
    """Events up to ``end``, in order of time."""
    chance = random.Random(seed)
    told = [
        Event(
            id=f"{kind}-{number}",
            source="/test",
            subject=subject,
            time=at.astimezone(UTC),
            data=data,
        )
        for number, (at, kind, subject, data) in enumerate(_told(chance, end, days, customers))
    ]
    return sorted((e for e in told if e.time < end), key=lambda e: e.time)


def _told(
    chance: random.Random, end: datetime, days: int, customers: int
) -> Iterator[tuple[datetime, str, str, Data]]:
    people = [f"c{n}" for n in range(customers)]
    start = end - timedelta(days=days)
    for n, one in enumerate(people):
        yield start, "profile", one, profile(SEGMENTS[n % 3])
    for day in range(days):
        morning, gone = start + timedelta(days=day), day / days
        late = day > days - 14
        for n in range(chance.randint(4, 12)):
            at, one = morning + timedelta(hours=chance.uniform(8, 20)), chance.choice(people)
            yield (
                at,
                "order",
                one,
                purchase(f"o{day}-{n}", chance.randint(300, 9_000), chance.choice(("web", "store"))),
            )
            yield at, "points", one, entry(PointsEarned, chance.randint(20, 200))
            if chance.random() < 0.1:
                yield at, "spent", one, entry(PointsRedeemed, -chance.randint(50, 300))
        for n in range(chance.randint(1, 5)):
            at = morning + timedelta(hours=chance.uniform(8, 20))
            happy = chance.random() < 0.45 + 0.3 * gone - 0.15 * late
            about = f"{day}-{n}"
            score = chance.randint(9, 10) if happy else chance.choice((2, 5, 6, 7, 8, 8))
            yield at, "nps", chance.choice(people), answered("nps", score, about)
            csat = chance.randint(4, 5) if happy else chance.randint(1, 4)
            yield at, "csat", chance.choice(people), answered("csat", csat, about)
        for n in range(chance.choice((0, 1, 1, 2)) + (2 if late else 0)):
            yield from _complaint(chance, morning, f"k{day}-{n}", chance.choice(people), late)


def _complaint(
    chance: random.Random, morning: datetime, id: str, one: str, late: bool
) -> Iterator[tuple[datetime, str, str, Data]]:
    at = morning + timedelta(hours=chance.uniform(8, 20))
    yield at, "opened", one, opened(id, chance.choice(("email", "chat", "phone")))
    answered_at = at + timedelta(hours=chance.expovariate(1 / (9 if late else 3)))
    yield answered_at, "heard", one, ComplaintAcknowledged(complaint_id=id, message=".")
    solved = answered_at + timedelta(hours=chance.expovariate(1 / (60 if late else 24)))
    cause = CAUSES[0] if late and chance.random() < 0.6 else chance.choice(CAUSES)
    yield solved, "solved", one, ComplaintResolved(complaint_id=id, resolution=".", root_cause=cause)
