"""An order, a return, a referral told again under another event id has no second effect."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.loyalty.settings import LoyaltySettings
from services.loyalty.worker import handler
from shared.domain import RefusedError
from shared.journal.testing import START, InMemoryWorker
from shared.schemas.base import Data, Money
from shared.schemas.event import Event
from shared.schemas.feedback import ReferralMade
from shared.schemas.loyalty import MemberEnrolled, PointsEarned
from shared.schemas.purchases import PurchaseReturned
from tests.examples import examples

from .account import PLAIN, Account, day
from .facts import bought, went_back

SETTINGS = LoyaltySettings(kafka="unused:1", mongo="mongodb://unused", secret_key="k" * 16)


def test_an_order_told_twice_by_webhooks_wh_1_and_wh_2_earns_once() -> None:
    worker = InMemoryWorker(handler(SETTINGS))
    order = bought("so-1001", 10_000)
    assert worker.tell("c-1", order, id="wh-1").status == "applied"
    assert worker.tell("c-1", order, id="wh-2").status == "applied"
    assert [fact.points for fact in worker.facts(PointsEarned)] == [100]
    assert worker.dead_letters == []


def test_an_order_told_again_with_other_data_is_a_dead_letter_and_the_first_holds() -> None:
    worker = InMemoryWorker(handler(SETTINGS))
    worker.tell("c-1", bought("so-1001", 10_000))
    worker.tell("c-1", bought("so-1001", 20_000))
    worker.tell("c-1", went_back("so-1001", "r-1", 4_000))
    worker.tell("c-1", went_back("so-1001", "r-1", 4_000))
    worker.tell("c-1", went_back("so-1001", "r-1", 5_000))
    assert [letter.code for letter in worker.dead_letters] == ["duplicate_order", "duplicate_return"]
    assert sum(lot.remaining for lot in worker.state("c-1").lots) == 60


def test_another_customers_order_of_that_name_is_another_order() -> None:
    worker = InMemoryWorker(handler(SETTINGS))
    worker.tell("c-1", bought("so-1001", 10_000))
    worker.tell("c-2", bought("so-1001", 10_000))
    assert [fact.points for fact in worker.facts(PointsEarned)] == [100, 100]


def test_a_copy_of_an_order_that_nobody_can_return_any_more_is_still_a_copy() -> None:
    account = Account(PLAIN)
    account.hear(70, 0, bought("o", 10_000))
    account.apply(day(805), bought("p", 100))
    assert [order.order_id for order in account.state.orders] == ["p"]
    account.apply(day(860), bought("o", 10_000))
    assert account.view(860).lifetime_points == 101


def test_a_return_of_an_order_that_is_forgotten_waits_for_nothing() -> None:
    account = Account(PLAIN)
    account.hear(70, 0, bought("o", 5_000))
    account.apply(day(805), bought("p", 100))
    for _ in range(2):  # its name stays free
        with pytest.raises(RefusedError, match="order_forgotten"):
            account.apply(day(810), went_back("o", "r", 5_000))
    account.apply(day(810), went_back("unknown", "r", 5_000))
    assert [fact.data.count("unknown") for fact in account.state.waiting] == [1]


def test_a_return_of_an_order_that_is_still_to_come_waits_for_it() -> None:
    account = Account(PLAIN)
    account.hear(1, 1.5, bought("o", 10_000))
    account.hear(1, 1, went_back("o", "r", 4_000))
    account.advance(2)
    assert (account.balance, account.retracts) == (60, [])


def test_a_copy_of_a_return_that_waits_does_not_wait_twice() -> None:
    account = Account(PLAIN)
    account.apply(day(1), went_back("o", "r", 4_000))
    account.apply(day(1), went_back("o", "r", 4_000))
    account.apply(day(1), went_back("o", "r", 4_001))
    account.apply(day(0), bought("o", 10_000))
    assert account.balance == 60
    assert [(r.code, r.event.id) for r in account.retracts] == [("duplicate_return", "e-3")]


def test_a_return_that_waited_and_was_refused_may_be_told_again_put_right_or_as_it_was() -> None:
    account = Account(PLAIN)
    account.apply(day(1), went_back("o", "r", 40_000))
    account.apply(day(0), bought("o", 10_000))
    assert [(r.code, r.event.id) for r in account.retracts] == [("refund_exceeds_total", "e-1")]
    with pytest.raises(RefusedError, match="refund_exceeds_total"):
        account.apply(day(2), went_back("o", "r", 40_000))
    account.apply(day(2), went_back("o", "r", 4_000))
    assert account.balance == 60


def test_a_refused_order_leaves_no_name_and_its_return_waits_for_it() -> None:
    account = Account(PLAIN)
    with pytest.raises(RefusedError, match="unknown_currency"):
        account.apply(day(0), bought("o", 10_000, total={"amount": 10_000, "currency": "CHF"}))
    account.apply(day(1), went_back("o", "r", 4_000))
    account.apply(day(0), bought("o", 10_000))
    assert account.balance == 60


def test_a_referral_told_twice_is_passed_on_once() -> None:
    account = Account()
    for _ in range(2):
        account.apply(day(0), ReferralMade(referred_customer="cust-2"))
    assert len(account.passed_on) == 1


def test_an_enrolment_told_twice_is_one() -> None:
    account = Account()
    for _ in range(2):
        account.apply(day(0), MemberEnrolled())
    assert len(account.emitted(MemberEnrolled)) == 1


FACTS: list[tuple[float, Data]] = [
    (0, bought("a", 10_000)),
    (1, bought("b", 25_003)),
    (2, went_back("a", "r-1", 2_500)),
    (3, went_back("b", "r-1", 25_003)),
    (4, went_back("a", "r-2", 7_500)),
    (5, bought("c", 777)),
]


@settings(max_examples=examples(60), deadline=None)
@given(st.permutations([*range(len(FACTS)), *range(len(FACTS))]))
def test_in_any_order_of_arrival_and_with_copies_the_points_are_the_same(order: list[int]) -> None:
    """Below every tier, so that nothing depends on which purchase was heard of first."""
    account = Account(PLAIN.model_copy(update={"tiers": PLAIN.tiers[:1]}))
    account.advance(10)
    for number in order:
        at, fact = FACTS[number]
        account.hear(10, at, fact)
    points = {"a": 0, "b": 0, "c": 7}
    earned = {order.order_id: order.points() for order in account.state.orders}
    assert (earned, account.balance) == (points, 7)
    assert account.retracts == []
    seen = [fact for _, fact in FACTS if isinstance(fact, PurchaseReturned)]
    assert len(account.state.names) == 14 * (3 + len(seen))


def test_of_two_accounts_of_a_return_that_wait_the_first_that_can_be_holds() -> None:
    wrong = PurchaseReturned(order_id="o", return_id="r", refund=Money(amount=4_000, currency="USD"))
    right, later = went_back("o", "r", 4_000), went_back("o", "r", 5_000)
    for order in ((wrong, right, right, later), (right, wrong, later)):
        account = Account(PLAIN)
        for data in order:
            account.apply(day(0), data)
        account.apply(day(1), bought("o", 10_000))
        assert account.balance == 60
        codes = {r.event.data.refund: r.code for r in account.retracts}
        assert codes.get(wrong.refund) in ("currency_mismatch", "duplicate_return")
        assert codes.get(later.refund) == "duplicate_return"
        assert right.refund not in codes
        account.apply(day(2), right)
        with pytest.raises(RefusedError, match="duplicate_return"):
            account.apply(day(2), later)
        assert account.balance == 60


def test_what_waited_and_is_set_aside_keeps_its_extensions() -> None:
    worker = InMemoryWorker(handler(SETTINGS), now=START)
    more = {"partner": "acme", "attempt": 2}
    back = Event("r-1", "/psp", "c-1", START, went_back("o", "r", 20_000), extensions=more)
    worker.send(back)
    worker.tell("c-1", bought("o", 10_000))
    ahead = Event(
        "r-2", "/psp", "c-1", START + timedelta(hours=9), went_back("p", "r", 2_000), extensions=more
    )
    worker.send(ahead)
    worker.tell("c-1", bought("p", 1_000))
    letters = [letter.event.extensions for letter in worker.dead_letters]
    assert letters == [more, more]
