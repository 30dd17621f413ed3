"""Two members are one: points, orders, vouchers and tiers go on under the survivor's id, and come back."""

from shared.schemas.commands.loyalty import (
    RedemptionRequested,
    VoucherCancelRequested,
    VoucherRedeemRequested,
)
from shared.schemas.customers import CustomerRegistered
from shared.schemas.loyalty import TierChanged

from .company import Company


def test_points_go_as_lots_with_their_own_dates() -> None:
    company = Company()
    company.buy("a", 0, 5_000)
    company.buy("a", 10, 3_000)
    company.buy("b", 5, 2_000)
    before = [(lot.earned_at, lot.expires_at, lot.remaining) for lot in company.state("a").lots]
    company.merge("a", "b", 20)
    assert (company.balance("a"), company.balance("b")) == (0, 100)
    after = [(lot.earned_at, lot.expires_at, lot.remaining) for lot in company.state("b").lots]
    assert set(before) < set(after)
    assert company.entries("a")[-1] == ("merged", -80)
    assert company.entries("b") == [("purchase", 20), ("merged", 50), ("merged", 30)]
    assert company.explained("a")[-1] == "80 points went to customer b, who is the same person."
    assert company.explained("b")[-1].startswith("30 points came from customer a, who is the same person")
    assert company.state("b").lifetime == 100


def test_what_is_told_of_the_old_id_is_the_survivors() -> None:
    company = Company()
    company.buy("a", 0, 5_000, "o-a")
    company.merge("a", "b", 1)
    company.buy("a", 2, 1_000)
    assert (company.balance("a"), company.balance("b")) == (0, 60)
    company.give_back("a", 3, "o-a", 5_000)
    assert company.balance("b") == 10
    company.check()


def test_an_order_of_both_is_one_order() -> None:
    company = Company()
    company.buy("a", 0, 5_000, "o-1")
    company.buy("b", 1, 5_000, "o-1")
    company.merge("a", "b", 2)
    assert company.balance("b") == 50
    assert ("duplicate_order", -50) in company.entries("b")
    company.give_back("b", 3, "o-1", 5_000)
    assert company.balance("b") == 0
    company.check()


def test_a_tier_is_judged_by_what_both_have_spent_and_never_lost() -> None:
    company = Company()
    company.buy("a", 0, 60_000)
    company.buy("b", 1, 60_000)
    company.merge("a", "b", 2)
    assert company.state("b").periods[-1].tier == "gold"
    company.buy("c", 3, 100_000)
    company.merge("c", "d", 4)
    assert company.state("d").periods[-1].tier == "gold"
    apart = company.state("c").apart
    assert apart is not None
    assert apart.stayed is not None
    assert company.state("d").enrolled_at == apart.stayed.enrolled_at
    told = [e.subject for e in company.worker.emitted if isinstance(e.data, TierChanged)]
    assert told == ["b", "c", "d"]


def test_a_voucher_of_the_old_id_is_used_and_cancelled_by_the_survivor() -> None:
    company = Company()
    company.buy("a", 0, 10_000)
    codes = []
    for _ in range(2):
        bought = company.tell("a", 1, RedemptionRequested(reward_id="tea"))
        assert bought.outcome is not None
        codes.append(str(bought.outcome.body["voucher_code"]))
    company.merge("a", "b", 2)
    assert company.balance("b") == 20
    assert {row["member"] for row in company.worker.rows("vouchers")} == {"b"}
    used = company.tell("b", 3, VoucherRedeemRequested(voucher_code=codes[0]))
    assert used.outcome is not None
    assert used.outcome.status == 200
    asked = company.tell("a", 4, VoucherCancelRequested(voucher_code=codes[1]))
    assert asked.outcome is not None
    assert asked.outcome.status == 308
    uid = asked.outcome.body["uid"]
    assert company.worker.store.outcomes[uid].body["balance"] == 60
    company.check()


def test_undone_each_has_what_is_left_of_theirs() -> None:
    company = Company()
    company.buy("a", 0, 5_000, "o-a")
    company.buy("b", 0, 3_000, "o-b")
    company.merge("a", "b", 1)
    company.buy("a", 2, 1_000, "o-a2")
    company.tell("b", 3, RedemptionRequested(reward_id="tea"))
    assert company.balance("b") == 50
    company.unmerge("a", "b", 4)
    state = company.state("a")
    assert {order.order_id for order in state.orders} == {"o-a", "o-a2"}
    assert state.periods
    assert state.enrolled_at is not None
    assert company.balance("a") + company.balance("b") == 50
    gone = 60 - company.balance("a")
    assert gone > 0
    assert any(f"{gone} points" in sentence for sentence in company.explained("a"))
    assert {order.order_id for order in company.state("b").orders} == {"o-b"}
    company.give_back("a", 5, "o-a", 5_000)
    company.check()
    company.buy("a", 6, 2_000)
    assert company.entries("a")[-1] == ("purchase", 20)


def test_a_profile_is_known_of_both_and_apart_again() -> None:
    company = Company()
    company.tell("a", 0, CustomerRegistered(name="Ann", birthday="1990-03-01", timezone="Europe/Berlin"))
    company.tell("b", 1, CustomerRegistered(name="Ann", timezone="Europe/Paris"))
    company.buy("a", 1, 1_000)
    company.merge("a", "b", 2)
    profile = company.state("b").profile
    assert profile["birthday"].value == "1990-03-01"
    assert profile["timezone"].value == "Europe/Paris"
    company.unmerge("a", "b", 3)
    assert "birthday" not in company.state("b").profile
    assert company.state("b").profile["timezone"].value == "Europe/Paris"
    assert company.state("a").profile["timezone"].value == "Europe/Berlin"


def test_merged_again_after_it_was_undone() -> None:
    company = Company()
    company.buy("a", 0, 5_000)
    for round in range(3):
        company.merge("a", "b", 1 + 2 * round)
        assert (company.balance("a"), company.balance("b")) == (0, 50)
        company.unmerge("a", "b", 2 + 2 * round)
        assert (company.balance("a"), company.balance("b")) == (50, 0)
    assert company.state("b").apart is None
