"""Whatever happens in whatever order, the books are right."""

from datetime import datetime
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.loyalty.config import parse
from shared.domain import RefusedError
from shared.schemas.complaints import CompensationGranted
from tests.examples import examples

from .account import PLAIN, RETAIL, Account, day

EXAMPLES = examples(60)
QUICK = parse(
    """
    name: quick
    currency: EUR
    rates: {EUR: 1}
    welcome_bonus: 7
    earn: {points: 1, per: 100, pending_days: 3, expire_days: 20}
    tier_days: 20
    at_risk_days: 5
    tiers: [{name: low, spend: 0}, {name: mid, spend: 20000, multiplier: 1.25}, {name: top, spend: 60000,
      multiplier: 1.7}]
    rewards: [{id: free-delivery, name: Free delivery, cost: 90, validity_days: 40, stock: 6}]
    stacking: sum
    campaigns:
      - {id: tea, name: Tea, from: 2025-01-01, until: 2026-01-01, when: {categories: [tea]},
         effect: {multiplier: 1.3}}
      - {id: lines, name: Lines, from: 2025-01-10, until: 2025-06-01, effect: {points_per_line: 3}, cap: 40}
      - {id: gift, name: Gift, from: 2025-01-01, until: 2025-12-01, when: {minimum_total: 9000},
         effect: {bonus: 25}, budget: 130, priority: 3}
    """
)
Step = tuple[str, float, int, int]
"""(what, days since the step before or, if below 0, before it; cents; which order or voucher)"""

steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["buy", "buy", "buy", "return", "return", "redeem", "gift", "cancel", "use", "adjust", "wait"]
        ),
        st.one_of(st.integers(0, 12), st.sampled_from([0.0, 20.0, 3.0, -4.0, -25.0, 0.333])),
        st.integers(0, 40_000),
        st.integers(0, 5),
    ),
    max_size=25,
)


def play(account: Account, history: list[Step]) -> float:
    """Drive the account; the time at the end. Every step checks the books (``Account.check``)."""
    now = 0.0
    codes: list[str] = []
    for number, (what, ahead, cents, which) in enumerate(history, start=1):
        at = max(now + ahead, 0)
        now = max(now, at)
        account.count = number
        before = account.state
        try:
            step(account, codes, what, at, cents, which)
        except RefusedError:
            # Timers may have fired before the refused event; it itself changes nothing.
            assert account.timers or account.state is before
            account.fire(day(at))
    return now


def basket(cents: int) -> list[dict[str, Any]]:
    """Lines whose prices need not add up to the total, as after a discount."""
    prices = (cents // 4, cents // 7, 500)
    lines = (("green", 2, "tea"), ("black", 1, "tea"), ("kettle", 1, "ware"))
    return [
        {
            "sku": sku,
            "quantity": quantity,
            "category": category,
            "unit_price": {"amount": price, "currency": "EUR"},
        }
        for (sku, quantity, category), price in zip(lines, prices, strict=True)
    ]


def told_late(history: list[Step], later: float) -> tuple[Account, Account, float]:
    """The same history with punctual timers and with none so far, and an instant ``later`` days after it.

    A timer that fires while nothing happens goes before a late purchase told of afterwards, and a late
    one goes after it: so no waiting here, where that would be the difference."""
    history = [move for move in history if move[0] != "wait"]
    punctual, late = Account(QUICK), Account(QUICK, timers=False)
    now = play(punctual, history)
    play(late, history)
    punctual.advance(now + later)
    assume(late.state.enrolled_at is not None)
    return punctual, late, now + later


def step(account: Account, codes: list[str], what: str, at: float, cents: int, which: int) -> None:
    code = codes[which % len(codes)] if codes else "none"
    match what:
        case "buy":
            account.buy(
                at, cents, f"o-{len(account.state.orders)}", voucher_codes=[code], items=basket(cents)
            )
        case "return":
            items = [{"sku": "green", "quantity": 1 + which % 3}] if cents % 2 else []
            account.give_back(at, f"o-{which}", cents // 3, items=items)
        case "redeem":
            codes.append(account.redeem(at))
        case "gift":
            said = {"complaint_id": "c", "kind": "voucher", "reward_id": "free-delivery"}
            account.apply(day(at), CompensationGranted.model_validate(said))
            codes.append(account.state.vouchers[-1].code)
        case "cancel":
            account.cancel(at, code)
        case "use":
            account.use(at, code)
        case "adjust":
            account.adjust(at, cents // 100 - 200)
        case _ if account.timers:
            account.advance(at)


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps)
def test_the_ledger_is_the_lots_is_the_balance(history: list[Step]) -> None:
    for program in (PLAIN, QUICK):
        account = Account(program)
        now = play(account, history)
        given = sum(bonus.kept for bonus in account.state.bonuses if bonus.campaign == "gift")
        assert account.counters["budget:gift"] == given
        account.advance(now + 2000)
        assert account.state.lots == account.state.pending == ()
        assert account.balance == -account.state.debt
        assert 0 <= account.counters["stock:free-delivery"] <= 6
        assert 0 <= account.counters["budget:gift"] <= 130
        assert all(0 <= points <= 40 for _, points in account.state.campaigns)
        lots = [lot["entry_id"] for row in account.ledger if row["kind"] == "expired" for lot in row["lots"]]
        given_back = [
            lot["entry_id"] for row in account.ledger if row["kind"] == "restored" for lot in row["lots"]
        ]
        for lot in set(lots):
            assert lots.count(lot) <= 1 + given_back.count(lot)


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps)
def test_late_timers_make_no_difference(history: list[Step]) -> None:
    punctual, late, now = told_late(history, 0)
    for at in (now, now + 3, now + 19.9, now + 200):
        assert punctual.view(at) == late.view(at)
    late.timers = True
    late.advance(now + 200)
    punctual.advance(now + 200)

    def told(account: Account) -> list[Any]:
        return [{k: v for k, v in row.items() if k not in ("_id", "cause")} for row in account.ledger]

    assert told(punctual) == told(late)
    assert punctual.tier_history() == late.tier_history()
    assert punctual.counters == late.counters


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.integers(0, 80_000), st.integers(0, 100)), min_size=1, max_size=25
    )
)
def test_tiers_and_points_equal_a_count_day_by_day(moves: list[tuple[int, int, int]]) -> None:
    """Against a second, slow way to the same numbers: a walk over the days."""
    account = Account(RETAIL)
    today, days = 0, []
    for ahead, cents, returned in moves:
        today += ahead
        order = f"o-{len(days)}"
        account.buy(today, cents, order)
        refund = cents * returned // 100 if returned > 60 else 0
        if refund:
            account.give_back(today, order, refund)
        days.append((today, cents, refund))
    end = today + 400
    account.advance(end)
    balance, tier, earned = walk(days, end)
    assert (account.balance, account.tier) == (balance, tier)
    assert [row["points"] for row in account.ledger if row["kind"] == "earned"] == earned


