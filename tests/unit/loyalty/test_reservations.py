"""A voucher that a till holds: by whom it is used meanwhile, and how that ends."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain import Outcome, RefusedError
from shared.schemas.commands.loyalty import (
    VoucherRedeemRequested,
    VoucherReleaseRequested,
    VoucherReserveRequested,
)
from tests.examples import examples

from .account import PLAIN, Account, day
from .facts import bought, went_back
from .platform import Platform

HOUR = 1 / 24


def with_voucher() -> tuple[Account, str]:
    account = Account(PLAIN)
    account.apply(day(0), bought("base", 30_000))
    return account, account.redeem(1)


def reserve(account: Account, at: float, code: str, order: str | None = None, hours: float = 1) -> Outcome:
    asked = VoucherReserveRequested(voucher_code=code, seconds=round(hours * 3600), order_id=order)
    return account.apply(day(at), asked)


def release(account: Account, at: float, code: str, order: str | None = None) -> Outcome:
    return account.apply(day(at), VoucherReleaseRequested(voucher_code=code, order_id=order))


def redeem(account: Account, at: float, code: str, order: str | None = None) -> Outcome:
    return account.apply(day(at), VoucherRedeemRequested(voucher_code=code, order_id=order))


def test_what_an_order_holds_only_that_order_uses() -> None:
    account, code = with_voucher()
    held = reserve(account, 2, code, "o").body
    assert (held["status"], held["reserved_until"]) == ("reserved", (day(2) + timedelta(hours=1)).isoformat())
    for refused in (
        lambda: redeem(account, 2, code),
        lambda: redeem(account, 2, code, "p"),
        lambda: release(account, 2, code, "p"),
        lambda: reserve(account, 2, code, "p"),
        lambda: account.cancel(2, code),
    ):
        with pytest.raises(RefusedError, match="voucher_reserved"):
            refused()
    account.apply(day(2), bought("p", 1_000, voucher_codes=[code]))
    assert account.rows["vouchers", code]["status"] == "open"
    account.apply(day(2), bought("o", 1_000, voucher_codes=[code]))
    assert account.rows["vouchers", code]["status"] == "redeemed"
    assert account.rows["vouchers", code]["reserved_until"] is None


def test_a_reservation_for_nobody_keeps_others_from_reserving_alone() -> None:
    account, code = with_voucher()
    reserve(account, 2, code)
    with pytest.raises(RefusedError, match="voucher_reserved"):
        reserve(account, 2, code)
    assert redeem(account, 2, code, "any").body["status"] == "redeemed"


def test_told_again_it_changes_nothing() -> None:
    account, code = with_voucher()
    first = reserve(account, 2, code, "o")
    before = account.state
    assert reserve(account, 2 + HOUR / 2, code, "o", hours=9) == first
    assert account.state.vouchers == before.vouchers
    assert release(account, 2 + HOUR / 2, code, "o").body["status"] == "open"
    again = account.state.vouchers
    assert release(account, 2 + HOUR / 2, code, "o").body["status"] == "open"
    assert account.state.vouchers == again


@pytest.mark.parametrize("timers", [True, False])
def test_its_time_ends_it_whether_the_timer_is_late_or_not(timers: bool) -> None:
    account, code = with_voucher()
    reserve(account, 2, code, "o")
    assert account.due["due"] == day(2) + timedelta(hours=1)
    account.timers = timers
    with pytest.raises(RefusedError, match="voucher_reserved"):
        redeem(account, 2 + HOUR * 0.999, code)
    assert redeem(account, 2 + HOUR, code).body["status"] == "redeemed"


def test_the_timer_frees_it_where_nobody_asks() -> None:
    account, code = with_voucher()
    reserve(account, 2, code, "o")
    assert account.rows["vouchers", code]["reserved_until"] == day(2) + timedelta(hours=1)
    account.advance(2 + HOUR)
    assert account.state.vouchers[0].reserved is None
    assert account.rows["vouchers", code]["reserved_until"] is None


def test_no_longer_than_the_voucher_is_good() -> None:
    account, code = with_voucher()
    held = reserve(account, 61 - HOUR / 2, code, "o").body
    assert held["reserved_until"] == day(61).isoformat()


def test_an_order_from_before_the_reservation_used_it() -> None:
    account, code = with_voucher()
    reserve(account, 3, code, "o")
    account.apply(day(2), bought("earlier", 1_000, voucher_codes=[code]))
    assert account.rows["vouchers", code]["order_id"] == "earlier"


def test_what_comes_back_with_its_order_is_reserved_by_nobody() -> None:
    account, code = with_voucher()
    reserve(account, 2, code, "o")
    account.apply(day(2), bought("o", 1_000, voucher_codes=[code]))
    account.apply(day(2), went_back("o", "r", 1_000))
    assert redeem(account, 2, code).body["status"] == "redeemed"


moves = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "release", "redeem", "cancel", "buy", "return", "wait"]),
        st.sampled_from([0.0, 0.0, HOUR / 3, HOUR, 2.0]),
        st.sampled_from([None, "a", "b"]),
        st.sampled_from([0.5, 1.0, 5.0]),
    ),
    max_size=20,
)


@dataclass
class Plain:
    """What is true of one voucher, in the fewest lines."""

    status: str = "open"
    used_by: str | None = None
    held_by: str | None = None
    held_until: float = 0

    def asked(self, what: str, now: float, order: str | None, hours: float) -> str:
        """The code of the refusal, or ``done``."""
        held = day(now) < day(self.held_until)
        of_another = held and self.held_by not in (None, order)
        if what == "buy":
            if self.status == "open" and not of_another:
                self.status, self.used_by, self.held_until = "redeemed", order, 0
            return "done"
        if what == "return":
            if self.status == "redeemed" and self.used_by == order:
                self.status, self.used_by = "open", None
            return "done"
        if self.status != "open":
            return f"voucher_{self.status}"
        again = what == "reserve" and held and order is not None and self.held_by == order
        if again:
            return "done"
        if of_another or (held and what in ("reserve", "cancel")):
            return "voucher_reserved"
        self.held_until = now + hours * HOUR if what == "reserve" else 0
        self.held_by = order
        self.status = {"redeem": "redeemed", "cancel": "cancelled"}.get(what, "open")
        return "done"


def act(account: Account, code: str, what: str, now: float, order: str | None, hours: float) -> str:
    asked: dict[str, Callable[[], object]] = {
        "reserve": lambda: reserve(account, now, code, order, hours),
        "release": lambda: release(account, now, code, order),
        "redeem": lambda: redeem(account, now, code, order),
        "cancel": lambda: account.cancel(now, code),
        "buy": lambda: account.apply(day(now), bought(str(order), 1_000, voucher_codes=[code])),
        "return": lambda: account.apply(day(now), went_back(str(order), f"r-{order}", 1_000)),
    }
    try:
        asked[what]()
    except RefusedError as refusal:
        return refusal.code
    return "done"


@settings(max_examples=examples(60), deadline=None)
@given(moves)
def test_as_a_plain_model_of_one_voucher_has_it(history: list[tuple[str, float, str | None, float]]) -> None:
    """Whatever is asked in whatever order, with punctual timers and with none so far."""
    (punctual, code), (late, _) = with_voucher(), with_voucher()
    late.timers = False
    plain, now = Plain(), 2.0
    orders, kept = set[str](), list[str]()
    for what, ahead, order, hours in history:
        now += ahead
        if what == "wait":
            punctual.advance(now)
            continue
        if what == "buy":
            order = order if order and order not in orders else f"o-{len(orders)}"
            orders.add(order)
            kept.append(order)
        if what == "return":
            if not kept:
                continue
            order = kept.pop()
        expected = plain.asked(what, now, order, hours)
        for account in (punctual, late):
            assert act(account, code, what, now, order, hours) == expected
            assert account.state.vouchers[0].status == plain.status
            assert account.rows["vouchers", code]["status"] == plain.status
    punctual.advance(now + 1)
    assert punctual.state.vouchers[0].reserved is None


def test_by_http(client: TestClient, platform: Platform) -> None:
    platform.account.buy(0, 30_000)
    code = platform.account.redeem(1)
    platform.now = day(2)
    held = client.post(f"/vouchers/{code.lower()}/reserve")
    assert held.status_code == 200
    assert held.json() == {
        "voucher_code": code,
        "reward_id": "free-delivery",
        "status": "reserved",
        "reserved_until": "2025-01-03T00:15:00+00:00",
        "order_id": None,
    }
    assert client.post(f"/vouchers/{code}/reserve").json()["code"] == "voucher_reserved"
    assert client.post(f"/vouchers/{code}/release").json()["status"] == "open"
    mine = {"order_id": "o", "seconds": 60}
    assert client.post(f"/vouchers/{code}/reserve", json=mine).json()["order_id"] == "o"
    assert client.post(f"/vouchers/{code}/redeem").json()["code"] == "voucher_reserved"
    assert client.post(f"/vouchers/{code}/redeem", json={"order_id": "o"}).json()["status"] == "redeemed"
    assert client.post("/vouchers/NONE/reserve").json()["code"] == "unknown_voucher"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"seconds": 0}, "body.seconds"),
        ({"seconds": 86_401}, "body.seconds"),
        ({"seconds": "60"}, "body.seconds"),
        ({"order_id": "a b"}, "body.order_id"),
        ({"minutes": 1}, "body.minutes"),
    ],
)
def test_a_bad_reservation_names_its_field(
    body: dict[str, object], field: str, client: TestClient, platform: Platform
) -> None:
    platform.account.buy(0, 30_000)
    code = platform.account.redeem(1)
    answer = client.post(f"/vouchers/{code}/reserve", json=body)
    assert (answer.status_code, [e["field"] for e in answer.json()["errors"]]) == (422, [field])
