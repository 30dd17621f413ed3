"""Who is a member from when, what that says of purchases, and what is told of it."""

from itertools import permutations
from typing import Any

import pytest

from services.loyalty.domain.waiting import MOST_EARLY
from shared.schemas.base import Data
from shared.schemas.commands.loyalty import MemberEnrolRequested
from shared.schemas.customers import CustomerUpdated
from shared.schemas.feedback import ReferralMade
from shared.schemas.loyalty import MemberEnrolled, RewardAvailable, TierChanged

from .account import PLAIN, Account, day
from .facts import bought, went_back

EXPLICIT = PLAIN.model_copy(update={"enrolment": "explicit"})


def told(**fields: Any) -> Data:
    return CustomerUpdated.model_validate(fields)


def test_the_tier_is_told_with_the_enrolment() -> None:
    account = Account(PLAIN)
    account.apply(day(0), bought("o-1", 100))
    account.apply(day(1), bought("o-2", 100))
    assert account.emitted(MemberEnrolled) == [MemberEnrolled(channel="web", tier="bronze")]


@pytest.mark.parametrize(("tier", "again"), [(None, True), ("gold", True), ("bronze", False)])
def test_an_enrolment_of_an_outside_system_is_told_with_the_tier(tier: str | None, again: bool) -> None:
    account = Account(EXPLICIT)
    account.apply(day(0), MemberEnrolled(channel="app", tier=tier))
    expected = [MemberEnrolled(channel="app", tier="bronze")] if again else []
    assert account.emitted(MemberEnrolled) == expected


HISTORY: list[tuple[float, Data]] = [
    (1, bought("before", 10_000)),
    (2, MemberEnrolled()),
    (3, bought("after", 20_000)),
    (4, went_back("after", "r-1", 5_000)),
    (5, went_back("before", "r-2", 1_000)),
]


def test_what_was_bought_before_joining_does_not_earn_whatever_is_heard_first() -> None:
    for order in permutations(HISTORY):
        account = Account(EXPLICIT)
        for at, fact in order:
            account.hear(10, at, fact)
            account.hear(10, at, fact)
        assert account.balance == 150
        assert [known.order_id for known in account.state.orders] == ["after"]
        assert (account.state.early, account.view(10).spend) == ((), 15_000)


def test_a_return_of_what_never_counted_is_no_dead_letter() -> None:
    account = Account(EXPLICIT)
    account.apply(day(1), bought("given-up", 1_000))
    account.apply(day(40), bought("before", 1_000))
    account.apply(day(41), went_back("before", "r-1", 100))
    account.apply(day(42), MemberEnrolled())
    for order in ("given-up", "before"):
        account.apply(day(43), went_back(order, "r-2", 1_000))
    assert (account.balance, account.retracts) == (0, [])


def test_what_is_bought_at_the_instant_of_joining_earns() -> None:
    account = Account(EXPLICIT)
    account.apply(day(1), bought("o", 10_000))
    account.apply(day(1), MemberEnrolled())
    assert account.balance == 100


def test_joining_by_the_api_answers_with_what_counted_then() -> None:
    account = Account(EXPLICIT)
    account.advance(1)
    account.hear(1, 0.5, bought("o", 10_000))
    account.hear(1, 1, bought("p", 10_000))
    assert account.hear(1, 1, MemberEnrolRequested()).body["balance"] == 100


def test_purchases_of_no_member_are_kept_for_a_while_and_not_without_number() -> None:
    account = Account(EXPLICIT)
    for number in range(60):
        account.apply(day(number / 100), bought(f"o-{number}", 100))
    assert len(account.state.early) == MOST_EARLY
    account.apply(day(40), bought("late", 100))
    assert len(account.state.early) == 1


def test_a_purchase_whose_return_was_known_lifts_no_tier_and_brings_no_news() -> None:
    account = Account(PLAIN)
    account.apply(day(0), bought("base", 9_000))
    account.apply(day(2), went_back("o", "r", 100_000))
    account.apply(day(1), bought("o", 100_000))
    assert account.emitted(TierChanged) == account.emitted(RewardAvailable) == []
    assert (account.tier, account.balance) == ("bronze", 90)
    account.apply(day(4), went_back("p", "r", 70_000))
    account.apply(day(3), bought("p", 100_000))  # what is left lifts to silver, not gold
    assert [fact.to for fact in account.emitted(TierChanged)] == ["silver"]


def test_nor_does_it_ask_for_a_referrals_reward() -> None:
    account = Account()
    account.hear(0, 0, ReferralMade(referred_customer="cust-2"))
    (_, at, note) = account.passed_on[0]
    friend = Account(customer="cust-2")
    friend.apply(at, note)
    friend.apply(day(2), went_back("o", "r", 10_000))
    friend.apply(day(1), bought("o", 10_000))
    assert friend.passed_on == []
    friend.apply(day(3), bought("p", 10_000))
    assert len(friend.passed_on) == 1


# The profile: one fold, field by field


def test_an_update_of_the_name_keeps_the_birthday() -> None:
    account = Account(PLAIN)
    account.apply(day(0), bought("o", 100))
    account.apply(day(1), told(name="A", birthday="--01-20", timezone="Europe/Paris", segment="x"))
    account.apply(day(2), told(name="B"))
    account.advance(30)
    assert ("earned", 50) in account.entries()


def test_an_older_profile_fills_what_no_later_one_told() -> None:
    account = Account(PLAIN)
    account.advance(9)
    account.hear(9, 0, bought("o", 100))
    account.hear(9, 5, told(name="A", segment="late"))
    account.hear(9, 4, told(name="A", segment="early", birthday="--01-20"))
    assert {field: known.value for field, known in account.state.profile.items()} == {
        "segment": "late",
        "birthday": "--01-20",
    }
    account.advance(30)
    assert ("earned", 50) in account.entries()


def test_null_clears() -> None:
    account = Account(PLAIN)
    account.apply(day(0), bought("o", 100))
    account.apply(day(1), told(birthday="--01-20"))
    account.apply(day(2), told(birthday=None))
    account.advance(30)
    assert account.entries() == [("earned", 1)]
