"""Tiers: reached at once, held for their days, renewed or lost at their end."""

from shared.schemas.loyalty import TierAtRisk, TierChanged

from .account import Account, day

MICROSECOND = 1 / 86_400_000_000


def changes(account: Account) -> list[tuple[str, str, str]]:
    return [
        (f"{(time - day(0)).total_seconds() / 86_400:g}", fact.from_, fact.to)
        for time, fact in account.facts
        if isinstance(fact, TierChanged)
    ]


def test_the_tier_held_before_a_purchase_gives_its_multiplier() -> None:
    account = Account()
    account.buy(0, 30_000)
    assert (account.balance, account.tier) == (300, "silver")
    account.buy(1, 70_000)
    assert (account.balance, account.tier) == (300 + 875, "gold")
    account.buy(2, 200_000)
    assert (account.balance, account.tier) == (1175 + 3000, "vip")
    account.buy(3, 100)
    assert account.balance == 4177
    assert changes(account) == [("0", "bronze", "silver"), ("1", "silver", "gold"), ("2", "gold", "vip")]


def test_a_change_says_whether_it_is_a_rise_or_a_fall() -> None:
    account = Account()
    account.buy(0, 100_000)
    account.buy(200, 40_000)
    account.advance(800)
    told = [(fact.from_, fact.to, fact.direction) for fact in account.emitted(TierChanged)]
    assert told == [("bronze", "gold", "up"), ("gold", "silver", "down"), ("silver", "bronze", "down")]


def test_spend_counts_after_365_days_back_and_up_to_now() -> None:
    account = Account()
    account.buy(0, 20_000)
    account.buy(365, 10_000)
    assert account.tier == "bronze"
    account = Account()
    account.buy(0, 20_000)
    account.buy(365 - MICROSECOND, 10_000)
    assert account.tier == "silver"


def test_a_tier_ends_before_a_purchase_at_that_instant() -> None:
    account = Account()
    account.buy(0, 30_000)
    account.buy(365, 1_000)
    assert account.ledger[-1]["points"] == 10
    assert changes(account) == [("0", "bronze", "silver"), ("365", "silver", "bronze")]
    account = Account()
    account.buy(0, 30_000)
    account.buy(365 - MICROSECOND, 1_000)
    assert account.ledger[-1]["points"] == 12


def test_a_tier_is_renewed_where_spend_still_reaches_it() -> None:
    account = Account()
    account.buy(0, 30_000)
    account.buy(200, 30_000)  # reached again: no new period
    account.advance(365)
    assert account.state.periods[-1].start == account.state.periods[-2].end
    account.advance(730 - MICROSECOND)
    assert account.tier == "silver"
    account.advance(730)
    assert account.tier == "bronze"
    assert changes(account) == [("0", "bronze", "silver"), ("730", "silver", "bronze")]


def test_a_fall_goes_to_what_spend_supports_for_as_long() -> None:
    account = Account()
    account.buy(0, 300_000)
    account.buy(100, 50_000)
    account.advance(1000)
    assert changes(account) == [("0", "bronze", "vip"), ("365", "vip", "silver"), ("730", "silver", "bronze")]


def test_a_return_lowers_spend_but_keeps_the_tier_to_its_end() -> None:
    account = Account()
    account.buy(0, 30_000, "a")
    account.buy(10, 40_000, "b")
    account.give_back(11, "b", 40_000)
    assert account.tier == "silver"
    assert account.view(12).spend == 30_000
    account.advance(365)
    assert account.tier == "bronze"


def test_the_warning_names_the_spend_still_needed() -> None:
    account = Account()
    account.buy(0, 30_000)
    account.buy(100, 12_345)
    account.advance(335 - MICROSECOND)
    assert account.emitted(TierAtRisk) == []
    account.advance(335)
    [risk] = account.emitted(TierAtRisk)
    assert (risk.tier, risk.ends_at, risk.spend_needed.amount) == ("silver", day(365), 17_655)
    account.buy(340, 17_655)
    account.advance(400)
    assert account.tier == "silver"
    assert len(account.emitted(TierAtRisk)) == 1


def test_a_late_purchase_takes_the_tier_of_its_own_time() -> None:
    account = Account()
    account.buy(0, 30_000)
    account.advance(400)
    account.buy(500, 1_000)
    account.buy(100, 1_000)
    assert account.ledger[-2]["points"] == 12
    assert account.entries()[-1] == ("expired", -12)
    account.buy(600, 1_000)
    assert account.ledger[-1]["points"] == 10


def test_a_late_purchase_raises_the_tier_from_its_own_time() -> None:
    account = Account()
    account.buy(0, 20_000)
    account.buy(100, 1_000)
    account.buy(50, 10_000)
    assert changes(account) == [("50", "bronze", "silver")]
    account.buy(101, 1_000)
    assert account.ledger[-1]["points"] == 12
    account.advance(415 - MICROSECOND)
    assert account.tier == "silver"
    account.advance(415)
    assert account.tier == "bronze"


def test_a_late_rise_gives_way_to_a_higher_tier_and_fills_the_past() -> None:
    account = Account()
    account.buy(0, 20_000)
    account.buy(100, 100_000)  # gold to day 465
    account.buy(50, 15_000)  # silver from day 50 to 100
    assert account.tier == "gold"
    account.buy(60, 1_000)
    assert account.ledger[-1]["points"] == 12
    account.buy(1000, 100)
    account.buy(40, 300_000)  # vip from day 40 on, long over
    account.buy(200, 1_000)
    assert account.ledger[-2]["points"] == 20
    assert (account.tier, account.view(1000).tier) == ("bronze", "bronze")


def test_the_next_tier_says_what_is_missing() -> None:
    account = Account()
    account.buy(0, 10_000)
    seen = account.view(1)
    assert (seen.next_tier, seen.spend_needed, seen.tier_ends_at) == ("silver", 20_000, None)
    account.buy(1, 290_000)
    assert account.view(1).next_tier is None
