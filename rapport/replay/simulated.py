"""What the data set lacks, from a seeded generator: people, consents, contacts, complaints, returns.

Every event of it has a source under ``/simulated/``. The same seed gives the same events, and one
household's do not depend on how many others are replayed.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from rapport.replay.aftersales import complaints, contacts, returns, score_purchase
from rapport.replay.completejourney import Basket, CompleteJourney, Line
from rapport.replay.people import consents, registered
from rapport.replay.record import Record

LABEL = "/simulated/"
"""How the source of every simulated event begins."""
CLOSES = datetime(2018, 1, 31, tzinfo=UTC)
"""Nothing is simulated from here on: the baskets end on 1 January 2018."""
RETURNED = 0.03
"""The share of baskets of which something goes back."""

Draw = Callable[[str], Random]
"""A source of chance for each purpose, so that a change to one leaves the others as they were."""


def simulate(data: CompleteJourney, seed: int) -> list[Record]:
    """All simulated events for these households, in the order they reach the log."""
    visits: dict[int, list[Basket]] = defaultdict(list)
    for basket in data.baskets:
        visits[basket.household].append(basket)
    segments = data.segments()
    lines = data.lines([basket.id for basket in data.baskets if is_returned(basket, seed)])
    found = [
        event
        for household, baskets in visits.items()
        for event in simulate_household(household, baskets, lines, segments.get(household), seed)
        if event.at < CLOSES
    ]
    return sorted(found, key=lambda event: event.at)


def is_returned(basket: Basket, seed: int) -> bool:
    """Whether something of the basket goes back."""
    return basket.cents > 0 and Random(f"{seed}:return:{basket.id}").random() < RETURNED


def simulate_household(
    household: int,
    baskets: Sequence[Basket],
    lines: Mapping[int, Sequence[Line]],
    segment: str | None,
    seed: int,
) -> list[Record]:
    """One household's simulated events, in no order. ``lines`` are those of the baskets that go back."""

    def draw(purpose: str) -> Random:
        return Random(f"{seed}:{purpose}:{household}")

    joined = baskets[0].at - timedelta(minutes=draw("joined").randint(10, 120))
    events = [registered(household, joined, segment, draw("person"))]
    events += consents(household, joined, baskets[-1].at, draw("consents"))
    events += contacts(baskets, draw("contacts"))
    troubles, unhappy = complaints(baskets, draw("complaints"), draw("asides"))
    events += troubles
    events += score_purchase(baskets, unhappy, draw("surveys"))
    for basket in baskets:
        if basket.id in lines:
            events += returns(basket, lines[basket.id], Random(f"{seed}:goods:{basket.id}"))
    return events
