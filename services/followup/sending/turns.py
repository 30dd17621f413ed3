"""Whose turn it is: fair among rules, so that a hundred thousand messages of one do not hold up the only one
of another; what matters more goes more often. Pure."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

SHARE = 4
"""So many messages go of a rule for each one of a rule that matters less, while both wait."""


class Urgency(NamedTuple):
    """What goes more often: the greater."""

    reply: bool = False
    """A person waits for it."""
    priority: int = 0
    """Its rule's."""
    asked_for: bool = False
    """It is about what the customer did or asked for: no marketing."""


class Line(NamedTuple):
    """A message that waits."""

    id: str
    rule: str
    urgency: Urgency


class Turns:
    """The lines of all rules; of each rule in the order in which they were put in.

    Each rule has a clock that goes on by one over its weight with each message: the one that is behind goes
    next (stride scheduling). A rule that had nothing to send begins where the others are.
    """

    def __init__(self) -> None:
        self._lines: dict[str, deque[Line]] = {}
        self._ids: set[str] = set()
        self._urgencies: dict[str, Urgency] = {}
        self._clocks: dict[str, float] = {}
        self._strides: dict[str, float] = {}
        self._now = 0.0

    def __len__(self) -> int:
        return len(self._ids)

    def fill(self, lines: Iterable[Line]) -> None:
        """These wait, and no others."""
        self._lines, self._ids, self._urgencies = {}, set(), {}
        self.add(lines)

    def add(self, lines: Iterable[Line]) -> None:
        """These wait too; what waits already keeps its place."""
        for line in lines:
            if line.id not in self._ids:
                self._ids.add(line.id)
                self._lines.setdefault(line.rule, deque()).append(line)
                self._urgencies[line.rule] = max(self._urgencies.get(line.rule, Urgency()), line.urgency)
        urgencies = {rule: self._urgencies[rule] for rule in self._lines}
        ranks = {urgency: rank for rank, urgency in enumerate(sorted(set(urgencies.values())))}
        self._strides = {rule: float(SHARE) ** -ranks[urgency] for rule, urgency in urgencies.items()}
        # A rule is never further behind than one message of the least urgent.
        clocks = {rule: max(self._clocks.get(rule, 0.0), self._now) for rule in self._lines}
        self._clocks = clocks

    def take(self, most: int) -> list[str]:
        """The next ones, which wait no more."""
        taken: list[str] = []
        while self._lines and len(taken) < most:
            rule = min(self._lines, key=lambda name: (self._clocks[name], self._strides[name]))
            waiting = self._lines[rule]
            taken.append(waiting.popleft().id)
            self._ids.discard(taken[-1])
            self._now = self._clocks[rule]
            self._clocks[rule] += self._strides[rule]
            if not waiting:
                del self._lines[rule], self._urgencies[rule]
        return taken
