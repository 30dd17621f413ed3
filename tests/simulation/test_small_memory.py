"""Seeds whose workers have hardly any memory: a record waits for the one before, a state is read again."""

from dataclasses import replace

import pytest

from tests.simulation.scenario import SMALL_BYTES, scenario
from tests.simulation.world import play

SEEDS, BLOCK = 20, 5


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_memory_stays_within_its_budget_and_the_result_is_the_same(first: int) -> None:
    for seed in range(first, first + BLOCK):
        assert play(replace(scenario(seed), memory=SMALL_BYTES)).problems == [], seed
