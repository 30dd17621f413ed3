"""What metrics tell of an id that is itself again, and whose things are on their way home: no word hides
another."""

from itertools import combinations, permutations

import pytest

from services.interactions.domain.state import Customer
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.customers import CustomerMerged, CustomerUnmerged
from shared.schemas.event import Event
from shared.schemas.insights import ChurnWarned, HealthChanged, SegmentChanged

from ..told import at
from .arrival import settle
from .pair import HERE, OLD, worker

WORDS: dict[str, Data] = {
    "health": HealthChanged(score=70, churn_probability=0.2),
    "segment": SegmentChanged.model_validate({"from": None, "to": "loyal"}),
    "warning": ChurnWarned(probability=0.8),
}
BEFORE = [some for n in range(4) for some in combinations(WORDS, n)]


@pytest.mark.parametrize("before", BEFORE)
def test_no_word_on_an_id_hides_another(before: tuple[str, ...]) -> None:
    """``before`` are told before the merge, all others on the way home."""
    for order in permutations(WORDS):
        alone: InMemoryWorker[Customer] = worker(now=at(60))
        told = InMemoryWorker(alone._handler, now=at(60), loopback=False)
        facts = [Event(name, "/m", OLD, at(n + 1), WORDS[name]) for n, name in enumerate(order)]
        for fact in facts:
            alone.send(fact)
            if fact.id in before:
                told.send(fact)
        told.tell(OLD, CustomerMerged(into=HERE, reason="r"))
        settle(told)
        told.tell(OLD, CustomerUnmerged.model_validate({"from": HERE, "reason": "r"}))
        for fact in facts:
            if fact.id not in before:
                told.send(fact)
        settle(told)
        assert told.state(OLD).health == alone.state(OLD).health
        assert told.state(HERE).health is None
