"""Whether an event stands behind a figure of a day: whether the figure would be another without it.

The record says what a customer counts as now, so a copy, a return, a reopening and an answer that was given
again are what they are in the figure.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from services.metrics.domain.cells import LEVELS
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.kpis.kpi import EventCounts, Kpi
from services.metrics.domain.kpis.window import Window, window
from services.metrics.domain.tracked import Tracked
from shared.schemas.base import Data
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import DAY, Micros

Fields = Mapping[str, int]
Choose: TypeAlias = Callable[[Data, Micros], str | None]
"""Of an event and its time what its customer is in the figure; empty where that has no name. None of an event
that is not behind it."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where events are to be looked for."""

    types: Sequence[type[Data]]
    first: int
    last: int
    """Days, both included."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A KPI of a day, with all that it is made of."""

    kpi: Kpi
    day: int
    fields: Fields
    """What was counted on the day."""
    levels: Fields
    """How levels stood at its end."""
    policy: ChurnPolicy = field(default_factory=ChurnPolicy)

    @property
    def spans(self) -> Sequence[Span]:
        return (Span(self.kpi.told_of_customers, self.day, self.day),)

    def chooser(self, customer: Tracked) -> Choose | None:
        """Says which of the customer's events it rests on; None if on none."""
        if not self.rests_on(counts_of(customer, self.day)):
            return None
        return lambda data, at: "" if is_behind(self, data, at, customer) else None

    def window(self, without: Fields) -> Window:
        """The day without some of it."""
        left = {name: n - without.get(name, 0) for name, n in self.fields.items()}
        levels = {level: n - without.get(level, 0) for level, n in self.levels.items()}
        return window(
            {self.day: left}, levels, first=self.day, last=self.day, one_channel=False, policy=self.policy
        )

    def rests_on(self, counts: Fields) -> bool:
        """Whether it would be another without these. A KPI's errors pass through."""
        if not any(counts.values()):
            return False
        return self.kpi.of(self.window({})) != self.kpi.of(self.window(counts))


def counts_of(customer: Tracked, day: int) -> dict[str, int]:
    """What a customer counts as on a day."""
    found: dict[str, int] = dict.fromkeys(LEVELS, 0)
    for (on, place, name), n in customer.counted():
        if on == day and "|" in place:
            found[name] = found.get(name, 0) + n
    return found


def is_behind(figure: Figure, data: Data, at: Micros, customer: Tracked) -> bool:
    """Whether the figure rests on this event of a customer who counts in it: by what the event counts as
    itself, or by what the record says was counted at its time."""
    if at // DAY != figure.day or not isinstance(data, figure.kpi.events):
        return False
    told: dict[str, int] = {}
    known = [one for one in figure.kpi.counts if isinstance(data, one.events)]
    for one in known:
        if isinstance(one, EventCounts):
            _add(told, one.count(data).items())
    if not told:
        _add(told, ((name, n) for when, name, n in customer.changes() if when == at))
    if figure.rests_on(told):
        return True
    # What counts by the days of purchases alone, and not by their times.
    if isinstance(data, PurchaseMade | PurchaseReturned):
        order = customer.data.orders.get(data.order_id)
        return order is not None and order.day == figure.day
    return False


def _add(total: dict[str, int], changes: Iterable[tuple[str, int]]) -> None:
    for name, n in changes:
        total[name] = total.get(name, 0) + n
