"""Of customers with more orders than are kept no vote is taken back that was not given, and all that is among
the latest orders is counted, whatever comes back and in whatever order it is heard."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.history.baskets import (
    MOST_BASKETS,
    PERIOD,
    Pair,
    baskets_of,
    pairs,
    period_of,
)
from services.followup.domain.rules.suggestions import Suggestions
from services.followup.domain.state import Customer
from services.followup.worker import handler_of
from shared.journal.testing import InMemoryWorker
from shared.schemas.commands.products import Ask, ProductCountRequested, Vote
from shared.schemas.insights import ProductSuggested
from shared.schemas.products import product_key
from shared.schemas.times import DAY as A_DAY
from shared.schemas.times import micros, moment
from tests.examples import examples

from .driver import DAY, NOON, policy, rules, shipped_policy
from .test_baskets import Order, in_products, shops, told
from .test_suggestions import bought, gave_back

WITHIN = 30 * A_DAY


def votes(worker: InMemoryWorker[object]) -> Counter[tuple[Pair, int]]:
    """What was told so far; fails where more was taken back than was given."""
    found: Counter[tuple[Pair, int]] = Counter()
    for event in worker.emitted:
        if isinstance(event.data, ProductCountRequested):
            for vote in event.data.votes:
                found[(event.data.sku, vote.other), vote.period] += vote.by
            assert not [place for place, n in found.items() if n < 0]
    return found


@settings(max_examples=examples(40), deadline=None)
@given(shops(1, (MOST_BASKETS, 2 * MOST_BASKETS), 700), st.integers(0, 30), st.randoms(use_true_random=False))
def test_no_vote_is_taken_back_that_was_not_given(orders: list[Order], late: int, dice: Random) -> None:
    facts = sorted(told(orders), key=lambda one: one[2] + dice.randint(0, late) * 10 * DAY)
    worker = InMemoryWorker(handler_of(shipped_policy()), now=NOON + 400 * DAY)
    for who, data, at, id in facts:
        worker.tell(who, data, at=at, id=id).accepted()
    given_now = votes(worker)
    state = worker.state("c-0")
    assert isinstance(state, Customer)
    among_latest = pairs(baskets_of(state.history), WITHIN)
    assert all(given_now[place] >= 1 for place in among_latest.items())
    assert not [place for place, n in in_products(worker).items() if n < 0]


@pytest.mark.parametrize("returned", [True, False])
def test_what_falls_off_counts_when_it_was_bought_again(returned: bool) -> None:
    """Tea is bought in one period and in the next; then the first order falls off."""
    first = moment((period_of(micros(NOON)) - 2) * PERIOD)
    worker = InMemoryWorker(handler_of(shipped_policy()), now=NOON)
    worker.tell("ada", bought("o-0", "tea"), at=first).accepted()
    worker.tell("ada", bought("o-1", "tea"), at=first + 100 * DAY).accepted()
    for number in range(2, MOST_BASKETS + 2):
        made = bought(f"o-{number}", f"x-{number}")
        worker.tell("ada", made, at=first + (100 + number) * DAY).accepted()
    start = period_of(micros(first))
    tea = {period - start: n for (pair, period), n in votes(worker).items() if pair == ("tea", None)}
    assert tea == {0: 0, 1: 1}
    if returned:
        worker.tell("ada", gave_back("o-1", "tea"), at=first + 120 * DAY).accepted()
        assert sum(n for (pair, _), n in votes(worker).items() if pair == ("tea", None)) == 0
    assert worker.dead_letters == []


def test_more_taken_back_than_given_is_no_fault() -> None:
    """As where ``within`` is another by now."""
    worker = InMemoryWorker(handler_of(policy(rules(suggestions=Suggestions(at_least=2)))), now=NOON)
    period = period_of(micros(NOON))
    less = ProductCountRequested(sku="tea", votes=(Vote(period=period, by=-1),) * 9)
    worker.tell(product_key("tea"), less, at=NOON).accepted()
    for number in range(5):
        worker.tell(f"c-{number}", bought(f"o-{number}", "tea", "pot"), at=NOON).accepted()
    worker.tell("ada", bought("o-9", "tea"), at=NOON).accepted()
    assert worker.dead_letters == []
    asked = ProductCountRequested(
        sku="tea", ask=Ask(customer_id="ada", order_id="o-9", at_least=2, share=0.0)
    )
    worker.tell(product_key("tea"), asked, at=NOON).accepted()
    assert [fact.buyers for fact in worker.facts(ProductSuggested)] == [0]
