"""What is counted of purchases is what counting all at once would give, in any order of arrival and however
often they are told; what a product cannot keep is bounded; what a customer owns is never denied."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import combinations
from random import Random
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.history.baskets import MOST_EARLIER
from services.followup.domain.history.owned import MOST_MARKS, ROOM, owns, with_products
from services.followup.domain.suggestions.product import (
    MOST_PARTNERS,
    PERIODS,
    Product,
    candidates,
    counted,
)
from services.followup.worker import handler_of
from shared.facts.names import key
from shared.journal.testing import InMemoryWorker
from shared.schemas.commands.products import Vote
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import DAY as A_DAY
from shared.schemas.times import micros
from tests.examples import examples

from .driver import DAY, NOON, shipped_policy
from .test_suggestions import bought, gave_back

SKUS = ("a", "b", "c", "d")


class Order(NamedTuple):
    customer: str
    number: int
    day: int
    skus: tuple[str, ...]
    back: tuple[str, ...]
    """What came back of it."""

    @property
    def order_id(self) -> str:
        return f"{self.customer}-{self.number}"


@st.composite
def shops(
    draw: st.DrawFn, customers: int = 3, orders: tuple[int, int] = (0, 5), days: int = 400
) -> list[Order]:
    """So many customers with so few to so many orders each, within so many days."""
    found = []
    for customer in (f"c-{n}" for n in range(customers)):
        for number in range(draw(st.integers(*orders))):
            day = draw(st.integers(0, days))
            skus = tuple(draw(st.lists(st.sampled_from(SKUS), min_size=1, max_size=3, unique=True)))
            back = tuple(sku for sku in skus if draw(st.integers(0, 4)) == 0)
            found.append(Order(customer, number, day, skus, back))
    return found


def told(orders: Sequence[Order]) -> list[tuple[str, PurchaseMade | PurchaseReturned, datetime, str]]:
    facts: list[tuple[str, PurchaseMade | PurchaseReturned, datetime, str]] = []
    for order in orders:
        at = NOON - 400 * DAY + order.day * DAY
        made = bought(order.order_id, *order.skus)
        facts.append((order.customer, made, at, f"m-{order.order_id}"))
        if order.back:
            back = gave_back(order.order_id, *order.back, id=f"r-{order.order_id}")
            facts.append((order.customer, back, at + timedelta(hours=1), f"r-{order.order_id}"))
    return facts


def counted_at_once(orders: Sequence[Order]) -> Counter[tuple[str, str | None, int]]:
    """By brute force: of each customer each pair once, at the first time that it came to be."""
    found: Counter[tuple[str, str | None, int]] = Counter()
    start = micros(NOON - 400 * DAY)
    for customer in {order.customer for order in orders}:
        mine = [order for order in orders if order.customer == customer]
        kept = {o: [sku for sku in o.skus if sku not in o.back] for o in mine}
        first: dict[tuple[str, str | None], int] = {}
        for order in mine:
            for sku in kept[order]:
                _earliest(first, (sku, None), order.day)
                for other in kept[order]:
                    _earliest(first, (sku, other), order.day)
        ordered = sorted(mine, key=_place)
        for one, next_one in combinations(range(len(ordered)), 2):
            earlier, later = ordered[one], ordered[next_one]
            if next_one - one <= MOST_EARLIER and later.day - earlier.day <= 30:
                for sku in kept[earlier]:
                    for other in kept[later]:
                        _earliest(first, (sku, other), later.day)
        found.update((a, b, (start + day * A_DAY) // (91 * A_DAY)) for (a, b), day in first.items())
    return found


def _place(order: Order) -> tuple[int, bytes]:
    return order.day, key("order", order.order_id)


def _earliest(first: dict[tuple[str, str | None], int], pair: tuple[str, str | None], day: int) -> None:
    if pair[0] != pair[1]:
        first[pair] = min(day, first.get(pair, day))


def in_products(worker: InMemoryWorker[object]) -> Counter[tuple[str, str | None, int]]:
    found: Counter[tuple[str, str | None, int]] = Counter()
    for id, state in worker.states.items():
        if isinstance(state, Product):
            sku = id.partition("/")[2]
            found.update({(sku, None, state.newest - age): n for age, n in enumerate(state.buyers) if n})
            for one in state.partners:
                assert not one.missed, "few enough to be exact"
                found.update({(sku, one.sku, state.newest - age): n for age, n in enumerate(one.counts) if n})
    return found


@settings(max_examples=examples(60), deadline=None)
@given(shops(), st.randoms(use_true_random=False))
def test_counts_are_those_of_all_purchases_at_once(orders: list[Order], dice: Random) -> None:
    facts = told(orders)
    copies = [(who, data, at, f"again-{id}") for who, data, at, id in facts]
    every = [*facts, *copies]
    dice.shuffle(every)
    worker = InMemoryWorker(handler_of(shipped_policy()), now=NOON)
    for who, data, at, id in every:
        worker.tell(who, data, at=at, id=id).accepted()
    wanted = counted_at_once(orders)
    newest = {
        id.partition("/")[2]: state.newest
        for id, state in worker.states.items()
        if isinstance(state, Product)
    }
    recent = {key: n for key, n in wanted.items() if newest[key[0]] - key[2] < PERIODS}
    assert in_products(worker) == Counter(recent)


VOTES = st.lists(
    st.tuples(st.integers(0, MOST_PARTNERS + 40), st.integers(20, 26), st.booleans()), max_size=600
)


@settings(max_examples=examples(40), deadline=None)
@given(VOTES)
def test_what_does_not_fit_is_bounded(told: list[tuple[int, int, bool]]) -> None:
    """Whoever takes back a vote gave it before: then no number is more than true, nor less than may be."""
    truth: Counter[tuple[str, int]] = Counter()
    product = Product()
    for number, period, up in told:
        place = (f"s-{number}", period)
        if not up and truth[place] <= 0:
            continue
        truth[place] += 1 if up else -1
        by = 1 if up else -1
        product = counted(product, [Vote(other=place[0], period=period, by=by)])
        assert len(product.partners) <= MOST_PARTNERS
        live: Counter[str] = Counter()
        for (sku, when), n in truth.items():
            live[sku] += n if product.newest - when < PERIODS else 0
        known = {one.sku: one for one in product.partners}
        for sku, n in live.items():
            if sku in known:
                assert sum(known[sku].counts) <= n <= known[sku].most
            else:
                assert n <= sum(product.forgotten)
    assert all(one.together <= truth_of(truth, one.sku) for one in candidates(product, 1, 0.0))


def truth_of(truth: Counter[tuple[str, int]], sku: str) -> int:
    return sum(n for (name, _), n in truth.items() if name == sku)


def test_a_product_stays_small() -> None:
    product = Product()
    for number in range(3_000):
        period = 20 + number // 300
        product = counted(product, [Vote(other=f"sku-{number % 700}", period=period, by=1)])
    assert len(product.partners) == MOST_PARTNERS
    assert len(product.model_dump_json()) < 6_000


@settings(max_examples=examples(30), deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 2_000).map(str), max_size=120), max_size=8),
    st.randoms(use_true_random=False),
)
def test_what_was_bought_is_never_denied(orders: list[list[str]], dice: Random) -> None:
    owned = other = b""
    for order in orders:
        owned = with_products(owned, order)
    shuffled = [*orders, *orders]
    dice.shuffle(shuffled)
    for order in shuffled:
        other = with_products(other, order)
    assert owned == other
    assert all(owns(owned, sku) for order in orders for sku in order)
    assert len(owned) <= ROOM


def test_little_is_taken_for_bought_that_was_not() -> None:
    few = with_products(b"", (f"mine-{n}" for n in range(MOST_MARKS)))
    assert not any(owns(few, f"other-{n}") for n in range(2_000))
    many = with_products(few, (f"more-{n}" for n in range(1_000 - MOST_MARKS)))
    assert sum(owns(many, f"other-{n}") for n in range(2_000)) < 2_000 * 0.04
