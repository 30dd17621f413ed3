"""Why each entry is what it is, for every kind."""

from fractions import Fraction
from math import floor
from typing import Any

from hypothesis import given, settings

from services.loyalty.domain.reports.explain import explain
from services.loyalty.domain.reports.explanation import Explanation, Step
from services.loyalty.domain.reports.history import lots, pending_row
from services.loyalty.domain.rows import LedgerRow, ledger_row
from services.loyalty.domain.state import read_terms
from shared.schemas.commands.loyalty import ReferralBonusRequested, ReferralRewardRequested
from shared.schemas.customers import CustomerRegistered

from .account import PLAIN, RETAIL, Account, day
from .test_campaigns import DOUBLE, item, program
from .test_properties import EXAMPLES, QUICK, play, steps
from .test_properties import Step as Move


def told(account: Account, row: Any = -1) -> Explanation:
    """Of an entry: its place in the ledger, its document, or a row of none."""
    if not isinstance(row, LedgerRow):
        row = ledger_row(account.ledger[row] if isinstance(row, int) else row)
    found = {lot.key: lot for lot in lots(map(ledger_row, account.ledger), account.state.pending)}
    return explain(row, found, account.programs)


def step(found: Explanation, rule: str) -> Step:
    (one,) = [step for step in found.steps if step.rule == rule]
    return one


def test_a_purchase_names_tier_rate_formula_and_rounding() -> None:
    account = Account()
    account.buy(0, 30_000)
    account.buy(1, 12_999, "o-2", currency="USD")
    found = told(account)
    assert [one.rule for one in found.steps] == ["tier", "rate", "formula", "rounding", "validity"]
    assert step(found, "tier").numbers == {"tier": "silver", "program": "retail"}
    assert step(found, "rate").numbers == {
        "award": "1/80",
        "currency": "USD",
        "points": 1,
        "per": 100,
        "multiplier": "1.25",
        "currency_rate": "1",
    }
    assert step(found, "formula").numbers == {"total": 12_999, "award": "1/80", "exact": "12999/80"}
    assert step(found, "rounding").numbers == {"exact": "12999/80", "points": 162}
    assert step(found, "validity").numbers == {
        "earned_at": "2025-01-02T00:00:00Z",
        "available_at": "2025-01-02T00:00:00Z",
        "expires_at": "2026-01-02T00:00:00Z",
    }
    assert found.sentence == (
        "162 points for order o-2 over 129.99 USD, at 1/80 of a point per minor unit, as silver, "
        "good until 2026-01-02."
    )


def test_a_rate_is_told_whole_when_the_file_has_changed_since() -> None:
    account = Account()
    account.buy(0, 1_000)
    account.program = RETAIL.model_copy(update={"earn": RETAIL.earn.model_copy(update={"per": 50})})
    assert step(told(account), "rate").numbers == {"award": "1/100", "currency": "EUR"}


def test_points_that_wait_are_explained_too_and_what_a_return_took_of_them() -> None:
    account = Account(QUICK)
    account.buy(0, 8_000, "a")
    account.give_back(1, "a", 4_000)
    found = told(account, pending_row(account.state.pending[0]))
    assert step(found, "returned").numbers == {"points": 40}
    assert step(found, "validity").numbers["available_at"] == "2025-01-04T00:00:00Z"


def test_a_debt_is_paid_first() -> None:
    account = Account()
    account.buy(0, 10_000, "a")
    account.redeem(1)
    account.give_back(2, "a", 10_000)
    reversed_ = told(account)
    assert step(reversed_, "sources").numbers == {"own": 0, "others": 0, "debt": 100}
    assert "100 points of them are owed" in reversed_.sentence
    account.buy(3, 6_000)
    assert step(told(account), "debt").numbers == {"points": 60}


def test_a_campaign_names_itself_its_effect_and_its_stacking() -> None:
    effects = ({"multiplier": 1.5}, {"bonus": 20}, {"points_per_line": 3})
    for effect, number in zip(effects, ("1.5", 20, 3), strict=True):
        account = Account(program({"effect": effect}))
        account.buy(1, 1_000, "o", items=[item("green", 1_000)])
        found = told(account)
        assert [one.rule for one in found.steps] == ["campaign", "effect", "stacking", "validity"]
        assert list(step(found, "effect").numbers.items()) == [(next(iter(effect)), number)]
        assert step(found, "campaign").numbers["campaign"] == "c0"
        assert step(found, "stacking").numbers == {"stacking": "best"}
        assert "by Campaign 0" in found.sentence


def test_a_campaigns_limits_are_mentioned_where_it_gave_less() -> None:
    account = Account(program({"effect": {"bonus": 20}, "cap": 5}))
    account.buy(1, 1_000)
    assert "left fewer" in step(told(account), "effect").detail


