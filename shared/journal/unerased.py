"""Ids of whom it is known that they are not erased: to hash one again takes longer than to remember it."""

from collections.abc import Iterable

from shared.worker.budget import Budget

UNERASED = "unerased"
"""The kind of memory."""
SHARE = 16
"""It takes this part of the budget at most, then it begins anew: whoever is there must not go before a state
that was read since."""
ENTRY_BYTES = 100


class Unerased:
    """By Python's own hashes of them, of 64 bits, under a key of this process."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._hashes: set[int] = set()

    def __contains__(self, id: str) -> bool:
        return hash(id) in self._hashes

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, ids: Iterable[str]) -> None:
        """They were looked up."""
        if self._budget.kinds[UNERASED] > self._budget.limit // SHARE:
            self.clear()
        before = len(self._hashes)
        self._hashes.update(map(hash, ids))
        self._budget.take(UNERASED, ENTRY_BYTES * (len(self._hashes) - before))

    def discard(self, ids: Iterable[str]) -> None:
        """They are erased now."""
        before = len(self._hashes)
        self._hashes.difference_update(map(hash, ids))
        self._budget.give(UNERASED, ENTRY_BYTES * (before - len(self._hashes)))

    def clear(self) -> None:
        """Nothing is known."""
        self._budget.give(UNERASED, ENTRY_BYTES * len(self._hashes))
        self._hashes.clear()
