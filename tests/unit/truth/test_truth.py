"""The same history means the same in all four services, in whatever order each of them hears it.

``make properties`` runs more examples.
"""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples

from .histories import CUSTOMERS, Correction, Told, corrections, histories
from .model import truth
from .views import of_all, of_followup, of_interactions, of_loyalty, of_metrics
from .world import World

SERVICES = (of_interactions, of_loyalty, of_followup, of_metrics)


@settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(histories(), st.integers(0, 2**32), corrections)
def test_four_services_and_a_plain_model_agree(
    history: list[Told], pace: int, put_right: list[Correction]
) -> None:
    world = World(history, random.Random(pace), put_right)
    true = {c: truth(world.facts(c), list(world.told_by("loyalty", c))) for c in CUSTOMERS}
    said = [
        (of.__name__, customer, *rest)
        for customer in CUSTOMERS
        for of in SERVICES
        for rest in of(world, customer, true[customer])
    ]
    said += [("of_metrics", "all", *rest) for rest in of_all(world, true)]
    assert [line for line in said if line[-2] != line[-1]] == []
