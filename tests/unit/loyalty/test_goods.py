"""Lines that are discounts or gifts, refunds a cent over, and goods that earn nothing."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.loyalty.config import parse
from services.loyalty.domain import rules
from services.loyalty.domain.goods import goods_of
from services.loyalty.domain.program.program import Program
from services.loyalty.domain.reports.explain import explain
from services.loyalty.domain.reports.history import lots
from services.loyalty.domain.rows import ledger_row
from shared.domain import RefusedError
from shared.runtime.config import ConfigError
from tests.examples import examples

from .account import PLAIN, Account, day
from .facts import Item, bought, went_back
from .test_campaigns import given as gave
from .test_campaigns import program

TEA: tuple[Item, ...] = (("green", "tea", 2, 500), ("black", "tea", 1, 400), ("kettle", "ware", 1, 4_000))


def net(*items: Item) -> dict[str, Fraction]:
    return {good.sku: good.amount for good in goods_of(bought("o", 0, items).items)}


def test_a_full_refund_a_cent_over_what_was_paid_takes_all_back() -> None:
    account = Account(PLAIN)
    account.apply(day(0), bought("o", 17_925, [("cup", "ware", 10, 1_792)]))
    assert account.balance == 179
    account.apply(day(1), went_back("o", "r", 17_926, cup=10))
    assert account.balance == 0
    row = ledger_row(account.ledger[-1])
    assert isinstance(row.why, rules.Return)
    assert (row.why.refund, row.why.over, row.why.left) == (17_926, 1, 0)
    told = explain(row, {lot.key: lot for lot in lots(map(ledger_row, account.ledger), ())}, account.programs)
    assert "0.01 EUR of it is more than was paid and does not count" in " ".join(s.detail for s in told.steps)


@pytest.mark.parametrize(("lines", "over", "taken"), [(1, 2, False), (2, 2, True), (3, 4, False)])
def test_a_minor_unit_a_line_is_borne_and_no_more(lines: int, over: int, taken: bool) -> None:
    for named in (True, False):  # the return's lines, or else the order's
        account = Account(PLAIN)
        goods = [(f"s-{n}", None, 1, 100) for n in range(lines)]
        account.apply(day(0), bought("o", 100 * lines, goods))
        units = {sku: 1 for sku, *_ in goods} if named else {}
        back = went_back("o", "r", 100 * lines + over, **units)
        if taken:
            account.apply(day(1), back)
            assert account.balance == 0
        else:
            with pytest.raises(RefusedError, match="refund_exceeds_total"):
                account.apply(day(1), back)


def test_a_discount_comes_off_its_sku_or_its_category_or_all() -> None:
    assert net(*TEA) == {"green": 1_000, "black": 400, "kettle": 4_000}
    assert net(*TEA, ("green", None, 1, -100))["green"] == 900
    assert net(*TEA, ("promo", "tea", 1, -140)) == {"green": 900, "black": 360, "kettle": 4_000}
    assert net(*TEA, ("promo", None, 1, -540)) == {"green": 900, "black": 360, "kettle": 3_600}
    assert net(*TEA, ("promo", "garden", 1, -540))["kettle"] == 3_600
    assert net(("green", "tea", 1, 100), ("green", "tea", 1, -300)) == {"green": 0}
    assert net(("sample", "tea", 3, 0), ("promo", None, 1, -5)) == {}


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y", None]), st.integers(1, 3),
                          st.integers(-200, 900)), max_size=6))  # fmt: skip
def test_goods_net_of_discounts_come_to_what_the_lines_come_to(items: list[Item]) -> None:
    goods = goods_of(bought("o", 0, items).items)
    total = sum(quantity * price for _, _, quantity, price in items)
    assert sum(good.amount for good in goods) >= max(total, 0) or not goods
    if all(good.amount > 0 for good in goods) and goods:
        assert sum(good.amount for good in goods) == total


def test_a_campaign_on_a_category_counts_its_goods_net_of_their_discounts() -> None:
    account = Account(program({"when": {"categories": ["tea"]}, "effect": {"multiplier": 3}}))
    account.apply(day(0), bought("o", 4_900, [*TEA, ("promo", "tea", 1, -500)]))
    assert gave(account) == [("purchase", 49), ("campaign c0", 18)]  # 2 x 9.00
    by_sku = Account(program({"when": {"skus": ["green"]}, "effect": {"multiplier": 3}}))
    by_sku.apply(day(0), bought("o", 5_200, [*TEA, ("green", "tea", 1, -200)]))
    assert gave(by_sku)[1] == ("campaign c0", 16)


def test_a_return_of_discounted_goods_takes_back_their_share() -> None:
    account = Account(program({"when": {"categories": ["tea"]}, "effect": {"multiplier": 3}}))
    account.apply(day(0), bought("o", 4_700, [*TEA, ("promo", "tea", 1, -700)]))  # half of the tea
    assert gave(account) == [("purchase", 47), ("campaign c0", 14)]
    account.apply(day(1), went_back("o", "r", 500, green=2))
    assert account.balance == 42 + 4  # black: 2.00 net, twice more


def test_discounts_and_gifts_are_no_lines() -> None:
    per_line = program({"effect": {"points_per_line": 5}})
    account = Account(per_line)
    account.apply(day(0), bought("o", 5_200, [*TEA, ("sample", "tea", 1, 0), ("promo", "tea", 1, -200)]))
    assert gave(account)[1] == ("campaign c0", 15)
    category = Account(program({"when": {"categories": ["tea"]}, "effect": {"bonus": 50}}))
    category.apply(day(0), bought("o", 3_900, [TEA[2], ("sample", "tea", 1, 0), ("x", "tea", 1, -100)]))
    assert gave(category) == [("purchase", 39)]


def test_a_sample_is_no_first_purchase_though_its_delivery_is_paid_for() -> None:
    account = Account(program({"when": {"first_purchase": True}, "effect": {"bonus": 50}}))
    account.apply(day(0), bought("o-1", 500, [("sample", "tea", 1, 0)]))
    account.apply(day(1), bought("o-2", 400, [TEA[1]]))
    assert gave(account) == [("purchase", 5), ("purchase", 4), ("campaign c0", 50)]


def test_a_gift_written_as_goods_with_their_whole_price_off_is_a_gift() -> None:
    gift: list[Item] = [("shoes", "shoes", 1, 5_000), ("shoes", "shoes", 1, -5_000)]
    per_line = Account(program({"effect": {"points_per_line": 5}}))
    per_line.apply(day(0), bought("o", 500, [*gift, ("lace", "ware", 1, 500)]))
    assert gave(per_line) == [("purchase", 5), ("campaign c0", 5)]
    category = Account(program({"when": {"categories": ["shoes"]}, "effect": {"bonus": 50}}))
    category.apply(day(0), bought("o", 500, [*gift, ("lace", "ware", 1, 500)]))
    assert gave(category) == [("purchase", 5)]
    first = Account(program({"when": {"first_purchase": True}, "effect": {"bonus": 50}}))
    first.apply(day(0), bought("o-1", 500, gift))  # its delivery is paid for
    first.apply(day(1), bought("o-2", 400, [TEA[1]]))
    assert gave(first) == [("purchase", 5), ("purchase", 4), ("campaign c0", 50)]


def test_nor_is_a_gift_card() -> None:
    account = Account(no_cards({"when": {"first_purchase": True}, "effect": {"bonus": 50}}))
    account.apply(day(0), bought("o-1", 5_500, [CARD]))  # and 5.00 to send it
    account.apply(day(1), bought("o-2", 9_000, [KETTLE]))
    assert gave(account) == [("purchase", 5), ("purchase", 90), ("campaign c0", 50)]


# Gift cards

CARD: Item = ("card-50", "gift-cards", 1, 5_000)
KETTLE: Item = ("kettle", "ware", 1, 9_000)
EXCLUDE = {"exclude": {"categories": ["gift-cards"], "skus": ["top-up"]}}


def no_cards(*campaigns: dict[str, object]) -> Program:
    return program(*campaigns, earn=PLAIN.earn.model_dump() | EXCLUDE)


def test_a_gift_card_earns_nothing_and_lifts_no_tier() -> None:
    account = Account(no_cards())
    account.apply(day(0), bought("o-1", 500_000, [("card-50", "gift-cards", 100, 5_000)]))
    account.apply(
        day(1), bought("o-2", 15_000, [CARD, ("top-up", None, 1, 1_000), ("kettle", "ware", 1, 9_000)])
    )
    assert (account.balance, account.tier, account.view(1).spend) == (90, "bronze", 9_000)
    assert account.state.bought_at == account.state.orders[1].at


def test_returns_of_what_earned_nothing_take_nothing_back() -> None:
    account = Account(no_cards())
    account.apply(
        day(0), bought("o", 14_000, [("card-50", "gift-cards", 2, 2_500), ("kettle", "ware", 1, 9_000)])
    )
    account.apply(day(1), went_back("o", "r-1", 2_500, **{"card-50": 1}))
    assert account.entries() == [("earned", 90)]
    account.apply(day(2), went_back("o", "r-2", 11_500, kettle=1, **{"card-50": 1}))
    assert account.entries() == [("earned", 90), ("reversed", -90)]
    assert account.state.exempt[0].left == account.state.orders[0].left == 0


def test_a_minor_unit_over_with_what_earned_nothing_alone_takes_nothing_back() -> None:
    account = Account(no_cards())
    items: list[Item] = [("card-a", "gift-cards", 1, 10_000), ("card-b", "gift-cards", 2, 5_000)]
    account.apply(day(0), bought("o", 30_000, [*items, ("kettle", "ware", 1, 10_000)]))
    account.apply(day(1), went_back("o", "r-1", 10_001, **{"card-a": 1}))
    account.apply(day(2), went_back("o", "r-2", 5_001, **{"card-b": 1}))
    account.apply(day(3), went_back("o", "r-3", 5_001, **{"card-b": 1}))
    assert account.entries() == [("earned", 100)]
    account.apply(day(4), went_back("o", "r-4", 2_000))
    assert account.balance == 80
    with pytest.raises(RefusedError, match=r"only 7997 is left"):
        account.apply(day(5), went_back("o", "r-5", 7_999, kettle=1))
    account.apply(day(5), went_back("o", "r-5", 7_998, kettle=1))
    assert account.entries()[1:] == [("reversed", -20), ("reversed", -80)]
    stories = {lot.key: lot for lot in lots(map(ledger_row, account.ledger), ())}
    told = explain(ledger_row(account.ledger[-1]), stories, account.programs)
    assert "-0." not in " ".join(step.detail for step in told.steps)


def test_more_than_that_or_with_other_goods_is_for_what_earned() -> None:
    for cents, units in ((5_002, {"card-50": 1}), (5_001, {"card-50": 1, "kettle": 1})):
        account = Account(no_cards())
        account.apply(day(0), bought("o", 14_000, [CARD, KETTLE]))
        account.apply(day(1), went_back("o", "r", cents, **units))
        assert account.balance == 89


def test_money_back_without_goods_is_for_what_earned_first() -> None:
    account = Account(no_cards())
    account.apply(day(0), bought("o", 14_000, [CARD, KETTLE]))
    account.apply(day(1), went_back("o", "r-1", 1_000))
    assert account.balance == 80
    account.apply(day(2), went_back("o", "r-2", 13_000))
    assert account.balance == 0
    with pytest.raises(RefusedError, match=r"total of 14000 only 0 is left"):
        account.apply(day(3), went_back("o", "r-3", 100))


def test_campaigns_leave_gift_cards_alone() -> None:
    everywhere = Account(no_cards({"effect": {"multiplier": 2}}))
    everywhere.apply(day(0), bought("o", 14_000, [CARD, KETTLE]))
    assert gave(everywhere) == [("purchase", 90), ("campaign c0", 90)]
    lines = Account(no_cards({"effect": {"points_per_line": 5}}, {"effect": {"bonus": 3}}))
    lines.apply(day(0), bought("o", 5_000, [CARD]))
    assert gave(lines) == []


def test_what_earns_nothing_is_explained() -> None:
    account = Account(no_cards())
    account.apply(day(0), bought("o", 14_000, [CARD, KETTLE]))
    told = explain(ledger_row(account.ledger[0]), {}, account.programs)
    assert "50.00 EUR of it earns nothing" in " ".join(step.detail for step in told.steps)
    account.apply(day(1), went_back("o", "r", 6_000, kettle=1, **{"card-50": 1}))
    stories = {lot.key: lot for lot in lots(map(ledger_row, account.ledger), ())}
    told = explain(ledger_row(account.ledger[1]), stories, account.programs)
    assert "50.00 EUR of it was for goods that had earned nothing" in " ".join(s.detail for s in told.steps)


def test_the_exclusion_is_checked() -> None:
    text = "{name: p, currency: EUR, rates: {EUR: 1}, tiers: [{name: b, spend: 0}], earn: {exclude: %s}}"
    assert parse(text % "{skus: [a]}").versions[0].earn.exclude.covers("a", None)
    with pytest.raises(ConfigError, match=r"earn\.exclude\.sku"):
        parse(text % "{sku: [a]}")


@settings(max_examples=examples(60), deadline=None)
@given(
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(0, 3_000),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 9_000)), max_size=5),
)
def test_whatever_goes_back_the_points_are_those_of_what_is_left(
    cards: int, cups: int, post: int, backs: list[tuple[int, int, int]]
) -> None:
    items = [("card", "gift-cards", cards, 2_000)] * (cards > 0) + [("cup", "ware", cups, 1_000)] * (cups > 0)
    account = Account(no_cards())
    account.apply(day(0), bought("o", 2_000 * cards + 1_000 * cups + post, items))
    for number, (card, cup, cents) in enumerate(backs):
        units = {name: n for name, n in (("card", card), ("cup", cup)) if n}
        try:
            account.apply(day(1), went_back("o", f"r-{number}", cents, **units))
        except RefusedError:
            continue
        order = account.state.orders[0]
        assert account.balance == order.left // 100
        assert order.left >= 0
        assert all(-order.left <= exempt.left <= exempt.total for exempt in account.state.exempt)
