"""Campaigns: when they hold, what they give, how they stack, and what a return leaves of them."""

from collections import Counter
from typing import Any

import pytest
import yaml

from services.loyalty.config import DEFAULT, parse
from services.loyalty.domain.program.program import Program
from shared.runtime.config import ConfigError
from shared.schemas.customers import CustomerUpdated
from shared.schemas.insights import SegmentChanged

from .account import PLAIN, Account, day

WINDOW = {"from": day(0).date(), "until": day(100).date()}


def program(*campaigns: dict[str, Any], **more: Any) -> Program:
    document = PLAIN.model_dump(by_alias=True) | more
    document["campaigns"] = [
        {"id": f"c{number}", "name": f"Campaign {number}", **WINDOW, **campaign}
        for number, campaign in enumerate(campaigns)
    ]
    return Program.model_validate(document)


def item(sku: str, cents: int, quantity: int = 1, category: str | None = None) -> dict[str, Any]:
    price = {"amount": cents, "currency": "EUR"}
    return {"sku": sku, "quantity": quantity, "unit_price": price, "category": category}


def given(account: Account) -> list[tuple[str, int]]:
    return [(row["reason"], row["points"]) for row in account.ledger]


DOUBLE = {"effect": {"multiplier": 2}}


def test_a_multiplier_multiplies_what_the_tier_gives_and_rounds_once() -> None:
    account = Account(program(DOUBLE))
    account.buy(0, 30_000)
    account.buy(1, 150)  # silver: 1.5 x 1.25 = 1.875 -> 1; doubled 3.75 -> 3
    assert given(account) == [
        ("purchase", 300),
        ("campaign c0", 300),
        ("purchase", 1),
        ("campaign c0", 2),
    ]


def test_the_window_is_from_its_first_instant_until_before_its_last() -> None:
    account = Account(program(DOUBLE))
    for at in (-0.001, 0, 99.999, 100):
        account.buy(at, 100)
    assert [points for reason, points in given(account) if reason == "purchase"] == [1, 1, 1, 1]
    assert [reason for reason, _ in given(account)].count("campaign c0") == 2


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({"channels": ["web", "app"]}, True),
        ({"channels": ["store"]}, False),
        ({"stores": ["s-1"]}, True),
        ({"stores": ["s-2"]}, False),
        ({"tiers": ["bronze"]}, True),
        ({"tiers": ["gold", "vip"]}, False),
        ({"segments": ["families"]}, True),
        ({"segments": ["students"]}, False),
        ({"minimum_total": 1_000}, True),
        ({"minimum_total": 1_001}, False),
        ({"first_purchase": True}, False),
        ({"categories": ["tea"]}, True),
        ({"categories": ["coffee"]}, False),
        ({"skus": ["green"]}, True),
        ({"skus": ["green"], "categories": ["coffee"]}, False),
        ({"skus": ["green"], "channels": ["store"]}, False),
    ],
)
def test_every_condition_that_is_given_must_hold(when: dict[str, Any], holds: bool) -> None:
    account = Account(program({"when": when, "effect": {"bonus": 7}}))
    account.apply(day(0), CustomerUpdated(name="A", segment="families"))
    account.buy(0, 0)  # earns nothing and is nobody's first purchase
    account.buy(1, 500, items=[item("black", 500)], channel="phone", store_id="s-9")
    account.buy(2, 1_000, items=[item("green", 1_000, category="tea")], store_id="s-1")
    bonuses = [(row["at"], row["points"]) for row in account.ledger if row["reason"] == "campaign c0"]
    assert ((day(2), 7) in bonuses) is holds


@pytest.mark.parametrize(("named", "holds"), [(None, True), ("families", False)])
def test_metrics_say_the_segment_where_the_profile_names_none(named: str | None, holds: bool) -> None:
    account = Account(program({"when": {"segments": ["loyal"]}, "effect": {"bonus": 7}}))
    account.apply(day(0), CustomerUpdated(name="A", segment=named))
    account.apply(day(2), SegmentChanged(to="loyal"))
    account.apply(day(1), SegmentChanged(to="new"))  # heard late
    account.buy(3, 1_000)
    assert (("campaign c0", 7) in given(account)) is holds


def test_the_first_purchase_is_the_first_above_zero() -> None:
    account = Account(program({"when": {"first_purchase": True}, "effect": {"bonus": 50}}))
    account.buy(0, 0)
    account.buy(1, 100)
    account.buy(2, 100)
    assert given(account) == [("purchase", 1), ("campaign c0", 50), ("purchase", 1)]


def test_a_multiplier_on_a_category_counts_its_lines_alone() -> None:
    account = Account(program({"when": {"categories": ["tea"]}, "effect": {"multiplier": 3}}))
    basket = [item("green", 500, 2, "tea"), item("kettle", 4_000, 1, "ware")]
    account.buy(0, 5_000, items=basket)
    assert given(account) == [("purchase", 50), ("campaign c0", 20)]
    # Of a discounted basket no more than was paid counts.
    account.buy(1, 300, items=basket)
    assert given(account)[2:] == [("purchase", 3), ("campaign c0", 6)]


def test_points_per_line_count_the_lines_that_match() -> None:
    account = Account(program({"when": {"categories": ["tea"]}, "effect": {"points_per_line": 5}}))
    basket = [item("green", 500, 2, "tea"), item("black", 400, 1, "tea"), item("kettle", 4_000)]
    account.buy(0, 5_400, "o", items=basket)
    assert given(account)[-1] == ("campaign c0", 10)
    account.give_back(1, "o", 500, items=[{"sku": "green", "quantity": 1}])
    assert given(account)[-1] == ("return", -5)  # of the base alone: a green tea is still there
    account.give_back(2, "o", 500, items=[{"sku": "green", "quantity": 1}])
    assert given(account)[-1] == ("return", -10)  # 5 of the base, 5 of the line


