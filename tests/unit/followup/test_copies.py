"""A thing told again under another event id triggers nothing a second time; a later answer corrects."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from services.followup.domain.journeys.goals import MOST_SIGNALS
from services.followup.domain.rules.rule import Rule
from shared.schemas.base import Data
from shared.schemas.feedback import ReferralMade, ReviewPosted, SurveyAnswered
from shared.schemas.loyalty import MemberEnrolled

from .driver import (
    DAY,
    HOUR,
    NOON,
    Driver,
    granted,
    opened,
    policy,
    purchase,
    reachable,
    resolved,
    returned,
    rules,
    started,
)
from .hearing import sent


def rule(name: str, trigger: str, **more: Any) -> Rule:
    return Rule.model_validate(
        {"name": name, "triggers": [trigger], "delay": "2h", "template": "thank-you", **more}
    )


def ruled(*these: Rule) -> Driver:
    """A reachable customer under these rules alone."""
    alone = rules(rules=these, frequency_cap=None, hold_during_complaint=frozenset[str]())
    return reachable(Driver(policy=policy(alone)))


REVIEW = ReviewPosted(sku="mug", rating=5)
REFERRAL = ReferralMade(referred_customer="c-2")


@pytest.mark.parametrize(
    ("trigger", "first", "copy"),
    [
        ("purchase.made", purchase("o-1"), purchase("o-1")),
        ("purchase.made", purchase("o-1"), purchase("o-1", cents=999)),
        ("purchase.returned", returned("o-1"), returned("o-1")),
        ("complaint.opened", opened("k-1"), opened("k-1", category="other")),
        ("subscription.started", started("s-1"), started("s-1")),
        ("review.posted", REVIEW, REVIEW),
        ("referral.made", REFERRAL, REFERRAL),
        ("member.enrolled", MemberEnrolled(), MemberEnrolled(channel="web")),
    ],
)
def test_a_thing_told_again_triggers_nothing(trigger: str, first: Data, copy: Data) -> None:
    driver = ruled(rule("r", trigger))
    driver.event(first, id="wh-1")
    driver.after(3 * HOUR)
    driver.event(copy, at=NOON if isinstance(copy, ReviewPosted) else None, id="wh-2")
    driver.after(DAY)
    assert len(driver.sent) == 1
    assert not driver.worker.dead_letters


def test_another_thing_does_trigger() -> None:
    driver = ruled(rule("r", "purchase.made"))
    for number in range(2):
        driver.event(purchase(f"o-{number}"))
        driver.after(3 * HOUR)
    assert len(driver.sent) == 2


def test_an_order_told_again_with_a_new_time_starts_no_new_quiet_time() -> None:
    driver = reachable(Driver())
    driver.event(purchase("o-1"))
    driver.until(NOON + 50 * DAY)
    driver.event(purchase("o-1"), id="replayed")
    driver.until(NOON + 65 * DAY)
    assert [m["at"] for m in driver.sent if m["rule"] == "win-back"] == [NOON + 60 * DAY]


def test_a_step_told_again_asks_nothing_again() -> None:
    driver = reachable(Driver())
    driver.event(opened(), at=NOON - HOUR)
    driver.event(resolved(), at=NOON)
    driver.after(2 * DAY)
    driver.event(resolved(), at=NOON, id="again")
    driver.after(4 * DAY)
    assert [m["rule"] for m in driver.sent] == ["complaint-check"]


# --- answers


def answer(score: int, about: str | None = "so-1") -> SurveyAnswered:
    thing = {"kind": "order", "id": about} if about else None
    return SurveyAnswered.model_validate({"survey": "nps", "score": score, "about": thing})


PROMOTER = rule("promoter", "survey.answered", when={"score": 10}, variables=["score"])
DETRACTOR = rule("detractor", "survey.answered", when={"score": 0}, variables=["score"])


def answered(*told: tuple[SurveyAnswered, timedelta], after: timedelta = DAY) -> Driver:
    driver = ruled(PROMOTER, DETRACTOR)
    for data, ago in told:
        driver.event(data, at=NOON - ago)
    driver.after(after)
    return driver


def test_the_later_answer_decides_in_every_order() -> None:
    told = [(answer(10), 2 * HOUR / 3), (answer(7), HOUR / 2), (answer(0), HOUR / 4)]
    for order in permutations(told):
        assert sent(answered(*order)) == [("detractor", NOON + 1.75 * HOUR)]


def test_an_answer_given_again_is_thanked_for_once() -> None:
    told = [(answer(10), HOUR), (answer(10), HOUR / 2)]
    for order in permutations(told):
        assert sent(answered(*order)) == [("promoter", NOON + 1.5 * HOUR)]
    driver = answered(told[0])
    driver.event(answer(10))
    driver.after(DAY)
    assert len(driver.sent) == 1


def test_a_correction_that_changes_what_the_rule_asks_starts_it() -> None:
    driver = answered((answer(10), HOUR))
    driver.event(answer(0))
    driver.after(DAY)
    assert [name for name, _ in sent(driver)] == ["promoter", "detractor"]


def test_answers_about_other_things_or_nothing_stand_alone() -> None:
    driver = answered((answer(10), HOUR))
    for number in range(2):
        driver.event(answer(10, f"so-{number + 2}"))
        driver.after(DAY)
        driver.event(answer(10, None))
        driver.after(DAY)
    assert len(driver.sent) == 5


def test_answers_are_remembered_in_bounds() -> None:
    driver = ruled(PROMOTER)
    for number in range(120):
        driver.event(answer(5, f"so-{number}"))
    assert len(driver.state.answers) == 100


# --- what it costs


def test_ten_thousand_orders_cost_bytes() -> None:
    driver = reachable(Driver())
    driver.event(granted(word=False))
    empty = len(driver.state.model_dump_json())
    for number in range(200):
        driver.event(purchase(f"o-{number}"), at=NOON + timedelta(seconds=number))
        driver.after(DAY)
    grown = len(driver.state.model_dump_json()) - empty
    goals = sum(rule.goal is not None for rule in driver.policy.rules.rules) * MOST_SIGNALS
    assert grown <= 200 * 19 + 1_000 + goals * 60
