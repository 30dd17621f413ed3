"""What is known of a customer before an instant, as the drivers of health look at it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from services.metrics.domain.health.models import weeks
from services.metrics.domain.state import Customer
from shared.facts.complaints import Life, life_of
from shared.schemas.times import Micros, day_of


@dataclass(frozen=True, slots=True)
class Buying:
    """Days with a purchase, in order, and what was paid on each in the currency that most were paid in."""

    days: tuple[int, ...] = ()
    paid: tuple[int, ...] = ()
    """Minor units, less what was paid back since."""
    currency: str = ""

    @property
    def repeats(self) -> int:
        """Repeat purchases: days with one, the first left out."""
        return max(0, len(self.days) - 1)

    @property
    def lasted(self) -> int:
        """Days from the first to the last."""
        return self.days[-1] - self.days[0] if self.days else 0

    @property
    def repeat_value(self) -> float:
        """The mean of what was paid on a day of a repeat purchase; 0 where there is none."""
        return sum(self.paid[1:]) / self.repeats if self.repeats else 0.0


class History:
    """A customer's record, by what happened before ``now``; what counts fades by ``half_life``, in days."""

    def __init__(self, customer: Customer, now: Micros, half_life: float) -> None:
        self.now, self.today, self.half_life = now, day_of(now), half_life
        self._customer = customer

    @cached_property
    def buying(self) -> Buying:
        return buying(self._customer, self.now)

    @property
    def silence(self) -> int:
        """Days since the last purchase; there must be one."""
        return self.today - self.buying.days[-1]

    @property
    def age(self) -> int:
        """Days since the first purchase; there must be one."""
        return self.today - self.buying.days[0]

    @property
    def bought(self) -> tuple[int, float, float]:
        """x, t_x and T, as the models take them; there must be a purchase."""
        return self.buying.repeats, weeks(self.buying.lasted), weeks(self.age)

    @property
    def member(self) -> bool:
        """Whether they have a tier in the loyalty program."""
        return bool(self._customer.tier)

    def complaints(self) -> Iterator[Life]:
        """Those that were opened, each with its steps up to now."""
        for complaint in self._customer.complaints.values():
            life = life_of([told.step for told in complaint.steps if told.at < self.now])
            if life.status is not None:
                yield life

    def fade(self, day: int) -> float:
        """What is left of 1 that counted on a day."""
        return float(0.5 ** (max(0, self.today - day) / self.half_life))

    @cached_property
    def faded(self) -> Mapping[str, float]:
        """What events counted as, by field, faded by their days."""
        sums: dict[str, float] = {}
        last = day_of(self.now - 1)
        for days in (self._customer.counts, *self._customer.elsewhere.values()):
            for day, fields in days.items():
                if day <= last:
                    factor = self.fade(day)
                    for name, n in fields.items():
                        sums[name] = sums.get(name, 0.0) + n * factor
        return sums


def buying(customer: Customer, now: Micros) -> Buying:
    """The purchases of a record before ``now``; none of what was paid back in full since."""
    kept = [
        (day, order)
        for order in customer.orders.values()
        if order.made is not None and order.made < now and (day := order.day) is not None
    ]
    if not kept:
        return Buying()
    paid_in = Counter(order.currency for _, order in kept)
    currency = max(paid_in, key=lambda code: (paid_in[code], code))
    paid: dict[int, int] = {}
    for day, order in kept:
        paid[day] = paid.get(day, 0) + (order.left if order.currency == currency else 0)
    days = tuple(sorted(paid))
    return Buying(days, tuple(paid[day] for day in days), currency)
