"""What members are told of: points that expire, rewards within reach."""

from datetime import datetime
from itertools import pairwise
from typing import Any

from hypothesis import given, settings

from services.loyalty.domain.program.program import Program
from shared.schemas.loyalty import PointsExpiring, RewardAvailable

from .account import PLAIN, Account, day
from .test_properties import Step, play, steps


def told(account: Account) -> list[tuple[datetime, int, datetime]]:
    return [(t, d.points, d.expires_at) for t, d in account.facts if isinstance(d, PointsExpiring)]


def available(account: Account) -> list[tuple[str, int]]:
    return [(fact.reward_id, fact.balance) for fact in account.emitted(RewardAvailable)]


def test_thirty_days_before_points_expire_the_member_is_told_how_many() -> None:
    account = Account()
    account.buy(0, 10_000)
    account.advance(334.9)
    assert told(account) == []
    account.advance(364)
    assert told(account) == [(day(335), 100, day(365))]


def test_many_small_lots_are_told_of_together_at_most_every_three_weeks() -> None:
    account = Account()
    for number in range(52):
        account.buy(number * 7, 1_000)
    account.advance(365 + 357)
    times = [time for time, _, _ in told(account)]
    assert all((after - before).days >= 21 for before, after in pairwise(times))
    assert len(times) == 18
    assert told(account)[1] == (day(356), 40, day(365))  # those of day 0, 7, 14 and 21


def test_points_that_were_spent_are_not_told_of() -> None:
    account = Account()
    account.buy(0, 10_000)
    account.redeem(300)
    account.advance(400)
    assert told(account) == []


def test_a_lot_that_comes_late_is_told_of_at_once() -> None:
    account = Account()
    account.buy(350, 1_000)
    account.buy(10, 2_000)  # late: it expires on day 375
    assert told(account) == [(day(350), 20, day(375))]


def test_a_program_may_tell_nothing() -> None:
    account = Account(PLAIN.model_copy(update={"expiring": None}))
    account.buy(0, 10_000)
    account.advance(400)
    assert told(account) == []


@settings(max_examples=40, deadline=None)
@given(steps)
def test_no_points_expire_that_were_not_told_of(history: list[Step]) -> None:
    account = Account()
    now = play(account, history)
    account.advance(now + 800)
    notices = [d for _, d in account.facts if isinstance(d, PointsExpiring)]
    restored = {lot["entry_id"] for row in account.ledger for lot in row["lots"] if row["kind"] == "restored"}
    for row in account.ledger:
        late = row["kind"] == "expired" and row["booked_at"] > row["at"]
        if row["kind"] == "expired" and not late and row["lots"][0]["entry_id"] not in restored:
            earned = next(e for e in account.ledger if e["_id"] == row["lots"][0]["entry_id"])
            if earned["booked_at"] <= earned["at"]:
                assert any(n.expires_at <= row["at"] <= n.last_at for n in notices), row


def reward(id: str, cost: int, **more: Any) -> dict[str, Any]:
    return {"id": id, "name": id.title(), "cost": cost, **more}


def offering(*rewards: dict[str, Any]) -> Program:
    return Program.model_validate(PLAIN.model_dump(by_alias=True) | {"rewards": rewards})


def test_of_the_rewards_that_come_within_reach_the_dearest_is_told() -> None:
    account = Account()
    account.buy(0, 9_900)
    assert available(account) == []
    account.buy(1, 20_000)  # now 299: free-delivery at 100 and voucher-5 at 250
    assert available(account) == [("voucher-5", 299)]
    account.buy(2, 100)
    assert len(available(account)) == 1
    account.redeem(3, "voucher-5")
    account.buy(4, 20_000)
    assert available(account)[1:] == [("voucher-5", 300)]


def test_a_tier_opens_rewards_too() -> None:
    account = Account(offering(reward("tea", 10), reward("evening", 50, tier="gold")))
    account.buy(0, 99_900)
    assert available(account) == [("tea", 999)]
    account.buy(1, 100)
    assert available(account)[1:] == [("evening", 1_000)]


def test_what_is_out_of_stock_or_not_offered_yet_is_not_told() -> None:
    account = Account(
        offering(
            reward("gone", 30, stock=1),
            reward("soon", 20, **{"from": day(10).date()}),
            reward("there", 10),
        )
    )
    account.counters["stock:gone"] = 1
    account.buy(0, 5_000)
    assert available(account) == [("there", 50)]


def test_nothing_is_told_while_points_fall() -> None:
    account = Account()
    account.buy(0, 30_000, "o")
    account.give_back(1, "o", 1_000)
    assert len(available(account)) == 1
