"""Other people's clocks: what comes from the future waits for its time and moves nothing else."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain import RefusedError
from shared.schemas.base import Data
from shared.schemas.commands.loyalty import RedemptionRequested, VoucherCancelRequested
from shared.schemas.complaints import CompensationGranted
from shared.schemas.customers import CustomerUpdated
from shared.schemas.loyalty import MemberAnniversary, MemberBirthday, MemberEnrolled, TierChanged
from tests.examples import examples

from .account import PLAIN, RETAIL, Account, day
from .facts import bought, went_back
from .platform import Platform
from .test_properties import QUICK

HOUR = 1 / 24


def test_a_till_20_hours_ahead_ends_no_other_lots_validity() -> None:
    account = Account(PLAIN)
    account.apply(day(0), bought("old", 10_000))
    now = 365 - 12 * HOUR  # good for 12 h more
    account.hear(now, now + 20 * HOUR, bought("ahead", 5_000))
    assert account.balance == 100
    assert account.redeem(now + HOUR)  # free delivery costs 100
    account.advance(now + 21 * HOUR)
    assert account.entries() == [("earned", 100), ("redeemed", -100), ("earned", 50)]
    assert account.state.lots[0].earned_at == account.state.orders[-1].at


def test_its_points_are_pending_until_then_and_dated_by_its_own_time() -> None:
    account = Account(PLAIN)
    account.apply(day(0), bought("o", 10_000))
    account.hear(1, 1 + 20 * HOUR, bought("ahead", 5_000))
    for at, balance, pending in ((1, 100, 50), (1 + 19 * HOUR, 100, 50), (1 + 20 * HOUR, 150, 0)):
        seen = account.view(at)
        assert (seen.balance, seen.pending) == (balance, pending)
    account.advance(2)
    assert account.facts[-1][0] == day(1 + 20 * HOUR)


def test_it_brings_no_anniversary_early() -> None:
    account = Account(RETAIL)
    account.apply(day(0), bought("o", 100))
    account.hear(364.5, 365.2, bought("ahead", 100))
    assert account.emitted(MemberAnniversary) == []
    account.advance(366)
    assert len(account.emitted(MemberAnniversary)) == 1


def test_it_raises_the_tier_from_its_own_time_on() -> None:
    account = Account(PLAIN)
    account.apply(day(0), bought("o", 10_000))
    account.hear(1, 1.5, bought("ahead", 100_000))
    account.hear(1.1, 1.1, bought("now", 1_000))
    assert account.tier == "bronze"
    assert account.balance == 110
    account.advance(2)
    assert [(time, fact.to) for time, fact in account.tier_history()] == [(day(1.5), "gold")]  # type: ignore[union-attr]


def test_a_voucher_that_it_used_is_used_at_once_and_was_good_when_it_was_heard() -> None:
    account = Account(PLAIN)
    account.apply(day(0), bought("o", 30_000))
    code = account.redeem(1)  # good for 60 days
    account.hear(60.9, 61.5, bought("ahead", 1_000, voucher_codes=[code]))
    with pytest.raises(RefusedError, match="voucher_redeemed"):
        account.use(60.95, code)
    account.advance(62)
    assert account.state.vouchers[0].order_id == "ahead"


def test_a_request_from_the_future_is_done_now() -> None:
    account = Account(PLAIN)
    account.apply(day(0), bought("old", 10_000))
    now = 365 - 12 * HOUR
    answer = account.hear(now, now + 20 * HOUR, RedemptionRequested(reward_id="free-delivery"))
    assert answer.status == 201
    assert account.state.vouchers[0].issued_at == account.state.at
    assert account.hear(now, now + 1, VoucherCancelRequested(voucher_code=answer.body["voucher_code"]))
    assert account.balance == 100


def test_a_return_from_the_future_takes_nothing_from_lots_that_end_before() -> None:
    account = Account(PLAIN)
    account.apply(day(0), bought("old", 10_000))
    account.apply(day(300), bought("o", 10_000))
    account.redeem(300)
    account.redeem(300)  # of the second, too: nothing is left
    account.adjust(300, 40)
    account.hear(300.1, 300.9, went_back("o", "r", 10_000))
    assert account.balance == 40
    account.advance(301)
    assert account.balance == -60


def test_what_turns_out_to_be_bad_then_is_a_dead_letter() -> None:
    account = Account(PLAIN)
    account.hear(1, 1.5, bought("o", 10_000))
    account.hear(1, 1.2, went_back("o", "r-1", 20_000))
    account.hear(1, 1.7, went_back("o", "r-2", 6_000))
    account.advance(2)
    assert [(r.code, r.event.id) for r in account.retracts] == [("refund_exceeds_total", "e-2")]
    assert account.balance == 40


def test_a_return_of_the_future_takes_its_part_of_the_order_when_it_is_heard() -> None:
    """As in all services: of two returns that are too much together the first in the log holds."""
    account = Account(PLAIN)
    account.apply(day(0), bought("o", 10_000))
    account.hear(1, 1.5, went_back("o", "r-2", 6_000))
    with pytest.raises(RefusedError, match="refund_exceeds_total"):
        account.hear(1, 1.2, went_back("o", "r-1", 6_000))
    account.hear(1, 0.9, went_back("o", "r-3", 4_000))
    assert account.balance == 60, "its points go when its time comes"
    account.advance(2)
    assert (account.retracts, account.balance) == ([], 0)


def test_a_copy_of_what_waits_is_a_copy() -> None:
    account = Account(PLAIN)
    for at in (1.0, 1.1):
        account.hear(at, 1.5, bought("o", 10_000))
    with pytest.raises(RefusedError, match="duplicate_order"):
        account.hear(1.2, 1.5, bought("o", 10_001))
    account.advance(2)
    assert account.entries() == [("earned", 100)]


def test_an_enrolment_and_a_compensation_of_the_future_wait_too() -> None:
    account = Account(PLAIN)
    account.hear(0, 0.5, MemberEnrolled())
    account.hear(0, 0.6, CompensationGranted(complaint_id="c", kind="points", points=20))
    assert account.state.enrolled_at is None
    account.advance(1)
    assert account.balance == 20
    assert [time for time, fact in account.facts if isinstance(fact, MemberEnrolled)] == [day(0.5)]


def test_a_profile_of_the_future_is_known_at_once_and_passes_over_no_birthday() -> None:
    account = Account(PLAIN)
    account.apply(day(0), MemberEnrolled())
    account.hear(3.5, 4.4, CustomerUpdated(birthday="--01-05"))  # 2025-01-05 begins at day 4
    account.advance(300)
    assert account.entries() == [("earned", 50)]


def test_a_profile_of_the_future_leaves_a_birthday_that_comes_before_it() -> None:
    account = Account(PLAIN)
    account.apply(day(0), MemberEnrolled())
    account.apply(day(1), CustomerUpdated(birthday="--01-11"))
    account.hear(9.5, 9.5 + 20 * HOUR, CustomerUpdated(timezone="Europe/Berlin"))  # 01-10, at noon
    account.advance(400)
    given = [time for time, fact in account.facts if isinstance(fact, MemberBirthday)]
    assert given == [day(10 - HOUR), day(375 - HOUR)]


steps = st.lists(
    st.tuples(
        st.sampled_from(["buy", "buy", "buy", "back", "give", "redeem"]),
        st.integers(0, 6 * 24),  # hours until the next
        st.sampled_from([0, 0, 0, 1, 7, 20, 24]),  # hours that the clock is ahead
        st.integers(1, 40_000),
        st.integers(0, 5),
    ),
    max_size=14,
)


@settings(max_examples=examples(100), deadline=None)
@given(steps)
def test_clocks_ahead_leave_what_the_history_with_times_as_told_demands(
    moves: list[tuple[str, int, int, int, int]],
) -> None:
    history: list[tuple[float, float, Data]] = []
    now = 0.0
    for number, (what, later, ahead, cents, which) in enumerate(moves):
        now += (later * 3600 + 1) / 86_400  # no two at one instant
        at = now + ahead * HOUR
        match what:
            case "buy":
                data: Data = bought(f"o-{number}", cents, [("green", "tea", 1, cents)])
            case "back":
                data = went_back(f"o-{which}", f"r-{number}", cents // 3)
            case "give":
                data = CompensationGranted(complaint_id="c", kind="points", points=1 + cents % 90)
            case _:
                at, data = now, RedemptionRequested(reward_id="free-delivery")
        history.append((now, at, data))
    for program in (PLAIN, QUICK):
        told, plain = Account(program), Account(program)
        for heard, at, data in history:
            hear(told, heard, at, data)
        for _, at, data in sorted(history, key=lambda entry: entry[1]):
            hear(plain, at, at, data)
        told.advance(now + 2)
        plain.advance(now + 2)
        assert left(told) == left(plain)


def hear(account: Account, now: float, at: float, data: Data) -> None:
    try:
        account.hear(now, at, data)
    except RefusedError as refusal:
        # Of the same history each refuses the same, at once or when its time comes.
        account.refused.append(refusal.code)


def left(account: Account) -> Any:
    """All that was made of a history, but for ids."""
    rows = [(r["at"], r["kind"], r["points"], r["balance"], r.get("expires_at")) for r in account.ledger]
    lots = [(lot.earned_at, lot.expires_at, lot.points, lot.remaining) for lot in account.state.lots]
    state = account.state
    refused = sorted([*account.refused, *(retract.code for retract in account.retracts)])
    tiers = [(at, fact.to) for at, fact in account.facts if isinstance(fact, TierChanged)]
    return rows, lots, state.debt, state.enrolled_at, state.periods, tiers, refused, account.sums


def test_lots_that_are_to_come_are_shown_as_pending(client: TestClient, platform: Platform) -> None:
    platform.account.hear(0, 0, bought("o", 10_000))
    platform.account.hear(1, 1.5, bought("ahead", 5_000))
    platform.now = day(1.1)
    member = client.get("/members/cust-1").json()
    assert (member["balance"], member["pending"]) == (100, 50)
    [ahead, _] = client.get("/members/cust-1/lots").json()["items"]
    assert (ahead["state"], ahead["order_id"], ahead["earned_at"]) == (
        "pending",
        "ahead",
        "2025-01-02T12:00:00Z",
    )
    platform.now = day(1.6)  # the timer is late
    assert client.get("/members/cust-1").json()["balance"] == 150
