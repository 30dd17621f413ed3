"""A birthday may bring a present: a reward's voucher without points, once a year, whatever is heard when."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from services.loyalty.config import load, parse
from services.loyalty.domain.program.program import Programs
from shared.runtime.config import ConfigError
from shared.schemas.commands.loyalty import MemberEnrolRequested
from shared.schemas.customers import CustomerUpdated
from shared.schemas.loyalty import MemberBirthday, MemberEnrolled, RewardIssued

from .account import Account, day


def program(birthday: str, stock: int = 10) -> Programs:
    return parse(f"""
name: gifts
currency: EUR
rates: {{EUR: 1}}
earn: {{points: 1, per: 100, expire_days: 365}}
tier_days: 365
tiers: [{{name: low, spend: 0}}, {{name: top, spend: 60000}}]
birthday: {birthday}
rewards:
  - {{id: mug, name: A mug, cost: 90, validity_days: 40, stock: {stock}, tier: top, until: 2024-02-01}}
""")


def born(birthday: str = "--02-01") -> CustomerUpdated:
    return CustomerUpdated(birthday=birthday)


def member(birthday: str, customer: str = "cust-1", counters: Counter[str] | None = None) -> Account:
    shared = Counter[str]() if counters is None else counters
    account = Account(
        program(birthday, stock=1 if shared is counters else 10), customer=customer, counters=shared
    )
    account.apply(day(1), MemberEnrolRequested())
    account.apply(day(2), born())
    return account


def test_a_present_costs_no_points_and_the_birthday_names_it() -> None:
    account = member("{reward: mug}")
    account.fire(day(40))
    (issued,), (birthday,), (voucher,) = (
        account.emitted(RewardIssued),
        account.emitted(MemberBirthday),
        account.state.vouchers,
    )
    assert (issued.voucher_code, issued.occasion) == (voucher.code, "birthday")
    assert birthday == MemberBirthday(
        reward_id="mug",
        name="A mug",
        voucher_code=voucher.code,
        expires_at=datetime(2025, 3, 13, tzinfo=UTC),
    )
    assert (account.ledger, account.balance, account.counters["stock:mug"]) == ([], 0, 1)
    assert account.use(41, voucher.code).body["status"] == "redeemed"


def test_points_and_a_present_go_together() -> None:
    account = member("{points: 50, reward: mug}")
    account.fire(day(40))
    (birthday,) = account.emitted(MemberBirthday)
    assert (birthday.points, birthday.name) == (50, "A mug")
    assert account.balance == 50


def test_every_year_one_and_none_for_a_date_that_moves() -> None:
    account = member("{reward: mug}")
    account.fire(day(40))
    account.apply(day(41), born("--12-24"))
    account.apply(day(360), born())
    account.fire(day(1_200))
    codes = [fact.voucher_code for fact in account.emitted(RewardIssued)]
    times = [time for time, fact in account.facts if isinstance(fact, RewardIssued)]
    assert [f"{time:%Y-%m-%d}" for time in times] == ["2025-02-01", "2026-02-01", "2027-02-01", "2028-02-01"]
    assert len(set(codes)) == 4


@pytest.mark.parametrize(
    ("joined", "heard", "given"), [(-3_600, 400, 1), (-3_600, 36, 1), (1, 72, 0), (1, 70, 1)]
)
def test_no_present_is_for_a_birthday_that_is_so_long_ago_that_it_would_be_over(
    joined: float, heard: float, given: int
) -> None:
    """A member who is imported takes none out of the stock for the years before; 1 February is day 31."""
    account = Account(program("{points: 50, reward: mug}"))
    account.hear(heard, joined, born())
    account.hear(heard, joined, MemberEnrolled())
    account.advance(heard)
    issued = [time for time, fact in account.facts if isinstance(fact, RewardIssued)]
    assert account.counters["stock:mug"] == len(account.state.vouchers) == len(issued) == given
    assert all(time + timedelta(days=40) > day(heard) for time in issued)
    wishes = account.emitted(MemberBirthday)
    assert [fact.voucher_code is not None for fact in wishes] == [False] * (len(wishes) - given) + [
        True
    ] * given
    assert all(fact.points == 50 for fact in wishes)


def test_what_is_gone_is_not_given_and_the_wishes_come_all_the_same() -> None:
    shared = Counter[str]()
    first = member("{reward: mug}", counters=shared)
    second = member("{reward: mug}", "cust-2", shared)
    first.fire(day(40))
    second.fire(day(40))
    assert first.emitted(MemberBirthday)[0].voucher_code
    assert [fact.voucher_code for fact in second.emitted(MemberBirthday)] == [None]
    assert not second.emitted(RewardIssued)


def test_in_whatever_order_it_is_heard_there_is_one() -> None:
    told = (
        (day(1), MemberEnrolRequested()),
        (day(2), born("--02-01")),
        (day(3), born("--02-03")),
    )
    for order in permutations(told):
        account = Account(program("{reward: mug}"))
        for at, data in order:
            account.apply(at, data)
        account.fire(day(60))
        times = [time for time, fact in account.facts if isinstance(fact, RewardIssued)]
        assert [f"{time:%m-%d}" for time in times] == ["02-03"]


@pytest.mark.parametrize(
    ("birthday", "fault"),
    [
        ("{}", "birthday.points: is missing: write points, a reward, or both"),
        ("{reward: cup}", "birthday.reward: is no reward of this program: cup"),
    ],
)
def test_what_is_no_present_stops_the_start(birthday: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        program(birthday)


def test_the_program_that_ships_has_one() -> None:
    shipped = load().versions[-1]
    assert shipped.birthday is not None
    assert shipped.birthday.reward in shipped.catalogue
