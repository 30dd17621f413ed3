"""Whatever is bought, given back and heard in whatever order: what is suggested was never the customer's, and
as many have bought both as is said."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.rules.suggestions import Suggestions
from services.followup.worker import handler_of
from shared.journal.testing import InMemoryWorker
from shared.schemas.insights import ProductSuggested
from shared.schemas.purchases import PurchaseMade

from .driver import DAY, NOON, policy, rules
from .test_baskets import Order, counted_at_once, shops, told

WANTED = Suggestions(at_least=2)


@settings(max_examples=40, deadline=None)
@given(shops(7, (1, 3), 60), st.randoms(use_true_random=False))
def test_what_is_suggested_is_new_to_the_customer_and_true(orders: list[Order], dice: Random) -> None:
    these = rules(suggestions=WANTED)
    # Orders of a year ago are asked about as well.
    slow = tuple(rule.model_copy(update={"stale_after": 400 * DAY}) for rule in these.rules)
    worker = InMemoryWorker(handler_of(policy(these.model_copy(update={"rules": slow}))), now=NOON)
    facts = told(orders)
    dice.shuffle(facts)
    had: dict[str, set[str]] = {}
    known = 0
    for who, data, at, id in facts:
        if isinstance(data, PurchaseMade):
            had.setdefault(who, set()).update(item.sku for item in data.items)
        worker.tell(who, data, at=at, id=id).accepted()
        for event in worker.emitted[known:]:
            if isinstance(event.data, ProductSuggested):
                assert event.data.sku not in had[event.subject]
                assert event.data.because in had[event.subject]
                assert WANTED.at_least <= event.data.together <= most(orders, event.data)
        known = len(worker.emitted)


def most(orders: list[Order], fact: ProductSuggested) -> int:
    """How many have ever bought both, were nothing given back."""
    kept = [order._replace(back=()) for order in orders]
    found = counted_at_once(kept)
    return sum(n for (sku, other, _), n in found.items() if (sku, other) == (fact.because, fact.sku))