def walk(days: list[tuple[int, int, int]], end: int) -> tuple[int, str, list[int]]:
    """The retail program over (day, total, refund of the same day), as plainly as can be."""
    names = ["bronze", "silver", "gold", "vip"]
    least, hundredths = [0, 30_000, 100_000, 300_000], [100, 125, 150, 200]
    tier, until = 0, None
    lots: list[list[int]] = []
    earned, spent = [], []
    joined = day(days[0][0])
    for today in range(end + 1):
        lots = [lot for lot in lots if lot[0] > today]
        if until == today:
            net = sum(amount for at, amount in spent if today - 365 < at <= today)
            tier = max(rank for rank in range(tier + 1) if net >= least[rank])
            until = today + 365 if tier else None
        if years := anniversary(joined, day(today)):
            earned.append(100 * years)
            lots.append([today + 365, 100 * years])
        for at, total, refund in days:
            if at != today:
                continue
            points = total * hundredths[tier] // 10_000
            kept = (total - refund) * hundredths[tier] // 10_000
            if points:
                earned.append(points)
            lots.append([today + 365, kept])
            net = total + sum(amount for when, amount in spent if today - 365 < when)
            reached = max(rank for rank in range(4) if net >= least[rank])
            if reached > tier:
                tier, until = reached, today + 365
            spent.append((today, total - refund))
    return sum(points for _, points in lots), names[tier], earned


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.integers(0, 400),
    st.integers(0, 200_000),
    st.lists(st.integers(1, 50_000), max_size=4),
    st.integers(0, 4),
)
def test_returns_may_come_before_their_purchase(
    late: int, total: int, refunds: list[int], after: int
) -> None:
    """The same, whether a return is seen before its purchase or after; but that a purchase of which something
    is known to have gone back lifts the tier by what is left only."""
    refunds = [
        refund for refund, running in zip(refunds, running_sums(refunds), strict=True) if running <= total
    ]
    accounts = []
    for first in (0, after):
        account = Account()
        account.buy(0, 40_000, "base")
        for number, refund in enumerate(refunds[:first]):
            account.give_back(late + number + 1, "o", refund, f"r-{number}")
        account.buy(late, total, "o")
        for number, refund in list(enumerate(refunds))[first:]:
            account.give_back(late + number + 1, "o", refund, f"r-{number}")
        account.advance(late + 10)
        accounts.append(account)
    plain, mixed = accounts
    assert plain.balance == mixed.balance
    if plain.tier == mixed.tier:
        assert plain.view(late + 10) == mixed.view(late + 10)
    else:
        ranks = [tier.name for tier in RETAIL.tiers]
        assert ranks.index(mixed.tier) < ranks.index(plain.tier)
        assert refunds[:after]


def anniversary(joined: datetime, today: datetime) -> int:
    """Which anniversary it is; 0: none. 29 February is kept a day earlier in other years."""
    years = today.year - joined.year
    same = (today.month, today.day) == (joined.month, joined.day)
    leap_day = (joined.month, joined.day) == (2, 29)
    instead = leap_day and today.year % 4 != 0 and (today.month, today.day) == (2, 28)
    return years if same or instead else 0


def running_sums(values: list[int]) -> list[int]:
    return [sum(values[: number + 1]) for number in range(len(values))]


def test_the_clock_of_the_tests_is_exact() -> None:
    assert (day(365) - day(0)).days == 365
