"""What a partition's worker has looked at of its customers' health, and what is not written of that. Pure.

Under the wall clock a customer to whom something happened is owed a look. That is written with what happened:
a list a write, of those who are owed one since. A list goes, with what was told, once all of it and of those
before it were looked at; who takes the partition over looks at the others.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from services.metrics.domain.looked import Looked

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
    first: bool = False
    """It is the first of customers who were there before anybody was looked at."""

    def covers(self, subject: str) -> int | None:
        """The night as of which this customer was looked at last."""
        under_way = self.night is not None and subject <= self.after
        return self.night if under_way else self.done

    def begun(self, night: int) -> "Sweep":
        return replace(self, night=night, after="")

    def moved(self, after: str) -> "Sweep":
        return replace(self, after=after)

    def ended(self) -> "Sweep":
        return replace(self, done=self.night, night=None, after="", first=False)


@dataclass(frozen=True, slots=True)
class Owing:
    """What a write has of the looks that are owed."""

    new: tuple[str, ...] = ()
    """Customers who are owed one from now on: a list of its own, named by the write's version."""
    settled: tuple[int, ...] = ()
    """Lists of former writes, by their versions, that nobody is owed one by any more."""


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
    fresh: dict[str, int] = field(default_factory=dict)
    """Customers to whom something happened since they were looked at, each with the version of the write that
    first had it; the first first."""
    lists: list[int] = field(default_factory=list)
    """The versions whose lists stand, the first first."""

    def sweep_to(self, sweep: Sweep) -> None:
        self.sweep, self.swept = sweep, True

    def count(self, segment: str, customers: int, score: int) -> None:
        """Customers of a segment, more or less, and their scores."""
        n, total = self.tally.get(segment, (0, 0))
        self.tally[segment] = n + customers, total + score

    @classmethod
    def taken_over(
        cls, count: int, sweep: Sweep | None, owed: Mapping[int, Collection[str]], *, before: bool
    ) -> "Looks":
        """As they were left, with these lists by version. Where nobody was looked at yet under this number of
        partitions, the sweep begins anew at once, and so looks at all who were owed one. ``before``: there
        may be customers who were there before anybody was looked at."""
        lists = sorted(owed)
        if sweep is None or sweep.of != count:
            return cls(Sweep(count, first=before), lists=lists)
        fresh: dict[str, int] = {}
        for version in lists:
            for subject in owed[version]:
                fresh.setdefault(subject, version)
        return cls(sweep, fresh=fresh, lists=lists)

    def begin(self, *, soon: bool) -> None:
        """Looking begins. ``soon``: at whom something happened to."""
        self.soon = soon
        if not soon:
            self.fresh.clear()
        if self.sweep.done is None and self.sweep.night is None:
            self.swept = True  # with the first write it stands who was there before

    @property
    def settled(self) -> tuple[int, ...]:
        """The lists by which nobody is owed a look any more."""
        oldest = next(iter(self.fresh.values()), None)
        return tuple(self.lists if oldest is None else self.lists[: bisect_left(self.lists, oldest)])

    def owing(self, changed: Iterable[str]) -> Owing:
        """What is owed by a write of what happened to these."""
        new: list[str] = []
        if self.soon and (room := MOST_FRESH - len(self.fresh)) > 0:
            new = sorted(one for one in changed if one not in self.fresh and is_customer(one))[:room]
        return Owing(tuple(new), self.settled)

    def owe(self, owing: Owing, version: int) -> None:
        """That write stands."""
        del self.lists[: len(owing.settled)]
        if owing.new:
            self.lists.append(version)
            self.fresh.update(dict.fromkeys(owing.new, version))

    def counts(self, before: Looked, after: Looked) -> None:
        """The customer counts by this health in place of that."""
        if after is not before:
            if before.score is not None:
                self.count(before.segment, -1, -before.score)
            if after.score is not None:
                self.count(after.segment, 1, after.score)

    def forget(self, customer: str) -> dict[int, tuple[str, ...]]:
        """Nothing is to be told of one who was erased. Returns the lists that stand, without them."""
        self.told.discard(customer)
        self.fresh.pop(customer, None)
        left: dict[int, list[str]] = {version: [] for version in self.lists}
        for other, version in self.fresh.items():
            left.setdefault(version, []).append(other)
        return {version: tuple(names) for version, names in left.items()}

    def written(self) -> None:
        """All that was to be is."""
        self.swept, self.told, self.tally = False, set(), {}
