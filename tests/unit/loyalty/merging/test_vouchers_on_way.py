"""Vouchers that a purchase used while they were on their way between ids: they are used once they come."""

import pytest

from services.loyalty.domain.rewards import MOST_USED
from shared.schemas.commands.loyalty import RedemptionRequested
from shared.schemas.customers import CustomerMerged, CustomerUnmerged
from shared.schemas.loyalty import RewardIssued

from .company import Company

WAYS: dict[str, list[tuple[str, str] | None]] = {
    "home": [("a", "b"), None, ("a", "")],
    "home from a chain": [("a", "b"), ("b", "c"), None, ("a", "")],
    "home by two": [("a", "b"), ("b", "c"), None, ("b", ""), ("a", "")],
    "elsewhere": [("a", "b"), None, ("a", ""), ("a", "c")],
    "back again": [("a", "b"), None, ("a", ""), ("a", "b")],
    "there": [("a", "b")],
}


class Slow(Company):
    """Its commands to itself arrive when a test lets them."""

    read = 0

    def settle(self) -> None:
        while self.read < len(self.worker.emitted):
            event = self.worker.emitted[self.read]
            self.read += 1
            if event.data.topic == "commands":
                self.worker.send(event)


def on_the_way(way: str) -> tuple[Slow, str]:
    """A voucher of ``a``, and its code."""
    company = Slow(loopback=False)
    company.buy("a", 0, 10_000)
    company.tell("a", 1, RedemptionRequested(reward_id="tea"))
    for step in WAYS[way]:
        if step is None:
            company.settle()
        elif step[1]:
            company.tell(step[0], 2, CustomerMerged(into=step[1], reason="r"))
        else:
            company.tell(step[0], 2, CustomerUnmerged.model_validate({"from": "x", "reason": "r"}))
    return company, company.worker.facts(RewardIssued)[0].voucher_code


def vouchers(company: Company) -> list[tuple[str, str | None]]:
    return [(one.status, one.order_id) for id in "abc" for one in company.state(id).vouchers]


def waiting(company: Company) -> int:
    return sum(len(company.state(id).used) for id in "abc")


@pytest.mark.parametrize("way", WAYS)
def test_it_is_used_when_it_comes(way: str) -> None:
    company, code = on_the_way(way)
    company.buy("a", 3, 5_000, "o-v", voucher_codes=[f" {code.lower()} ", "OTHER"])
    company.settle()
    assert vouchers(company) == [("redeemed", "o-v")]
    assert waiting(company) == 1, "somebody else's code waits, as nobody knows whose it is"
    company.give_back("a", 4, "o-v", 5_000)
    company.settle()
    assert (vouchers(company), waiting(company)) == ([("open", None)], 0)


@pytest.mark.parametrize("way", WAYS)
def test_a_purchase_that_is_told_late_uses_it_too(way: str) -> None:
    """Its code is not forgotten at the next one, though the purchase is older than codes are kept."""
    company, code = on_the_way(way)
    company.buy("a", 20, 100, "o-new")
    company.buy("a", 3, 5_000, "o-v", voucher_codes=[code])
    company.buy("a", 20, 100, "o-shop", voucher_codes=["OTHER"])
    company.settle()
    assert vouchers(company) == [("redeemed", "o-v")]


@pytest.mark.parametrize("way", WAYS)
def test_it_is_open_where_the_order_came_back_before_it(way: str) -> None:
    company, code = on_the_way(way)
    company.buy("a", 3, 5_000, "o-v", voucher_codes=[code])
    company.give_back("a", 3, "o-v", 5_000)
    company.settle()
    assert (vouchers(company), waiting(company)) == ([("open", None)], 0)


def test_few_codes_wait_and_none_of_who_was_never_merged() -> None:
    company, _ = on_the_way("home")
    for n in range(MOST_USED + 2):
        company.buy("a", 3, 100, f"o-{n}", voucher_codes=[f"X{n}"])
    company.buy("d", 3, 100, "o-d", voucher_codes=["X"])
    assert (len(company.state("a").used), len(company.state("d").used)) == (MOST_USED, 0)
    company.buy("a", 20, 100, "o-last", voucher_codes=["Y"])
    assert [one.code for one in company.state("a").used] == ["Y"]
