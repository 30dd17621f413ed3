"""What a partition's worker has looked at of its customers' health, and what is not written of that. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

Tally: TypeAlias = dict[str, tuple[int, int]]
"""Segment -> how many customers more are in it, and how much higher the sum of their scores is."""

MOST_FRESH = 20_000
"""So many customers wait at most to be looked at soon; the night's sweep looks at the rest."""


def is_customer(record_id: str) -> bool:
    """Whether a record is a customer's: others are called ``<kind>/<key>``, which no customer is."""
    return "/" not in record_id


@dataclass(frozen=True, slots=True)
class Sweep:
    """How far a partition's customers are looked at, night by night, in the order of their ids."""

    of: int
    """The number of partitions under which it began: under another the partition has other customers."""
    done: int | None = None
    """All were, as of this night (the day that it begins)."""
    night: int | None = None
    """Under way."""
    after: str = ""
    """Of that one, those up to this id were."""

    def covers(self, subject: str) -> int | None:
        """The night as of which this customer was looked at last."""
        under_way = self.night is not None and subject <= self.after
        return self.night if under_way else self.done

    def begun(self, night: int) -> "Sweep":
        return replace(self, night=night, after="")

    def moved(self, after: str) -> "Sweep":
        return replace(self, after=after)

    def ended(self) -> "Sweep":
        return replace(self, done=self.night, night=None, after="")


@dataclass(slots=True, eq=False)
class Looks:
    """Of one partition, owned by one worker."""

    sweep: Sweep
    swept: bool = False
    """The sweep moved since the last write."""
    told: set[str] = field(default_factory=set)
    """Customers of whom something is told that is not written yet."""
    tally: Tally = field(default_factory=dict)
    """The same, by segment."""
    soon: bool = False
    """Who is ``fresh`` is to be looked at soon."""
    fresh: dict[str, None] = field(default_factory=dict)
    """Customers to whom something happened since they were looked at; the first first."""

    def sweep_to(self, sweep: Sweep) -> None:
        self.sweep, self.swept = sweep, True

    def count(self, segment: str, customers: int, score: int) -> None:
        """Customers of a segment, more or less, and their scores."""
        n, total = self.tally.get(segment, (0, 0))
        self.tally[segment] = n + customers, total + score

    def happened(self, subjects: Iterable[str]) -> None:
        """Something is written that happened to these."""
        for subject in subjects if self.soon else ():
            if not is_customer(subject):
                continue
            if len(self.fresh) >= MOST_FRESH:
                return
            self.fresh[subject] = None

    def written(self) -> None:
        """All that was to be is."""
        self.swept, self.told, self.tally = False, set(), {}
