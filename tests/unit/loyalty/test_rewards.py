"""Stock, windows and early access; a voucher is used once."""

from collections import Counter
from typing import Any

import pytest

from services.loyalty.domain.program.program import Program
from shared.domain import RefusedError

from .account import PLAIN, Account, day


def offering(**more: Any) -> Program:
    reward = {"id": "tea", "name": "Tea", "cost": 10, **more}
    return Program.model_validate(PLAIN.model_dump(by_alias=True) | {"rewards": [reward]})


def test_a_stock_is_shared_and_a_cancelled_voucher_gives_back_to_it() -> None:
    counters: Counter[str] = Counter()
    program = offering(stock=2)
    one, two = (Account(program, counters=counters, customer=c) for c in ("cust-1", "cust-2"))
    one.buy(0, 5_000)
    two.buy(0, 5_000)
    first = one.redeem(1, "tea")
    two.redeem(1, "tea")
    with pytest.raises(RefusedError, match="out_of_stock"):
        one.redeem(2, "tea")
    assert one.balance == 40
    one.cancel(3, first)
    assert counters["stock:tea"] == 1
    two.redeem(4, "tea")


def test_a_reward_is_to_be_had_in_its_window_and_earlier_for_some() -> None:
    window = {"from": day(10).date(), "until": day(20).date()}
    program = offering(**window, early_access={"tier": "gold", "days": 2})
    bronze, gold = Account(program), Account(program)
    bronze.buy(0, 5_000)
    gold.buy(0, 100_000)
    for account, at in ((bronze, 9.999), (gold, 7.999), (bronze, 20), (gold, 20)):
        with pytest.raises(RefusedError, match=r"reward_unavailable: tea can be had from 2025-01-11.* until"):
            account.redeem(at, "tea")
    # A refusal changes nothing, time neither: the accounts can still be asked about earlier days.
    gold.redeem(8, "tea")
    bronze.redeem(10, "tea")
    bronze.redeem(19.999, "tea")


def test_an_exclusive_reward_needs_its_tier() -> None:
    account = Account(offering(tier="gold"))
    account.buy(0, 50_000)
    with pytest.raises(RefusedError, match="tier_required"):
        account.redeem(1, "tea")


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"stock": -1}, "stock"),
        ({"from": day(5).date(), "until": day(5).date()}, "until|must be after from"),
        ({"early_access": {"tier": "gold", "days": 2}}, "needs a from"),
        ({"from": day(5).date(), "early_access": {"tier": "top", "days": 2}}, "is no tier"),
    ],
)
def test_a_bad_reward_is_refused(more: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        offering(**more)
