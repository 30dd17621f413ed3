"""A program changes: what happens is judged by the version in force at its time."""

import pytest

from services.loyalty.config import DEFAULT, parse
from shared.runtime.config import ConfigError

from .account import Account, day

FIRST = (
    "{name: shop, currency: EUR, rates: {EUR: 1}, tiers: [{name: base, spend: 0}, {name: top, spend: 10000}]"
)
TWO = (
    FIRST
    + ", rewards: [{id: tea, name: Tea, cost: 10}]}\n---\n"
    + FIRST.replace("10000", "50000")
    + ", effective_from: 2025-02-01, earn: {points: 2, per: 100, expire_days: 30},"
    " rewards: [{id: tea, name: Tea, cost: 25}]}\n"
)
BEFORE, AFTER = 30.999, 31  # 1 February 2025 is day 31


def test_a_purchase_is_judged_by_the_version_of_its_time() -> None:
    account = Account(parse(TWO))
    account.buy(AFTER, 1_000, "new")
    account.buy(BEFORE, 1_000, "old")  # late: the old version holds for it
    assert [(row["order_id"], row["points"]) for row in account.ledger] == [("new", 20), ("old", 10)]
    assert [row["expires_at"] for row in account.ledger] == [day(61), day(BEFORE + 365)]
    assert account.ledger[0]["why"]["program"] == "shop 2025-02-01"
    account.give_back(60, "old", 500)
    assert account.ledger[-1]["points"] == -5  # by the award of that purchase


def test_tiers_and_rewards_go_by_the_version_of_their_instant() -> None:
    account = Account(parse(TWO))
    account.buy(0, 10_000)
    assert account.tier == "top"
    account.redeem(BEFORE, "tea")
    assert account.balance == 90
    account.redeem(AFTER, "tea")
    assert account.balance == 65
    account.buy(364, 40_000)  # the end, on day 365, asks for 50,000 now
    account.advance(366)
    assert account.tier == "base"


def test_before_the_first_version_the_first_holds() -> None:
    programs = parse(FIRST + ", effective_from: 2025-01-10}")
    account = Account(programs)
    account.buy(0, 1_000)
    assert account.balance == 10


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("effective_from: 2025-02-01, ", "", "versions[1].effective_from: is missing"),
        ("currency: EUR, rates: {EUR: 1}, tiers: [{name: base, spend: 0}, {name: top, spend: 5",
         "currency: USD, rates: {USD: 1}, tiers: [{name: base, spend: 0}, {name: top, spend: 5",
         "versions[1].currency: must be EUR"),
        ("2025-02-01", "2025-02-30", "versions[1]: effective_from: must be a valid date"),
        ("2025-02-01", "2025-02-01T10:00:00", "versions[1]: effective_from: must be a date, or a time with"),
        ("2025-02-01", "20250201", "versions[1]: effective_from: must be a date"),
        ("points: 2", "points: 0", "versions[1]: earn.points: must be greater than or equal to 1"),
    ],
)  # fmt: skip
def test_versions_that_do_not_follow_are_named(old: str, new: str, error: str) -> None:
    assert old in TWO
    with pytest.raises(ConfigError) as caught:
        parse(TWO.replace(old, new, 1))
    assert str(caught.value).startswith(error)


def test_versions_must_rise() -> None:
    text = TWO + "---\n" + FIRST + ", effective_from: 2025-01-15T00:00:00Z}"
    with pytest.raises(ConfigError, match=r"versions\[2\].effective_from: must be after that of the version"):
        parse(text)


def test_the_example_of_campaigns_is_the_retail_program_with_campaigns() -> None:
    (retail,) = parse(DEFAULT.read_text(encoding="utf-8")).versions
    (example,) = parse((DEFAULT.parent / "campaigns.yaml").read_text(encoding="utf-8")).versions
    assert retail.campaigns == ()
    assert len(example.campaigns) >= 5
    assert example.model_copy(update={"campaigns": (), "name": "retail", "stacking": "best"}) == retail
