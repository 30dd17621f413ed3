"""What orders bring, against the orders themselves."""

import math
import random
from collections.abc import Sequence
from statistics import mean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from services.metrics.domain.kpis.money import LIMIT, MOST
from shared.schemas.base import Data, Money
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseItem, PurchaseMade, PurchaseReturned
from tests.examples import examples

from .story import event, profile, result, run, told_again, value


def bought(order: str, amount: int, currency: str = "EUR", channel: str = "web") -> PurchaseMade:
    total = Money(amount=amount, currency=currency)
    item = PurchaseItem(sku="s", quantity=1, unit_price=total)
    return PurchaseMade(order_id=order, channel=channel, total=total, items=(item,))


def back(order: str, name: str, amount: int, currency: str) -> PurchaseReturned:
    return PurchaseReturned(order_id=order, return_id=name, refund=Money(amount=amount, currency=currency))


_orders, _currencies = st.sampled_from(["o1", "o2", "o3", "o4"]), st.sampled_from(["EUR", "EUR", "USD"])
_data: st.SearchStrategy[Data] = st.one_of(
    st.builds(bought, _orders, st.integers(0, 90_000), _currencies, st.sampled_from(["web", "store"])),
    st.builds(back, _orders, st.sampled_from(["r1", "r2"]), st.integers(0, 40_000), _currencies),
)
histories = st.lists(st.tuples(_data, st.integers(0, 40), st.sampled_from(["c1", "c2"])), max_size=30)


def orders_of(log: Sequence[Event]) -> dict[tuple[str, str], tuple[str, str, int]]:
    """Channel, currency and what is left of each order, taken one by one: the first account of each holds; a
    return waits for it, counts in its currency and up to what is left, but for a cent a line."""
    orders: dict[tuple[str, str], tuple[str, str, int]] = {}
    for e in log:
        if isinstance(e.data, PurchaseMade):
            total = e.data.total
            orders.setdefault((e.subject, e.data.order_id), (e.data.channel, total.currency, total.amount))
    for key, (channel, currency, amount) in orders.items():
        left, told = amount, set()
        for e in log:
            if not isinstance(e.data, PurchaseReturned) or (e.subject, e.data.order_id) != key:
                continue
            refund, name = e.data.refund, e.data.return_id
            if name in told or refund.currency != currency or refund.amount > left + 1:
                continue
            told.add(name)
            left = max(0, left - refund.amount)
        orders[key] = (channel, currency, left if left or not amount else -1)
    return {key: one for key, one in orders.items() if one[2] >= 0}


@settings(deadline=None, max_examples=examples(100))
@given(histories, st.randoms(use_true_random=False))
def test_revenue_and_order_value(rows: Sequence[tuple[Data, int, str]], order: random.Random) -> None:
    events = [event(data, days=day, subject=who, id=f"h{n}") for n, (data, day, who) in enumerate(rows)]
    log = told_again(events, order)
    _, delta = run([event(profile("gold"), subject="c1"), *log])
    for channel in (None, "web"):
        here = {k: o for k, o in orders_of(log).items() if channel in (None, o[0])}
        chosen = {} if channel is None else {"channel": channel}
        by: dict[str, list[int]] = {}
        for _, currency, left in here.values():
            by.setdefault(currency, []).append(left)
        assert value(delta, "revenue", **chosen) == {c: sum(amounts) for c, amounts in by.items()}
        assert value(delta, "order_value", **chosen) == pytest.approx({c: mean(a) for c, a in by.items()})
        customers = len({who for who, _ in here})
        per = {c: sum(amounts) / customers for c, amounts in by.items()}
        assert value(delta, "revenue_per_customer", **chosen) == pytest.approx(per)
    gold = [left for (who, _), (*_, left) in orders_of(log).items() if who == "c1"]
    assert sum(value(delta, "revenue", segment="gold").values()) == sum(gold)


def test_how_sure_an_order_value_is() -> None:
    amounts = [1_000, 2_500, 900, 7_000]
    found = result(run([event(bought(f"o{n}", a)) for n, a in enumerate(amounts)])[1], "order_value")
    half = stats.t.ppf(0.975, 3) * stdev(amounts) / math.sqrt(4)
    low, high = max(0, mean(amounts) - half), mean(amounts) + half
    assert found.intervals["EUR"] == pytest.approx((low, high), rel=1e-3)
    assert found.n == 4


def test_sums_stay_in_64_bits_whatever_comes_in() -> None:
    _, delta = run([event(bought(f"o{n}", 2**53), subject=f"c{n}") for n in range(200)])
    assert all(abs(n) < 2**63 / 1_000 for n in delta.values())
    assert value(delta, "order_value") == {"EUR": LIMIT}


def test_of_many_currencies_those_of_the_most_orders_are_told() -> None:
    codes = [f"AA{chr(65 + n)}" for n in range(MOST + 3)]
    told = [event(bought(f"{code}{n}", 100, code)) for code in codes for n in range(2 if code > "AAC" else 1)]
    found = value(run(told)[1], "revenue")
    assert list(found) == codes[3:]