def test_a_return_says_what_is_kept_and_whose_points_went() -> None:
    account = Account(program(DOUBLE))
    account.buy(0, 5_000, "early")
    account.buy(1, 10_000, "a")  # 100, and 100 by the campaign
    account.redeem(2)  # 50 + 50 of early
    account.redeem(3)  # 100 of a
    account.give_back(4, "a", 10_000, "r-9")
    found = told(account)
    assert step(found, "return").numbers == {"return_id": "r-9", "refund": 10_000, "left": 0}
    assert step(found, "keeps").numbers == {
        "left": 0,
        "award": "1/100",
        "before": 100,
        "keeps": 0,
        "lost": 100,
    }
    assert step(found, "campaigns").numbers == {"lost": 100}
    assert step(found, "sources").numbers == {"own": 100, "others": 0, "debt": 100}


def test_a_redemption_names_its_lots_in_order_of_expiry() -> None:
    account = Account()
    account.buy(1, 6_000, "b")
    account.buy(0, 6_000, "a")
    account.redeem(2)
    found = told(account)
    assert found.steps[0].numbers == {"reward_id": "free-delivery", "cost": 100}
    taken = [one.numbers for one in found.steps if one.rule == "lot"]
    ids = {row["order_id"]: row["_id"] for row in account.ledger if row["kind"] == "earned"}
    assert [(one["entry_id"], one["points"]) for one in taken] == [(ids["a"], -60), (ids["b"], -40)]
    assert [one["expires_at"] for one in taken] == ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]


def test_what_is_given_back_and_what_expires() -> None:
    account = Account()
    account.buy(0, 10_000)
    account.cancel(2, account.redeem(1))
    found = told(account)
    assert [one.rule for one in found.steps] == ["cancelled", "lot"]
    assert found.steps[1].numbers["points"] == 100
    account.advance(365)
    found = told(account)
    assert step(found, "expiry").numbers == {
        "earned": 100,
        "earned_at": "2025-01-01T00:00:00Z",
        "expires_at": "2026-01-01T00:00:00Z",
    }
    assert found.sentence == "100 points of the 100 earned on 2025-01-01 were not used in time."


def test_gifts_say_what_for() -> None:
    account = Account(RETAIL.model_copy(update={"welcome_bonus": 30}))
    account.apply(day(0), CustomerRegistered(name="Ada", birthday="--01-05"))
    account.buy(1, 10_000)
    assert step(told(account, 0), "welcome").numbers == {"program": "retail", "points": 30}
    account.advance(5)
    assert step(told(account), "birthday").numbers == {"program": "retail", "points": 50}
    account.advance(400 + 365)
    (second,) = [r for r in account.ledger if r.get("why", {}).get("years") == 2]
    assert step(told(account, second), "anniversary").numbers == {"years": 2, "each": 100, "points": 200}
    assert told(account, second).sentence.startswith("200 points for 2 years as a member, good until")


def test_referrals_name_the_other_side() -> None:
    account = Account()
    account.buy(0, 1_000)
    account.apply(day(1), ReferralRewardRequested(friend="cust-9", order_id="o-9"))
    numbers = {"friend": "cust-9", "order_id": "o-9", "program": "retail", "points": 250}
    assert step(told(account), "referral").numbers == numbers
    account.apply(day(1), ReferralBonusRequested(referrer="cust-8", points=250))
    assert step(told(account), "referral").numbers == {
        "referrer": "cust-8",
        "program": "retail",
        "points": 250,
    }


def test_compensations_and_corrections() -> None:
    account = Account()
    account.compensate(0, 40)
    assert step(told(account), "compensation").numbers == {"complaint_id": "c-1"}
    account.adjust(1, 10)
    assert told(account).sentence == "10 points given by hand: by hand, good until 2026-01-02."
    account.adjust(2, -45)
    assert told(account).sentence == "45 points taken by hand: by hand."
    assert [one.numbers["points"] for one in told(account).steps if one.rule == "lot"] == [-40, -5]


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps)
def test_every_entry_has_an_explanation_that_adds_up(history: list[Move]) -> None:
    for played in (PLAIN, QUICK):
        account = Account(played)
        play(account, history)
        account.advance(1_000)
        for row in account.ledger:
            found = told(account, row)
            assert found.sentence.endswith(".")
            assert sum(int(s.numbers["points"]) for s in found.steps if s.rule == "lot") == (
                sum(lot["points"] for lot in row["lots"])
                if row["points"] < 0 or row["kind"] == "restored"
                else 0
            )
            if row["kind"] == "reversed":
                sources = step(found, "sources").numbers
                assert sum(int(n) for n in sources.values()) == -row["points"]
            if row.get("why", {}).get("rule") == "purchase":
                total, award = row["why"]["total"], read_terms(row["why"]["terms"]).award
                rounded = step(found, "rounding").numbers["points"]
                assert rounded == floor(total * Fraction(award))
                gone = sum(int(s.numbers["points"]) for s in found.steps if s.rule == "returned")
                assert row["points"] == int(rounded) - gone
