"""Whatever arrives first, and however often it is told: what the events' own times say holds."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.loyalty.domain.account.tiers import tier_at
from services.loyalty.domain.program.program import Program
from shared.schemas.base import Data
from shared.schemas.loyalty import MemberEnrolled, TierChanged
from shared.schemas.times import micros
from tests.examples import examples

from .account import PLAIN, Account, day
from .facts import bought, went_back
from .test_goods import EXCLUDE

JOINED = 3.5


def program(enrolment: str) -> Program:
    """No multipliers: which purchase was heard of first says nothing about its points."""
    document = PLAIN.model_dump(by_alias=True)
    document |= {"enrolment": enrolment, "earn": document["earn"] | EXCLUDE}
    for tier in document["tiers"]:
        tier["multiplier"] = 1
    return Program.model_validate(document)


orders = st.lists(
    st.tuples(st.integers(0, 60_000), st.integers(0, 30_000), st.lists(st.integers(0, 100), max_size=2)),
    max_size=6,
)
"""(cents for goods, cents for a gift card, shares of the goods that go back) of each day's order."""


@settings(max_examples=examples(150), deadline=None)
@given(orders, st.sampled_from(["automatic", "explicit"]), st.data())
def test_points_and_spend_are_those_of_a_plain_count(
    days: list[tuple[int, int, list[int]]], enrolment: str, data: Any
) -> None:
    facts: list[tuple[float, Data]] = [(JOINED, MemberEnrolled())] if enrolment == "explicit" else []
    points = spend = 0
    for at, (cents, card, shares) in enumerate(days):
        items = [("cup", "ware", 1, cents), ("card", "gift-cards", 1, card)]
        facts.append((at, bought(f"o-{at}", cents + card, items)))
        left = cents
        for number, share in enumerate(shares):
            refund = left * share // 100
            left -= refund
            facts.append((at + 0.1 + number / 10, went_back(f"o-{at}", f"r-{number}", refund)))
        if enrolment == "automatic" or at >= JOINED:
            points, spend = points + left // 100, spend + left
    account = Account(program(enrolment))
    heard = data.draw(st.permutations([*facts, *facts]))
    for at, fact in heard:
        account.hear(20, at, fact)
    if not days or account.state.enrolled_at is None:
        return
    assert account.balance == sum(row["points"] for row in account.ledger) == points
    assert account.view(20).spend == spend
    assert account.retracts == []
    joined = Counter(type(fact) for _, fact in account.facts)[MemberEnrolled]
    assert joined == 1


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.integers(1, 60_000), min_size=1, max_size=7), st.data())
def test_the_tier_is_that_of_the_events_own_times(totals: list[int], data: Any) -> None:
    facts = [(float(at), bought(f"o-{at}", cents)) for at, cents in enumerate(totals)]
    in_order, mixed = Account(program("automatic")), Account(program("automatic"))
    for at, fact in facts:
        in_order.hear(20, at, fact)
    for at, fact in data.draw(st.permutations(facts)):
        mixed.hear(20, at, fact)
    assert tiers_held(mixed) == tiers_held(in_order)
    assert mixed.balance == in_order.balance


def tiers_held(account: Account) -> list[str]:
    """Day by day. An end that was told is not moved, so the last may hold a few days longer."""
    assert isinstance(account.program, Program)
    return [tier_at(account.state.periods, micros(day(at)), account.program) for at in range(20)]


def test_an_older_purchase_lets_a_later_one_reach_the_tier() -> None:
    account = Account(PLAIN)
    account.hear(10, 2, bought("later", 20_000))
    account.hear(10, 1, bought("earlier", 20_000))
    changes = [(at, fact.to) for at, fact in account.facts if isinstance(fact, TierChanged)]
    assert changes == [(day(2), "silver")]
