"""Shared counters, such as a stock or a budget: what one plan asks of them and takes from them. Pure.

Every worker of a service takes from them, so a plan works on values read for it, and its transaction
holds only if they have not moved too far (see ``documents``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.domain import Take

REMEMBERED_BATCHES = 16
REMEMBERED_NAMES = 256


class OverLimitError(Exception):
    """A domain took more than ``Context.used`` left: a bug, since it looks before it takes."""


@dataclass(frozen=True, slots=True)
class Counter:
    """A shared counter as one plan uses it."""

    stored: int | None
    """As read for the plan; None where it has no document yet."""
    taken: int = 0
    """The sum of the plan's takes."""
    room: int | None = None
    """The most that may be stored for each take of the plan to stay within its limit; None: any value."""

    @property
    def used(self) -> int:
        return (self.stored or 0) + self.taken

    def after(self, take: Take) -> "Counter":
        """The counter once this is taken too. Raises ``OverLimitError``."""
        taken, room = self.taken + take.amount, self.room
        if take.limit is not None and take.amount > 0:
            left = take.limit - taken
            if (self.stored or 0) > left:
                raise OverLimitError(
                    f"{take.counter}: {self.used} used, {take.amount} more is above {take.limit}"
                )
            room = left if room is None else min(room, left)
        return replace(self, taken=taken, room=room)


@dataclass(slots=True)
class Counters:
    """The counters of one plan."""

    loaded: Mapping[str, int | None] = field(default_factory=dict)
    """The values read for the plan, None for a counter without a document."""
    asked: dict[str, Counter] = field(default_factory=dict)
    """Those that the domain asked for or took from."""

    def used(self, name: str) -> int:
        """What is taken of a counter, the plan's takes so far included."""
        return self._of(name).used

    def take(self, takes: Sequence[Take]) -> None:
        """Take all of them. Raises ``OverLimitError``, and has then taken none."""
        changed: dict[str, Counter] = {}
        for take in takes:
            counter = changed.get(take.counter) or self._of(take.counter)
            changed[take.counter] = counter.after(take)
        self.asked.update(changed)

    @property
    def unread(self) -> set[str]:
        """Those asked for that were not read: the plan took them for unused and is of no use."""
        return self.asked.keys() - self.loaded.keys()

    def _of(self, name: str) -> Counter:
        counter = self.asked.get(name)
        if counter is None:
            counter = self.asked[name] = Counter(self.loaded.get(name))
        return counter


class Recall:
    """Which counters a partition's last batches used: these are read before the next one is planned, so
    that it need not be planned twice. Only names are kept; the values are other workers' too."""

    def __init__(self) -> None:
        self._idle: dict[str, int] = {}

    @property
    def names(self) -> list[str]:
        return list(self._idle)

    def note(self, used: Iterable[str]) -> None:
        """A batch is done that used these."""
        idle = {name: n + 1 for name, n in self._idle.items() if n < REMEMBERED_BATCHES}
        for name in used:
            idle.pop(name, None)
            idle[name] = 0
        self._idle = dict(list(idle.items())[-REMEMBERED_NAMES:])
