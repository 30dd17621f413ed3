"""A customer's record in memory, and how a change of it becomes a change of cells.

The aggregates are the sum, over customers, of what each counts as. So the record is made such that
the order of its events does not matter, and a customer who changes segment or tier takes all along.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from services.metrics.domain import cohorts, gaps, ties, trimming, turns
from services.metrics.domain.cells import (
    Cell,
    Change,
    DayChange,
    Delta,
    add,
    count_days,
    signed,
)
from services.metrics.domain.kpis.counting import agent_counts, complaint_counts, order_counts, talk_counts
from services.metrics.domain.kpis.outreach import trial_counts
from services.metrics.domain.newest import days_of
from services.metrics.domain.parts import GivenUp, Trial
from services.metrics.domain.places import (
    ANYWHERE,
    WHOLE,
    Where,
    chains,
    crossed,
    place_of,
    places,
    where_of,
)
from services.metrics.domain.state import Agent, Complaint, Customer, Order, Talk
from shared.schemas.times import DAY, Micros


class Tracked:
    """A record, with the days of its orders in order: of all, by channel and by store.

    An order counts by the two that come after it (``gaps``). So when one goes, the two before it count anew,
    and so they do when one is added: these must be known, though they are kept no longer.
    """

    __slots__ = ("_days", "data")

    def __init__(self, data: Customer) -> None:
        self.data = data
        self._days: dict[str, list[int]] = {name: [*days] for name, days in data.past.items()}
        for order in data.orders.values():
            day = order.day
            if day is not None:
                for chain in chains(order.where):
                    self._days.setdefault(chain, []).append(day)
        for days in self._days.values():
            days.sort()

    def place(self, before: tuple[int | None, Where], order: Order, delta: Delta) -> None:
        """An order changed: move it from where it counted, ``Order.counts_at``, to where it counts now."""
        after = order.counts_at
        if before == after:
            return
        if before[0] is not None:
            self._take_out(before[0], before[1], delta)
        if after[0] is not None:
            self.put(after[0], after[1], delta)

    def put(self, day: int, where: Where, delta: Delta) -> None:
        """Another purchase of that day, made there."""
        data, known = self.data, self._days
        for chain, kind, names in _chains_at(where, data.segment, data.tier):
            days = known.get(chain)
            if days is None:
                days = known[chain] = []
            elif days and days[-1] == day:  # counted already
                days.append(day)
                continue
            head = days[0] if days else None
            changes = gaps.insert(days, day, kind)
            if head is None or day < head:
                changes += self._first_moved(chain, kind, head)
            count_days(delta, names, changes)
        self._count_month(day, 1, delta)

    def _take_out(self, day: int, where: Where, delta: Delta) -> None:
        """A purchase fewer of that day, made there."""
        data = self.data
        for chain, kind, names in _chains_at(where, data.segment, data.tier):
            days = self._days.setdefault(chain, [])
            head = days[0] if days else None
            changes = gaps.remove(days, day, kind)
            if head is None or not days or days[0] != head:
                changes += self._first_moved(chain, kind, head)
            count_days(delta, names, changes)
        self._count_month(day, -1, delta)

    def _first_moved(self, chain: str, kind: str, head: int | None) -> list[DayChange]:
        """What changes with the first of a chain's days; it was ``head``."""
        before = gaps.earliest(self.data.firsts.get(chain), head)
        return gaps.first_moved(before, self._first(chain), kind)

    def _count_month(self, day: int, n: int, delta: Delta) -> None:
        months = self.data.months
        if months is not None and (changes := cohorts.changed(months, cohorts.month_of(day), n)):
            count_days(delta, self._places(WHOLE), changes)

    def count(self, delta: Delta, where: Where, changes: Iterable[Change]) -> None:
        """Add changes to the cells of the places that the customer has there, and to the minutes."""
        data, told = self.data, [*changes]
        days = [(at // DAY, field, n) for at, field, n in told]
        count_days(delta, places(data.segment, data.tier, where), days)
        delta.count_minutes(told)

    def count_complaint(self, delta: Delta, complaint: Complaint, sign: int = 1) -> None:
        """Add what a complaint counts as, or take it back."""
        changes = complaint_counts(complaint, turns.turns_about(self.data, complaint))
        self.count(delta, complaint.where, signed(changes, sign))

    def count_order(self, delta: Delta, order: Order, sign: int = 1) -> None:
        """Add what an order counts as, beside its days (``place``), or take it back."""
        self.count(delta, order.where, signed(order_counts(order), sign))

    def count_talk(self, delta: Delta, talk: Talk, sign: int = 1) -> None:
        """Add what a conversation counts as, or take it back."""
        self.count(delta, talk.where, signed(talk_counts(talk), sign))

    def count_agent(self, delta: Delta, where: Where, agent: Agent, sign: int = 1) -> None:
        """Add what an agent of a team counts as, or take it back."""
        self.count(delta, where, signed(agent_counts(agent), sign))

    def count_trial(self, delta: Delta, rule: str, trial: Trial, sign: int = 1) -> None:
        """Add what a customer counts as among those who a rule is for, or take it back."""
        self.count(delta, Where(rule=rule), signed(trial_counts(rule, trial), sign))

    def count_event(
        self, delta: Delta, at: Micros, counts: Mapping[str, int], where: Where = ANYWHERE
    ) -> None:
        """Add what one event counts as by itself, when it happened, and where."""
        data = self.data
        days = data.counts if where == ANYWHERE else data.elsewhere.setdefault(where.name, {})
        fields = days.setdefault(at // DAY, {})
        for field, n in counts.items():
            fields[field] = fields.get(field, 0) + n
        self.count(delta, where, [(at, field, n) for field, n in counts.items()])

    def move(self, segment: str, tier: str, delta: Delta) -> None:
        """Take all that the customer counts as to another segment and another tier."""
        for cell, n in self.counted():
            add(delta, cell, -n)
        self.data.segment, self.data.tier = segment, tier
        for cell, n in self.counted():
            add(delta, cell, n)

    def begin(self, delta: Delta) -> None:
        """Count what follows from the customer's life, if that was not done from the start."""
        data = self.data
        if data.months is None:
            data.months = dict(Counter(map(cohorts.month_of, self._days.get(WHOLE, ()))))
            for cell, n in (*self._life(), *self.ties()):
                add(delta, cell, n)

    def ties(self) -> Iterator[tuple[Cell, int]]:
        """What purchases, complaints and subscriptions count as by each other."""
        chains = {(name, _kind(name)): days for name, days in self._days.items()}
        yield from self._cells(ties.counted(self.data, chains, WHOLE))

    def recount(self, delta: Delta) -> bool:
        """Count purchases by days, where an earlier version counted each by itself; whether that differs."""
        self.data.by_days, found = True, False
        for chain, days in self._days.items():
            if len(set(days)) < len(days):
                kind, found = _kind(chain), True
                before = [(day, name, -n) for day, name, n in gaps.counted_each(days, kind)]
                count_days(delta, self._places(chain), [*before, *gaps.counted(days, kind)])
        return found

    def silences(self) -> tuple[list[int], int, int]:
        """Days with a purchase that may still be corrected, in order; on how many there was one before; the
        first of all."""
        data = self.data
        kept = sorted(days_of(data.orders.values()))
        begin = bisect_left(kept, data.floor)
        known = self._first(WHOLE) if data.days_before else next(iter(kept), None)
        return kept[begin:], data.days_before + begin, known or 0

    def give_up(self, found: dict[int, GivenUp], delta: Delta) -> None:
        """What a look made of the customer's silences: count it in place of what it was."""
        self.begin(delta)
        for cell, n in self.ties():
            add(delta, cell, -n)
        self.data.given_up = found
        for cell, n in self.ties():
            add(delta, cell, n)

    def _life(self) -> Iterator[tuple[Cell, int]]:
        """First purchases, and the months with one."""
        chains = {*self._days, *self.data.firsts}
        firsts = [(chain, gaps.first_moved(None, self._first(chain), _kind(chain))) for chain in chains]
        yield from self._cells([*firsts, (WHOLE, cohorts.counted(self.data.months or ()))])

    def _cells(self, changes: Iterable[tuple[str, Iterable[DayChange]]]) -> Iterator[tuple[Cell, int]]:
        """Changes of days, by chain, as cells."""
        for chain, of_chain in changes:
            names = self._places(chain)
            for day, field, n in of_chain:
                for name in names:
                    yield (day, name, field), n

    def _first(self, chain: str) -> int | None:
        """The day of a chain's first purchase."""
        days = self._days.get(chain)
        return gaps.earliest(self.data.firsts.get(chain), days[0] if days else None)

    def place_in(self, segment: str, delta: Delta) -> None:
        """What health makes of the customer: it holds where the profile names no segment."""
        data = self.data
        if data.segment and not data.placed:
            return
        data.placed = True
        if segment != data.segment:
            self.move(segment, data.tier, delta)

    def counted(self) -> Iterator[tuple[Cell, int]]:
        """All that the customer counts as."""
        if self.data.months is not None:
            yield from self._life()
            if ties.any_in(self.data):
                yield from self.ties()
        for chain, days in self._days.items():
            names = self._places(chain)
            for day, field, n in gaps.counted(days, _kind(chain)):
                for name in names:
                    yield (day, name, field), n
        data = self.data
        for where, changes in _facts(data):
            names = places(data.segment, data.tier, where)
            for at, field, n in changes:
                for name in names:
                    yield (at // DAY, name, field), n
        for where, by_day in (
            (ANYWHERE, data.counts),
            *((where_of(name), days) for name, days in data.elsewhere.items()),
        ):
            names = places(data.segment, data.tier, where)
            for day, fields in by_day.items():
                for field, n in fields.items():
                    for name in names:
                        yield (day, name, field), n

    def changes(self) -> Iterator[Change]:
        """What each fact that the record keeps whole counts as, wherever."""
        for _, changes in _facts(self.data):
            yield from changes

    def _places(self, chain: str) -> tuple[str, ...]:
        """Where the purchases of a chain count."""
        return _places_of(chain, self.data.segment, self.data.tier)

    def trim(self) -> None:
        """Forget what is too old, or too much, to be corrected. What it counted as stays counted."""
        if trimming.trim(self.data, self._days):
            self._days = Tracked(self.data)._days


@lru_cache(maxsize=16_384)
def _chains_at(where: Where, segment: str, tier: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """These, each with its kind (``gaps.ANY`` or ``BY_CHANNEL``) and the places where it counts."""
    return tuple((name, _kind(name), _places_of(name, segment, tier)) for name in chains(where))


def _places_of(chain: str, segment: str, tier: str) -> tuple[str, ...]:
    if chain == WHOLE:
        return places(segment, tier, ANYWHERE)
    return (place_of("store", chain[1:]) if chain[:1] == WHOLE else crossed(segment, chain),)


def _kind(chain: str) -> str:
    return gaps.ANY if chain[:1] == WHOLE else gaps.BY_CHANNEL


def _facts(data: Customer) -> Iterator[tuple[Where, Iterable[Change]]]:
    """What each fact that the record keeps whole counts as, and where."""
    for complaint in data.complaints.values():
        yield complaint.where, complaint_counts(complaint, turns.turns_about(data, complaint))
    for order in data.orders.values():
        yield order.where, order_counts(order)
    for talk in data.talks.values():
        yield talk.where, talk_counts(talk)
    for rule, trial in data.trials.items():
        yield Where(rule=rule), trial_counts(rule, trial)
