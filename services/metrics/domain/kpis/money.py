"""What orders bring: revenue for each customer, and what an order comes to, by currency. Currencies are never
added up."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from services.metrics.domain.cells import Change
from services.metrics.domain.kpis.intervals import mean_interval
from services.metrics.domain.kpis.kpi import Kind, Kpi, OrderCounts, Result
from services.metrics.domain.kpis.purchases import PURCHASES
from services.metrics.domain.kpis.window import Window
from services.metrics.domain.state import Order
from shared.schemas.purchases import PurchaseMade, PurchaseReturned

ORDERS, REVENUE = "orders:", "revenue:"
SQUARES_LOW, SQUARES_HIGH = "squares_low:", "squares_high:"
"""The sum of squares in two parts, each of which fits in 64 bits whatever the sum."""
LIMB = 2**40
LIMIT = 10**12
"""Of one order no more is counted, in minor units: a sum of cells must fit in 64 bits, whatever comes in."""
MOST = 8
"""Currencies that are told: those of the most orders."""


def counted(order: Order) -> Sequence[Change]:
    """An order by its currency, when it was made: what was paid less what was paid back; nothing of one that
    was paid back in full."""
    at, left = order.made, order.left
    if at is None or (order.amount and not left):
        return ()
    left = min(left, LIMIT)
    orders, revenue, squares_low, squares_high = _fields(order.currency)
    high, low = divmod(left * left, LIMB)
    counts = ((at, orders, 1), (at, revenue, left), (at, squares_low, low))
    return (*counts, (at, squares_high, high)) if high else counts


@lru_cache(maxsize=256)
def _fields(currency: str) -> tuple[str, ...]:
    return tuple(field + currency for field in (ORDERS, REVENUE, SQUARES_LOW, SQUARES_HIGH))


AMOUNTS = OrderCounts(
    fields=(ORDERS, REVENUE, SQUARES_LOW, SQUARES_HIGH),
    events=(PurchaseMade, PurchaseReturned),
    count=counted,
)


def _currencies(w: Window) -> dict[str, int]:
    """Orders by currency, the most frequent first."""
    found = sorted(w.buckets(ORDERS).items(), key=lambda one: (-one[1], one[0]))
    return {currency: n for currency, n in found[:MOST] if n > 0}


def _order_value(w: Window) -> Result:
    orders = _currencies(w)
    intervals = {}
    for currency, n in orders.items():
        interval = mean_interval(n, w.total(REVENUE + currency), _squares(w, currency))
        if interval is not None:
            intervals[currency] = (max(0.0, interval[0]), interval[1])
    means = {currency: w.total(REVENUE + currency) / n for currency, n in orders.items()}
    return Result(means, sum(orders.values()), intervals=intervals)


def _revenue_per_customer(w: Window) -> Result:
    if w.customers <= 0:
        return Result({}, 0)
    told, orders = _currencies(w), sum(w.buckets(ORDERS).values())
    means = {c: w.total(REVENUE + c) / w.customers for c in told}
    each = orders_squared(orders, w.customers, w.repeat_customers) / orders if orders else 0.0
    intervals = {}
    for c in told:
        interval = mean_interval(w.customers, w.total(REVENUE + c), each * _squares(w, c))
        if interval is not None:
            intervals[c] = (max(0.0, interval[0]), interval[1])
    return Result(means, w.customers, intervals=intervals)


def orders_squared(orders: int, customers: int, repeat_customers: int) -> float:
    """The sum over customers of the square of how many orders each has, as far as sums of days tell it: how
    many have one and how many two are known, and those beyond fall off by one rate (ADR 100).

    Of ``n(k)`` customers with k orders or more it is the sum of (2k - 1) n(k)."""
    if repeat_customers <= 0:
        more = max(0, orders - customers)
        return customers + more + 2 * more * (customers + more) / customers
    more = max(0, orders - customers - repeat_customers)
    return customers + 3 * (repeat_customers + more) + 2 * more * (repeat_customers + more) / repeat_customers


def _squares(w: Window, currency: str) -> int:
    return w.total(SQUARES_HIGH + currency) * LIMB + w.total(SQUARES_LOW + currency)


def _revenue(w: Window) -> Result:
    orders = _currencies(w)
    return Result({c: float(w.total(REVENUE + c)) for c in orders}, sum(orders.values()))


_UNIT = "minor units of the currency, such as cents"
_SINCE = date(2026, 11, 26)
_LEFT = (
    "what was paid less what was paid back, on the day of the order; "
    f"the {MOST} currencies of the most orders"
)

REVENUE_TOTAL = Kpi(
    name="revenue",
    title="Revenue",
    description="What customers paid for what they bought",
    formula=f"Sum over orders of {_LEFT}",
    unit=_UNIT,
    kind=Kind.MONEY,
    effective=_SINCE,
    counts=(AMOUNTS,),
    compute=_revenue,
)
REVENUE_PER_CUSTOMER = Kpi(
    name="revenue_per_customer",
    title="Revenue per customer",
    description="What a customer who bought anything paid in all",
    formula=f"Revenue / customers with a purchase in the window, of whatever currency; revenue: {_LEFT}; "
    "95 % interval: Student's t, with the orders of a customer taken to be alike, so rather too wide",
    unit=_UNIT,
    kind=Kind.MONEY,
    effective=_SINCE,
    counts=(AMOUNTS, PURCHASES),
    compute=_revenue_per_customer,
)
ORDER_VALUE = Kpi(
    name="order_value",
    title="Order value",
    description="What an order comes to",
    formula=f"Mean over orders of {_LEFT}; one paid back in full is none; 95 % interval: Student's t",
    unit=_UNIT,
    kind=Kind.MONEY,
    effective=_SINCE,
    counts=(AMOUNTS,),
    compute=_order_value,
)
