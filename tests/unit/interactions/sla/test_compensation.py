"""Limits of compensation, by scope and severity."""

from services.interactions.config import parse
from services.interactions.domain.sla.compensation import Compensation
from shared.schemas.base import Money

from .contract import CONTRACT


def money(amount: int, currency: str = "EUR") -> Money:
    return Money(amount=amount, currency=currency)


def test_compensation_is_limited_by_scope_and_severity() -> None:
    limits = parse(CONTRACT).compensation
    agent = {"complaints:write"}
    assert limits.allows(agent, "normal", points=500)
    assert not limits.allows(agent, "normal", points=501)
    assert limits.allows(agent, "normal", money=money(2000))
    assert not limits.allows(agent, "normal", money=money(2001))
    assert not limits.allows(agent, "normal", money=money(1, "USD"))  # nobody could compare it
    assert limits.allows(agent, "normal")  # a voucher has no amount
    assert limits.allows(agent, "critical", points=10**6)  # no limit speaks of it
    assert limits.allows({"admin"}, "normal", points=10**6)


def test_of_several_limits_the_highest_counts() -> None:
    limits = Compensation.model_validate(
        {
            "limits": [
                {"scope": "complaints:write", "points": 100},
                {"scope": "complaints:write", "severity": "critical", "points": 1000},
                {"scope": "complaints:approve", "points": 700, "money": {"amount": 5, "currency": "USD"}},
            ]
        }
    )
    both = {"complaints:write", "complaints:approve"}
    assert [limits.allows({"complaints:write"}, "low", points=p) for p in (100, 101)] == [True, False]
    assert [limits.allows({"complaints:write"}, "critical", points=p) for p in (1000, 1001)] == [True, False]
    assert [limits.allows(both, "low", points=p) for p in (700, 701)] == [True, False]
    assert [limits.allows(both, "low", money=money(p, "USD")) for p in (5, 6)] == [True, False]


def test_a_limit_of_nothing_asks_for_an_approval_always() -> None:
    none = {"scope": "complaints:write", "points": 0, "money": {"amount": 0, "currency": "EUR"}}
    limits = Compensation.model_validate({"limits": [none]})
    assert not limits.allows({"complaints:write"}, "low", points=1)
    assert not limits.allows({"complaints:write"}, "low", money=money(1))
