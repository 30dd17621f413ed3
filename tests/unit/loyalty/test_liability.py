"""The liability: exact, by month, and with a breakage that says where it is from."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from services.loyalty.domain.program.program import Program
from services.loyalty.domain.reports.liability import LEAST_SETTLED, Liability, liability

from .account import PLAIN, Account
from .test_properties import EXAMPLES, QUICK, Step, play, steps

MONTHS = {
    "2026-02": {"outstanding": 101, "pending": 0},
    "2026-01": {"outstanding": 50, "pending": 7},
    "2025-12": {"outstanding": 0, "pending": 0},
}


def program(value: str, breakage: str = "0") -> Program:
    return PLAIN.model_copy(update={"point_value": Decimal(value), "breakage": Decimal(breakage)})


def test_points_and_money_by_month() -> None:
    found = liability(MONTHS, {"debt": 9}, program("0.7"))
    assert [(m.month, m.points, m.pending, m.money) for m in found.months] == [
        ("2026-01", 50, 7, 35),
        ("2026-02", 101, 0, 70),
    ]
    # 151 x 0.7 = 105.7, rounded down once.
    assert (found.outstanding, found.pending, found.owed, found.money) == (151, 7, 9, 105)


def test_the_programs_assumption_holds_until_enough_is_settled() -> None:
    totals = {"expired": -300, "redeemed": -LEAST_SETTLED, "restored": 301}
    found = liability(MONTHS, totals, program("2", "0.25"))
    assert (found.breakage.source, found.breakage.rate) == ("program", Fraction(1, 4))
    assert found.breakage.settled == LEAST_SETTLED - 1
    # 151 / 4 = 37.75 points, rounded down.
    assert (found.breakage.points, found.breakage.money, found.expected_cost) == (37, 74, 302 - 74)


def test_then_history_says_what_is_never_redeemed() -> None:
    totals = {"earned": 9_999, "expired": -300, "redeemed": -LEAST_SETTLED, "restored": 300}
    found = liability(MONTHS, totals, program("2", "0.25"))
    assert (found.breakage.source, found.breakage.rate) == ("history", Fraction(3, 10))
    assert (found.breakage.points, found.breakage.money, found.expected_cost) == (45, 90, 302 - 90)


def test_a_program_without_members_owes_nothing() -> None:
    found = liability({}, {}, PLAIN)
    assert (found.outstanding, found.money, found.expected_cost, found.months) == (0, 0, 0, ())


def of(accounts: list[Account], program: Program) -> Liability:
    sums: Counter[tuple[str, str, str]] = Counter()
    for account in accounts:
        sums.update(account.sums)
    months: dict[str, dict[str, int]] = {}
    for (collection, key, name), amount in sums.items():
        if collection == "liability":
            months.setdefault(key, {})[name] = amount
    totals = {
        name: n for (collection, key, name), n in sums.items() if (collection, key) == ("totals", "points")
    }
    return liability(months, totals, program)


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(steps, steps, st.decimals("0.001", 5, places=3))
def test_it_is_what_members_hold(first: list[Step], second: list[Step], value: Decimal) -> None:
    accounts = [Account(QUICK), Account(QUICK)]
    for account, history in zip(accounts, (first, second), strict=True):
        play(account, history)
    found = of(accounts, PLAIN.model_copy(update={"point_value": value}))
    held = sum(lot.remaining for account in accounts for lot in account.state.lots)
    assert found.outstanding == held
    assert found.outstanding - found.owed == sum(account.balance for account in accounts)
    assert found.money == int(held * Fraction(value))
    assert sum(month.money for month in found.months) <= found.money
    assert 0 <= found.breakage.rate <= 1
    assert 0 <= found.expected_cost <= found.money
