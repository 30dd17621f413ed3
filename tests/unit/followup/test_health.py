"""What the metrics tell of a customer: rules start at it, conditions see it, and the later word holds."""

from itertools import permutations

import pytest

from services.followup.domain.history import health
from services.followup.domain.history.state import Health
from shared.schemas.base import Data, Money
from shared.schemas.insights import ChurnWarned, HealthChanged, SegmentChanged
from shared.schemas.teams import TaskOpened
from shared.schemas.times import micros

from .driver import DAY, HOUR, NOON, Driver, granted, opened, profile, started, written
from .shop import ada, against, bought, sent

WARNED = ChurnWarned(probability=0.75)


def changed(score: int, churn: float, clv: int | None = None) -> HealthChanged:
    worth = {} if clv is None else {"clv": Money(amount=clv, currency="EUR")}
    return HealthChanged(score=score, churn_probability=churn, **worth)


def drifting(*, last_bought: int = 90) -> Driver:
    """A customer with two purchases who may leave, as the metrics have just said."""
    driver = ada()
    for number, ago in enumerate((last_bought + 20, last_bought)):
        driver.event(bought(f"o-{number}", channel="store"), at=NOON - ago * DAY)
    driver.event(SegmentChanged(to="at_risk"))
    driver.event(changed(35, 0.75))
    driver.event(WARNED)
    return driver


def test_who_may_leave_is_won_back_once() -> None:
    driver = drifting()
    driver.after(2 * DAY)
    [message] = sent(driver, "may-leave")
    assert message["at"] == NOON + DAY
    assert message["subject"] == "We would be glad to see you again"
    assert "anything that kept you away" in " ".join(message["text"].split())
    driver.event(WARNED)
    driver.after(2 * DAY)
    assert len(sent(driver, "may-leave")) == 1


def test_who_bought_meanwhile_is_not() -> None:
    driver = drifting()
    driver.after(HOUR)
    driver.event(bought("o-9", channel="store"))
    driver.after(3 * DAY)
    assert not sent(driver, "may-leave")


def test_whom_the_metrics_think_better_of_by_then_is_not() -> None:
    driver = drifting()
    driver.after(HOUR)
    driver.event(changed(80, 0.25))
    driver.after(2 * DAY)
    assert not sent(driver, "may-leave")
    [why] = against(driver, "may-leave")
    assert why is not None
    assert "health.churn_probability >= 0.5" in why


def test_who_complains_left_long_ago_or_came_once_is_not() -> None:
    complains = drifting()
    complains.event(opened())
    once = ada()
    once.event(bought("o-1", channel="store"), at=NOON - 90 * DAY)
    once.event(changed(35, 0.75))
    once.event(WARNED)
    for driver in (complains, once, drifting(last_bought=400)):
        driver.after(2 * DAY)
        assert not sent(driver, "may-leave")


def test_who_was_written_to_for_the_same_reason_is_not() -> None:
    driver = ada()
    driver.event(bought("o-1", channel="store"), at=NOON - DAY)
    driver.event(bought("o-2", channel="store"))
    driver.after(62 * DAY)
    assert len(sent(driver, "win-back")) == 1
    driver.event(changed(35, 0.75))
    driver.event(WARNED)
    driver.after(2 * DAY)
    assert not sent(driver, "may-leave")


def test_a_subscriber_who_may_leave_is_called() -> None:
    driver = ada("subscription")
    driver.event(started("s-1", NOON + 200 * DAY))
    driver.event(WARNED)
    driver.after(2 * HOUR)
    [task] = driver.facts(TaskOpened)
    assert (task.kind, task.due_at) == ("call", NOON + HOUR + 3 * DAY)
    assert "Ada Byron is likely to leave: 75 %." in task.text
    over = ada("subscription")
    over.event(WARNED)
    over.after(2 * HOUR)
    assert not over.facts(TaskOpened)


RULES = """$HEAD
rules:
  - name: come
    triggers: [purchase.made]
    delay: 1h
    if: '%s'
    template: welcome
    variables: []
"""


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ("health.score < 50", True),
        ("health.score >= 50", False),
        ("health.churn_probability > 0.7", True),
        ('health.segment == "at_risk"', True),
        ("health.clv.amount >= 10000 && days_since(health.warned_at) < 7", True),
        ("days_since(health.at) > 7", False),
        ("has(health.score)", True),
    ],
)
def test_conditions_see_what_was_told(condition: str, met: bool) -> None:
    driver = Driver(policy=written(RULES % condition))
    driver.event(profile())
    driver.event(granted())
    driver.event(SegmentChanged(to="at_risk"))
    driver.event(changed(35, 0.75, clv=12_000))
    driver.event(WARNED)
    driver.event(bought("o-1"))
    driver.after(2 * HOUR)
    assert bool(driver.sent) is met


def test_what_was_never_told_is_not_known() -> None:
    driver = Driver(policy=written(RULES % "health.score < 50"))
    driver.event(profile())
    driver.event(granted())
    driver.event(bought("o-1"))
    driver.after(2 * HOUR)
    assert against(driver, "come") == ["if: health.score < 50 (score is not known)"]


WORDS: list[tuple[Data, int]] = [
    (changed(80, 0.25), 3),
    (ChurnWarned(probability=0.75), 2),
    (changed(70, 0.625, clv=5), 1),
    (ChurnWarned(probability=0.875), 4),
]


@pytest.mark.parametrize("words", [*permutations(WORDS)], ids=range(24))
def test_the_later_word_holds_in_whatever_order(words: tuple[tuple[Data, int], ...]) -> None:
    known: Health | None = None
    for data, days_ago in words:
        assert isinstance(data, HealthChanged | ChurnWarned)
        known = health.told(known, data, micros(NOON - days_ago * DAY))
    assert known is not None
    assert (known.score, known.churn_probability, known.clv) == (70, 0.625, (5, "EUR"))
    assert (known.at, known.warned_at) == (micros(NOON - DAY), micros(NOON - 2 * DAY))
