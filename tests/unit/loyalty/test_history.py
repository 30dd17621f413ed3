"""The story of lots: it must say what the state says, and where the rest went."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.loyalty.domain.reports.history import LotStory, lots, newest_first, pending_row, place
from services.loyalty.domain.reports.view import overdue
from services.loyalty.domain.rows import ledger_row
from shared.schemas.times import micros

from .account import PLAIN, RETAIL, Account, day
from .test_properties import EXAMPLES, QUICK, Step, play, steps, told_late


def stories(account: Account) -> list[LotStory]:
    return lots(map(ledger_row, account.ledger), account.state.pending)


def states(account: Account) -> list[tuple[str, int, int]]:
    return [(lot.state, lot.points, lot.remaining) for lot in stories(account)]


def test_lots_are_named_by_what_took_the_last_of_them() -> None:
    account = Account()
    account.buy(0, 10_000, "a")
    account.buy(1, 10_000, "b")
    account.buy(2, 30_000, "c")
    account.redeem(3)  # a
    account.give_back(4, "b", 10_000)
    account.give_back(5, "c", 10_000)
    assert states(account) == [("spent", 100, 0), ("reversed", 100, 0), ("active", 300, 200)]
    account.advance(400)
    assert states(account)[2] == ("expired", 300, 0)
    assert [(c.kind, c.points) for c in stories(account)[2].changes] == [
        ("earned", 300),
        ("reversed", -100),
        ("expired", -200),
    ]


def test_points_that_paid_a_debt_are_spent() -> None:
    account = Account()
    account.buy(0, 10_000, "a")
    account.redeem(1)
    account.give_back(2, "a", 10_000)
    account.buy(3, 6_000)
    account.buy(4, 5_000)
    assert states(account) == [("spent", 100, 0), ("spent", 60, 0), ("active", 50, 10)]
    assert [(c.kind, c.points) for c in stories(account)[2].changes] == [("earned", 50), ("debt", -40)]


def test_points_given_back_are_in_their_lot_again() -> None:
    account = Account()
    account.buy(0, 10_000)
    code = account.redeem(1)
    assert states(account) == [("spent", 100, 0)]
    account.cancel(2, code)
    assert states(account) == [("active", 100, 100)]


def test_what_waits_comes_from_the_state() -> None:
    account = Account(QUICK)
    account.buy(0, 8_000, "a")
    account.give_back(1, "a", 3_000)
    waiting = stories(account)[-1]
    assert (waiting.state, waiting.points, waiting.order_id) == ("pending", 50, "a")
    assert (waiting.available_at, waiting.expires_at) == (day(3), day(20))
    pending = next(p for p in account.state.pending if p.lot.entry_id == waiting.key)
    assert pending_row(pending).why == pending.why
    assert pending.why.rule == "purchase"
    account.advance(3)
    assert (stories(account)[-1].state, stories(account)[-1].entry_id) == ("active", waiting.entry_id)


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps)
def test_lots_hold_the_balance_and_what_is_owed(history: list[Step]) -> None:
    for program in (PLAIN, RETAIL, QUICK):
        account = Account(program)
        play(account, history)
        found = stories(account)
        held = {lot.entry_id: lot.remaining for lot in account.state.lots}
        assert {lot.key: lot.remaining for lot in found if lot.state == "active"} == held
        assert sum(held.values()) == account.balance + account.state.debt
        waiting = [lot.remaining for lot in found if lot.state == "pending"]
        assert waiting == [pending.lot.remaining for pending in account.state.pending]
        for lot in found:
            assert (lot.state in ("active", "pending")) == (lot.remaining > 0)
            assert 0 <= lot.remaining <= lot.points
            assert lot.earned_at <= lot.available_at < lot.expires_at
        assert len({place(lot) for lot in found}) == len(found)
        assert sorted(map(place, newest_first(found)), reverse=True) == list(map(place, newest_first(found)))


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps, st.sampled_from([0.0, 3.0, 19.9, 60.0]))
def test_late_timers_make_no_difference(history: list[Step], later: float) -> None:
    punctual, late, now = told_late(history, later)
    rows = [*map(ledger_row, late.ledger), *overdue(late.state, late.programs, micros(day(now)))]

    def told(found: list[LotStory]) -> list[tuple[str, str, int, int]]:
        return sorted((lot.key, lot.state, lot.points, lot.remaining) for lot in found)

    assert told(lots(rows, late.state.pending)) == told(stories(punctual))