def test_lines_of_one_product_lose_their_units_one_after_the_other() -> None:
    account = Account(program({"when": {"categories": ["tea"]}, "effect": {"points_per_line": 5}}))
    account.buy(0, 1_500, "o", items=[item("green", 500, 2, "tea"), item("green", 500, 1, "tea")])
    account.give_back(1, "o", 500, items=[{"sku": "green", "quantity": 2}])
    assert given(account)[-1] == ("return", -10)  # 5 of the base, 5 of the first line
    account.give_back(2, "o", 500, items=[{"sku": "green", "quantity": 1}])
    assert given(account)[-1] == ("return", -10)


def test_when_all_the_money_is_back_nothing_is_kept_whatever_lines_were_named() -> None:
    account = Account(program({"effect": {"points_per_line": 5}}))
    account.buy(0, 1_500, "o", items=[item("green", 1_500)])
    account.give_back(1, "o", 1_500)
    assert (given(account)[-1], account.balance) == (("return", -20), 0)


def test_best_gives_the_one_that_gives_most_and_sum_gives_all() -> None:
    campaigns: tuple[dict[str, Any], ...] = (
        {"effect": {"bonus": 30}, "priority": 5},
        {"effect": {"multiplier": 1.5}},
        {"effect": {"multiplier": 2}, "priority": 1},
    )
    best, all_of_them = Account(program(*campaigns)), Account(program(*campaigns, stacking="sum"))
    for account in (best, all_of_them):
        account.buy(0, 5_000)
        account.buy(1, 1_000)
    assert given(best) == [("purchase", 50), ("campaign c2", 50), ("purchase", 10), ("campaign c0", 30)]
    assert given(all_of_them)[:4] == [
        ("purchase", 50),
        ("campaign c0", 30),
        ("campaign c2", 50),
        ("campaign c1", 25),
    ]


def test_of_equals_the_higher_priority_wins() -> None:
    account = Account(program({"effect": {"bonus": 30}}, {"effect": {"bonus": 30}, "priority": 1}))
    account.buy(0, 100)
    assert given(account)[-1] == ("campaign c1", 30)


def test_a_cap_holds_for_a_member_and_a_budget_for_all() -> None:
    counters: Counter[str] = Counter()
    limited = program({"effect": {"bonus": 30}, "cap": 50, "budget": 90})
    one, two = Account(limited, counters=counters), Account(limited, counters=counters, customer="cust-2")
    one.buy(0, 1_000, "a")
    one.buy(1, 1_000)
    one.buy(2, 1_000)
    assert [p for reason, p in given(one) if reason != "purchase"] == [30, 20]
    two.buy(3, 1_000)
    two.buy(4, 1_000)
    assert [p for reason, p in given(two) if reason != "purchase"] == [30, 10]
    assert counters["budget:c0"] == 90
    one.give_back(5, "a", 1_000)  # what is taken back can be given again
    assert counters["budget:c0"] == 60
    one.buy(6, 1_000)
    assert given(one)[-1] == ("campaign c0", 30)


def test_a_return_keeps_the_share_of_a_bonus_and_the_product_of_a_multiplier() -> None:
    account = Account(program(DOUBLE, {"effect": {"bonus": 10}}, stacking="sum"))
    account.buy(0, 999, "o")
    assert given(account) == [("purchase", 9), ("campaign c0", 10), ("campaign c1", 10)]
    account.give_back(1, "o", 333)  # 6.66 x 2 -> 13 of 19, 10 x 666 / 999 -> 6 of 10
    assert given(account)[-1] == ("return", -10)
    account.give_back(2, "o", 666)
    assert account.balance == 0


def test_a_return_before_its_purchase_takes_from_the_campaign_too() -> None:
    account = Account(program(DOUBLE))
    account.give_back(2, "o", 400)
    account.buy(1, 1_000, "o")
    assert (account.balance, account.retracts) == (12, [])


def test_a_campaign_of_a_zero_total_gives_nothing() -> None:
    account = Account(program({"effect": {"bonus": 30}}))
    account.buy(0, 0)
    assert account.ledger == []


@pytest.mark.parametrize(
    ("campaign", "error"),
    [
        ({"effect": {"multiplier": -2}}, "campaigns[0].effect.multiplier: must be greater than 0"),
        ({"effect": {"multiplier": 1}}, "campaigns[0].effect.multiplier: must be greater than 1"),
        ({"effect": {}}, "campaigns[0].effect: must be one of multiplier, bonus, points_per_line"),
        ({"effect": {"bonus": 1, "multiplier": 2}}, "campaigns[0].effect: must be one of"),
        ({"until": day(0).date(), **DOUBLE}, "campaigns[0].until: must be after from"),
        ({"when": {"tiers": ["best"]}, **DOUBLE}, "campaigns[0].when.tiers[0]: is no tier of this program"),
        ({"when": {"hour": 3}, **DOUBLE}, "campaigns[0].when.hour: is not a known field"),
        ({"budget": 0, **DOUBLE}, "campaigns[0].budget: must be greater than or equal to 1"),
        ({"from": "yesterday", **DOUBLE}, "campaigns[0].from: must be a valid datetime"),
    ],
)
def test_a_bad_campaign_is_named_by_its_path(campaign: dict[str, Any], error: str) -> None:
    document = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    document["campaigns"] = [{"id": "c", "name": "C", **WINDOW, **campaign}]
    with pytest.raises(ConfigError) as caught:
        parse(yaml.safe_dump(document))
    assert str(caught.value).startswith(error)
