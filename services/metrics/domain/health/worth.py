"""What customers are expected to pay within the year to come, and how that is spread among them."""

from collections.abc import Iterable, Mapping
from math import ceil, exp, fsum, isfinite, log, sqrt

from services.metrics.domain.clv import MONTH_DAYS
from services.metrics.domain.health.models import Models, weeks

AHEAD_DAYS = 12 * MONTH_DAYS
MOST = 2**53
"""In minor units; more is no amount."""
SPREAD = "clv"
"""``model.fitted`` tells the spread under this name and a currency: ``clv.EUR``."""
CUSTOMERS, SUM, BIN = "customers", "sum", "bin."
"""Its parameters: how many, all they will pay together, and how many there are in each bin."""
_GAMMA = 1.1
"""A bin ends at so many times its begin: what stands for all in it is within 5 % of each."""
_LEAST = "0"
"""The bin of less than one minor unit."""


def worth(models: Models, currency: str, bought: tuple[int, float, float], repeat_value: float) -> int | None:
    """In minor units, by x, t_x and T in weeks and the mean of what was paid at repeat purchases; None where
    no model says."""
    money = models.money.get(currency)
    if money is None:
        return None
    repeats = bought[0]
    purchases = models.buying(repeats).expected(weeks(AHEAD_DAYS), *bought)
    found = purchases * money.expected_value(repeats, repeat_value) if purchases else 0.0
    return round(found) if isfinite(found) and found <= MOST else None


def spread(worths: Iterable[int]) -> dict[str, float]:
    """As parameters of ``model.fitted``: their number and sum, and a histogram in logarithms."""
    found: dict[str, float] = {CUSTOMERS: 0.0, SUM: 0.0}
    for one in worths:
        found[CUSTOMERS] += 1
        found[SUM] += one
        name = f"{BIN}{_bin(one)}"
        found[name] = found.get(name, 0.0) + 1
    return found


def quantile(bins: Mapping[str, int], q: float) -> float | None:
    """Of the customers in these bins, by name, in minor units; None of nobody."""
    return at_place(bins, q * (sum(bins.values()) - 1))


def at_place(bins: Mapping[str, int], place: float) -> float | None:
    """What the customer is worth who stands at a place, from 0, in their order; None where nobody does."""
    for name in sorted(bins, key=int):
        place -= bins[name]
        if bins[name] and place < 0:
            return _middle(name)
    return None


def deviation(bins: Mapping[str, int]) -> float:
    """The standard deviation of what they are worth; 0 of nobody."""
    n = sum(bins.values())
    if n <= 0:
        return 0.0
    mean = fsum(_middle(name) * of_it for name, of_it in bins.items()) / n
    return sqrt(fsum((_middle(name) - mean) ** 2 * of_it for name, of_it in bins.items()) / n)


def _middle(name: str) -> float:
    """What stands for all that is in a bin."""
    return 0.0 if name == _LEAST else 2 * exp((int(name) - 1) * log(_GAMMA)) / (_GAMMA + 1)


def _bin(amount: int) -> str:
    """Bin ``i`` holds (1.1^(i-2), 1.1^(i-1)] minor units."""
    return _LEAST if amount < 1 else str(1 + ceil(log(amount) / log(_GAMMA) - 1e-9))
