"""Statements add up, follow one another, and stay as they are once something later is booked."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.loyalty.domain.reports.statement import Month, Statement, month_named, month_of, statement
from services.loyalty.domain.reports.view import overdue
from services.loyalty.domain.rows import LedgerRow, ledger_row
from shared.schemas.times import micros

from .account import PLAIN, RETAIL, Account, day
from .test_properties import EXAMPLES, QUICK, Step, play, steps, told_late


def read(account: Account) -> list[LedgerRow]:
    """The ledger as the store gives it."""
    return [ledger_row(document) for document in account.ledger]


def months(until: float) -> list[Month]:
    """From the accounts' start to the month of that day."""
    found = [month_of(day(0))]
    while found[-1].end <= day(until):
        found.append(month_of(found[-1].end))
    return found


def numbers(found: Statement) -> tuple[int, dict[str, int], int]:
    return found.opening, dict(found.movements), found.closing


def test_a_month_shows_what_came_and_went() -> None:
    account = Account()
    account.buy(0, 20_000)
    account.buy(31, 10_000, "o")
    code = account.redeem(32)
    account.cancel(33, code)
    account.give_back(34, "o", 5_000)
    account.adjust(35, -7)
    found = statement(read(account), month_named("2025-02"))
    assert numbers(found) == (
        200,
        {"earned": 100, "redeemed": -100, "expired": 0, "reversed": -50, "restored": 100, "adjusted": -7},
        243,
    )
    assert [row.kind for row in found.entries] == [
        "earned",
        "redeemed",
        "restored",
        "reversed",
        "adjusted",
    ]
    assert numbers(statement(read(account), month_named("2025-03")))[::2] == (243, 243)


def test_a_late_event_is_booked_after_what_is_there() -> None:
    account = Account()
    account.buy(40, 10_000)
    january = statement(read(account), month_named("2025-01"))
    account.buy(5, 3_000)  # of January, told of in February
    assert statement(read(account), month_named("2025-01")) == january
    assert statement(read(account), month_named("2025-02")).movements["earned"] == 130


def test_months_are_in_utc_and_end_before_the_next() -> None:
    assert month_of(day(31)).name == "2025-02"
    assert month_of(day(30.999)).name == "2025-01"
    december = month_named("2024-12")
    assert (december.start, december.end) == (day(-31), day(0))
    with pytest.raises(ValueError, match="month"):
        month_named("2024-13")


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps)
def test_months_add_up_and_follow_one_another(history: list[Step]) -> None:
    for program in (PLAIN, RETAIL, QUICK):
        account = Account(program)
        end = play(account, history) + 450
        account.advance(end)
        closing = 0
        for month in months(end):
            found = statement(read(account), month)
            assert found.opening == closing
            closing = found.opening + sum(found.movements.values())
            assert found.closing == closing
            assert sum(row.points for row in found.entries) == closing - found.opening
        assert closing == account.balance


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps, st.data())
def test_a_past_month_stays_as_it_is_once_something_later_is_booked(history: list[Step], data: Any) -> None:
    account = Account(QUICK)
    end = play(account, history) + 40
    account.advance(end)
    seen = read(account)[: data.draw(st.integers(0, len(account.ledger)))]
    if seen:
        for month in months(end):
            if month.end <= seen[-1].booked_at:
                assert statement(seen, month) == statement(read(account), month)


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps, st.sampled_from([0.0, 3.0, 19.9, 60.0]))
def test_late_timers_make_no_difference(history: list[Step], later: float) -> None:
    punctual, late, now = told_late(history, later)
    rows = [*read(late), *overdue(late.state, late.programs, micros(day(now)))]
    for month in months(now):
        assert numbers(statement(rows, month)) == numbers(statement(read(punctual), month))


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps)
def test_the_month_and_the_row_before_are_enough(history: list[Step]) -> None:
    account = Account(QUICK)
    end = play(account, history)
    for month in months(end):
        before = [row for row in read(account) if row.booked_at < month.start][-1:]
        inside = [row for row in read(account) if month.start <= row.booked_at < month.end]
        assert statement([*before, *inside], month) == statement(read(account), month)
