"""Estimates the models from customers' records: what ``model.fitted`` tells. Needs the extra ``fit``."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from services.metrics.domain.clv import BgNbd, GammaGamma, MbgNbd, TooLittleDataError
from services.metrics.domain.health.history import buying
from services.metrics.domain.health.models import BG, MBG, Models, money_model, weeks
from services.metrics.domain.health.worth import SPREAD, spread, worth
from services.metrics.domain.state import Customer
from shared.schemas.times import Micros, day_of

FEWEST = 100
"""Of fewer customers, of whom each tells something, nothing is estimated: the model stays as it is."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One model, tried."""

    model: str
    customers: int
    """Who tell something of it."""
    parameters: Mapping[str, float] | None
    """None: they are too few."""


class Sample:
    """What customers did before an instant, as the models take it: 40 bytes a customer, 16 more of who bought
    again."""

    def __init__(self, now: Micros) -> None:
        self.now = now
        self._x, self._t_x, self._age = array("d"), array("d"), array("d")
        self._value, self._currency = array("d"), array("l")
        self._currencies: dict[str, int] = {}
        self._paid: dict[str, tuple[array[float], array[float]]] = {}

    def __len__(self) -> int:
        """Customers with a purchase."""
        return len(self._x)

    def add(self, customer: Customer) -> None:
        """One customer more; who bought nothing tells nothing."""
        bought = buying(customer, self.now)
        if not bought.days:
            return
        self._x.append(bought.repeats)
        self._t_x.append(weeks(bought.lasted))
        self._age.append(weeks(day_of(self.now) - bought.days[0]))
        self._value.append(bought.repeat_value)
        self._currency.append(self._currencies.setdefault(bought.currency, len(self._currencies)))
        if bought.repeats and bought.repeat_value > 0:
            repeats, means = self._paid.setdefault(bought.currency, (array("d"), array("d")))
            repeats.append(bought.repeats)
            means.append(bought.repeat_value)

    @property
    def models(self) -> tuple[str, ...]:
        """The names of those that ``estimates`` tries."""
        return (BG, MBG, *(money_model(currency) for currency in sorted(self._paid)))

    def estimates(self) -> Iterator[Estimate]:
        """Each model as soon as it is estimated, in the order of ``models``."""
        repeating = sum(x > 0 for x in self._x)
        for name, kind in ((BG, BgNbd), (MBG, MbgNbd)):
            yield _estimate(name, repeating, partial(kind.fit, self._x, self._t_x, self._age))
        for currency, (repeats, means) in sorted(self._paid.items()):
            yield _estimate(money_model(currency), len(repeats), partial(GammaGamma.fit, repeats, means))

    def spreads(self, estimates: Iterable[Estimate]) -> Iterator[Estimate]:
        """By these models, how what customers are worth is spread among them: of each currency that has a
        model. Takes some 0.2 ms a customer."""
        models = Models.of({one.model: one.parameters for one in estimates if one.parameters is not None})
        for currency, number in sorted(self._currencies.items()):
            if currency in models.money:
                worths = [*self._worths(models, currency, number)]
                yield Estimate(f"{SPREAD}.{currency}", len(worths), spread(worths))

    def _worths(self, models: Models, currency: str, number: int) -> Iterator[int]:
        customers = zip(self._x, self._t_x, self._age, self._value, self._currency, strict=True)
        for x, t_x, age, value, own in customers:
            if own == number and (found := worth(models, currency, (int(x), t_x, age), value)) is not None:
                yield found


def _estimate(name: str, customers: int, fit: Callable[[], BgNbd | GammaGamma]) -> Estimate:
    if customers < FEWEST:
        return Estimate(name, customers, None)
    try:
        return Estimate(name, customers, fit().as_dict())
    except TooLittleDataError:
        return Estimate(name, customers, None)
