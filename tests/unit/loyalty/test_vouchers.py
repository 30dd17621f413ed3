"""Codes as shops write them, and what becomes of a voucher whose order goes back."""

import pytest
from fastapi.testclient import TestClient

from services.loyalty.domain.program.program import Exclusion
from shared.domain import RefusedError

from .account import PLAIN, Account, day
from .facts import Item, bought, went_back
from .platform import Platform


def with_voucher(good_for: int = 60) -> tuple[Account, str]:
    """100 points spent on a voucher, 200 left."""
    account = Account(PLAIN)
    account.apply(day(0), bought("base", 30_000))
    code = account.redeem(1)
    return account, code


def status(account: Account, code: str) -> tuple[str, str | None]:
    row = account.rows["vouchers", code]
    return row["status"], row["order_id"]


@pytest.mark.parametrize("written", [str.lower, lambda code: f"  {code} ", lambda code: f" {code.title()}"])
def test_a_code_in_lower_case_or_with_spaces_around_is_the_same(written: "type[str]") -> None:
    account, code = with_voucher()
    account.apply(day(2), bought("o", 1_000, voucher_codes=["SPRING", written(code)]))
    assert status(account, code) == ("redeemed", "o")
    account, code = with_voucher()
    assert account.use(2, written(code)).body["voucher_code"] == code
    account, code = with_voucher()
    assert account.cancel(2, written(code)).body == {
        "voucher_code": code,
        "reward_id": "free-delivery",
        "status": "cancelled",
        "balance": 300,
    }


def test_by_http_too_and_the_canonical_code_comes_back(client: TestClient, platform: Platform) -> None:
    platform.account.buy(0, 30_000)
    code = platform.account.redeem(1)
    platform.now = day(2)
    answer = client.post(f"/vouchers/%20{code.lower()}%20/redeem")
    assert (answer.status_code, answer.json()["voucher_code"]) == (200, code)
    assert client.post(f"/vouchers/{code.lower()}/cancel").json()["code"] == "voucher_redeemed"
    assert client.post("/vouchers/%20/redeem").status_code == 404


def test_an_order_returned_whole_gives_its_voucher_back() -> None:
    account, code = with_voucher()
    account.apply(day(2), bought("o", 1_000, voucher_codes=[code]))
    account.apply(day(3), went_back("o", "r-1", 400))
    assert status(account, code) == ("redeemed", "o")
    account.apply(day(4), went_back("o", "r-2", 600))
    assert status(account, code) == ("open", None)
    account.apply(day(5), bought("p", 1_000, voucher_codes=[code]))
    assert status(account, code) == ("redeemed", "p")


def test_its_points_come_back_once() -> None:
    account, code = with_voucher()
    account.apply(day(2), bought("o", 1_000, voucher_codes=[code]))
    account.apply(day(3), went_back("o", "r-1", 1_000))
    assert account.balance == 200
    assert account.cancel(4, code).body["balance"] == 300
    with pytest.raises(RefusedError, match="voucher_cancelled"):
        account.cancel(4, code)
    account.advance(366)
    assert account.balance == 0


def test_one_that_is_over_stays_used_and_holds_nothing_any_more() -> None:
    account, code = with_voucher()
    account.apply(day(2), bought("o", 1_000, voucher_codes=[code]))
    assert account.state.vouchers[0].pieces
    account.apply(day(62), went_back("o", "r-1", 1_000))
    assert status(account, code) == ("redeemed", "o")
    assert account.state.vouchers[0].pieces == ()


def test_one_used_at_the_till_alone_stays_used() -> None:
    account, code = with_voucher()
    account.use(2, code)
    account.apply(day(2), bought("o", 1_000, voucher_codes=[code]))
    account.apply(day(3), went_back("o", "r-1", 1_000))
    assert status(account, code) == ("redeemed", None)


def test_an_order_that_cost_nothing_is_whole_once_all_pieces_are_back() -> None:
    account, code = with_voucher()
    free = [("cup", "ware", 3, 500), ("off", None, 1, -1_500)]
    account.apply(day(2), bought("o", 0, free, voucher_codes=[code]))
    account.apply(day(3), went_back("o", "r-1", 0, cup=2))
    assert status(account, code) == ("redeemed", "o")
    account.apply(day(4), went_back("o", "r-2", 0, cup=1))
    assert status(account, code) == ("open", None)


CUP: Item = ("cup", "ware", 1, 500)
POT: Item = ("pot", "ware", 1, 500)


@pytest.mark.parametrize(
    ("items", "backs", "whole"),
    [
        ([CUP, ("gift", None, 1, 0), ("off", None, 1, -500)], [{"gift": 1}], {"cup": 1}),
        ([CUP, POT, ("off", None, 1, -1_000)], [{"cup": 1}, {"cup": 1}], {"pot": 1}),
        ([CUP, CUP, POT, ("off", None, 1, -1_500)], [{"cup": 1}, {"pot": 3}], {"cup": 1}),
        ([CUP, ("off", None, 1, -500)], [{"unknown": 1}, {}], {"cup": 2}),
        ([("gift", None, 2, 0)], [{"gift": 1}, {"off": 1}], {"gift": 1}),
    ],
)
def test_nothing_stands_for_a_piece_that_is_kept(
    items: list[Item], backs: list[dict[str, int]], whole: dict[str, int]
) -> None:
    account, code = with_voucher()
    account.apply(day(2), bought("o", 0, items, voucher_codes=[code]))
    for number, units in enumerate(backs):
        account.apply(day(3), went_back("o", f"r-{number}", 0, **units))
        assert status(account, code) == ("redeemed", "o")
    account.apply(day(4), went_back("o", "r", 0, **whole))
    assert status(account, code) == ("open", None)


def test_nor_where_some_of_a_free_order_would_have_earned_nothing() -> None:
    exclude = PLAIN.earn.model_copy(update={"exclude": Exclusion(skus=["card"])})
    account = Account(PLAIN.model_copy(update={"earn": exclude}))
    account.apply(day(0), bought("base", 30_000))
    code = account.redeem(1)
    account.apply(
        day(2), bought("o", 0, [("card", None, 1, 500), ("off", None, 1, -500)], voucher_codes=[code])
    )
    account.apply(day(3), went_back("o", "r-1", 0, other=1))
    assert status(account, code) == ("redeemed", "o")
    account.apply(day(4), went_back("o", "r-2", 0, card=1))
    assert status(account, code) == ("open", None)


def test_a_return_heard_first_gives_it_back_as_well() -> None:
    account, code = with_voucher()
    account.apply(day(3), went_back("o", "r-1", 1_000))
    account.apply(day(2), bought("o", 1_000, voucher_codes=[code]))
    assert status(account, code) == ("open", None)
