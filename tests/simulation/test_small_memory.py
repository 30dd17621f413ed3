"""Seeds whose workers have hardly any memory: a record waits for the one before, a state is read again."""

from unittest import mock

import pytest

from shared.journal import processor as journal
from shared.worker import loop as looping
from shared.worker.budget import Budget
from tests.simulation.world import play_seed

LIMIT = 30_000
SEEDS, BLOCK = 20, 5


class Small(Budget):
    """Remembers the most that it had, and all that there are."""

    made: list["Small"]

    def __init__(self) -> None:
        super().__init__(LIMIT)
        self.most = 0
        self.made.append(self)

    def take(self, kind: str, size: int) -> None:
        super().take(kind, size)
        self.most = max(self.most, self.used)


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_memory_stays_within_its_budget_and_the_result_is_the_same(first: int) -> None:
    for seed in range(first, first + BLOCK):
        Small.made = []
        with mock.patch.object(looping, "Budget", Small), mock.patch.object(journal, "Budget", Small):
            assert play_seed(seed).problems == [], seed
        assert max(budget.most for budget in Small.made) <= LIMIT, seed
        assert all(min(budget.kinds.values(), default=0) >= 0 for budget in Small.made), seed
