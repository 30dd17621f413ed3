"""A goal may ask more of its event, and how it stands to what started the rule; it counts as any does."""

from itertools import permutations

import pytest

from services.followup.config import parse_versions
from services.followup.domain.policy import Policy
from shared.runtime.config import ConfigError
from shared.schemas.outreach import OutreachCancelled, OutreachGoalReached, OutreachSuppressed

from .driver import DAY, HEAD, HOUR, NOON, Driver, granted, profile, returned, started, written
from .shop import ada, sent
from .test_suggestions import RULE, bought, others
from .test_trials import arms

SAME = "goal.items.exists(i, i.sku == trigger.items[0].sku)"


def rule(asked: str, more: str = "", head: str = "$HEAD") -> str:
    goal = f"goal: {{event: purchase.made, if: '{asked}', within: 14d}}"
    body = "name: again, triggers: [purchase.made], for_each: order_id, delay: 1h, template: thank-you"
    body += f", {goal}{more}"
    return f"{head}\nrules:\n  - {{{body}}}"


def known(by: Policy, customer: str = "c-1") -> Driver:
    driver = Driver(policy=by, instant=True, customer=customer)
    driver.event(profile(email=f"{customer}@example.org"))
    driver.event(granted())
    return driver


def goals(driver: Driver) -> list[OutreachGoalReached]:
    return driver.facts(OutreachGoalReached)


def test_only_what_the_condition_says_is_the_goal() -> None:
    driver = known(written(rule('goal.total.amount >= 5000 && goal.channel == "store"')))
    driver.event(bought("o-1", "tea"))
    driver.after(DAY)
    driver.event(bought("o-2", "cup", prices=[4999]))
    assert not goals(driver)
    driver.event(bought("o-3", "pot", prices=[5000]))
    assert {fact.outreach_id for fact in goals(driver)} == {row["_id"] for row in driver.sent[:1]}


def test_it_says_which_message_the_event_counts_for() -> None:
    """Orders have names of their own, so that ``for_each`` could never tell."""
    driver = known(written(rule(SAME)))
    driver.event(bought("o-1", "tea"))
    driver.event(bought("o-2", "cup"))
    driver.after(DAY)
    assert len(driver.sent) == 2
    driver.event(bought("o-3", "pot", "cup"))
    (told,) = goals(driver)
    assert told.outreach_id == driver.sent[1]["_id"]
    driver.event(bought("o-4", "tea"))
    assert len(goals(driver)) == 2


@pytest.mark.parametrize("lines", [1, 2])
def test_what_the_rule_itself_asks_of_the_trigger_is_kept_beside_it(lines: int) -> None:
    """Of the lines one asks the SKUs, the other the quantities."""
    driver = known(written(rule(SAME, f", if: 'trigger.items.filter(i, i.quantity == 1).size() == {lines}'")))
    driver.event(bought("o-1", "tea"))
    driver.after(DAY)
    assert len(driver.sent) == (lines == 1)
    driver.event(bought("o-2", "tea"))
    assert len(goals(driver)) == (lines == 1)


def test_before_its_message_it_calls_that_one_off() -> None:
    driver = known(written(rule(SAME)))
    driver.event(bought("o-1", "tea"))
    driver.event(bought("o-2", "cup"))
    driver.after(HOUR / 2)
    driver.event(bought("o-3", "tea"))
    driver.after(DAY)
    (cancelled,) = driver.facts(OutreachCancelled)
    assert cancelled.reason == "goal_reached"
    assert len(driver.sent) == 2, "of the cups, and of the second order of tea"


@pytest.mark.parametrize("order", [*permutations(range(3))])
@pytest.mark.parametrize("other", [False, True])
def test_it_is_the_same_in_whatever_order_things_are_heard(order: tuple[int, ...], other: bool) -> None:
    goal = "goal: {event: purchase.made, if: 'goal.items.exists(i, i.sku == trigger.plan)', within: 14d}"
    body = f"name: hello, triggers: [subscription.started], delay: 1h, template: welcome, {goal}"
    driver = known(written(f"$HEAD\nrules:\n  - {{{body}}}"))
    facts = [
        (started(), NOON),  # of the plan "gold"
        (bought("o-1", "pot" if other else "gold"), NOON + HOUR / 6),
        (bought("o-2", "cup"), NOON + HOUR / 3),
    ]
    driver.after(HOUR / 2)
    for place in order:
        data, at = facts[place]
        driver.event(data, at=at)
    driver.after(DAY)
    assert bool(driver.sent) == other
    ended = [*driver.facts(OutreachCancelled), *driver.facts(OutreachSuppressed)]
    assert [fact.reason for fact in ended] == ([] if other else ["goal_reached"])
    assert not goals(driver), "none went before it"
    driver.event(bought("o-3", "gold"))
    assert len(goals(driver)) == len(driver.sent)


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ("goal.items.exists(i, i.skuu == trigger.items[0].sku)", "goal.if: "),
        ("false && goal.colour == 1", "goal.if: goal has no field colour"),
        ("goal.order_id == trigger.colour", "goal.if: trigger has no field colour"),
        ("purchases.count > 1", "goal.if: "),
        ('local_time() > "08:00"', "goal.if: it sees goal and trigger alone, and not local_time"),
        ("goal.total.amount", "goal.if: it is a whole number, not true or false"),
        ("goal.order_id ==", "goal.if: "),
        ("goal.total.amount / 0 > 1", "goal.if: it fails for events of which all is known"),
    ],
)
def test_what_cannot_be_stops_the_start(asked: str, fault: str) -> None:
    with pytest.raises(ConfigError) as found:
        parse_versions(rule(asked, head=HEAD))
    assert f"rules[0].{fault}" in str(found.value)


def test_who_buys_what_was_suggested_has_reached_the_goal() -> None:
    driver = ada()
    others(driver, "machine", "beans")
    driver.event(bought("o-1", "machine"))
    driver.after(8 * DAY)
    [message] = sent(driver, RULE)
    driver.event(bought("o-2", "cups"))
    assert not [one for one in goals(driver) if one.rule == RULE]
    driver.event(bought("o-3", "beans"))
    [told] = [one for one in goals(driver) if one.rule == RULE]
    assert (told.outreach_id, told.goal) == (message["_id"], "purchase.made")


def test_those_held_out_count_theirs_too() -> None:
    """By intention to treat: what they would have been told of, they may buy as well."""
    by = written(rule(SAME, ", holdout: 0.5"))
    people = [known(by, f"c-{number}") for number in range(20)]
    for number, driver in enumerate(people):
        driver.event(bought("o-1", "tea"))
        driver.after(DAY)
        driver.event(bought("o-2", "tea" if number % 2 else "cup"))
    assert len({row["_id"] for driver in people for row in driver.sent}) < 40
    for arm in ("all", "holdout"):
        mine = [n for n, driver in enumerate(people) if arm in arms(driver)]
        assert mine
        assert arms(*people)[arm]["reached"] == len([n for n in mine if n % 2])


MET = "goal.items.exists(i, i.sku == trigger.plan)"


def plan(goal: str = MET, delay: str = "1h") -> str:
    body = f"name: hello, triggers: [subscription.started], delay: {delay}, template: welcome"
    return f"rules:\n  - {{{body}, goal: {{event: purchase.made, if: '{goal}', within: 14d}}}}"


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("place", [0, 5, 11])
def test_what_else_was_bought_hides_it_in_no_order(place: int, gone: bool) -> None:
    """Eleven others of later are heard before it, among them, or after it."""
    driver = known(written(f"$HEAD\n{plan()}"))
    driver.event(started())  # of the plan "gold"
    at = NOON + (2 if gone else 0.1) * HOUR
    driver.after(3 * HOUR if gone else HOUR / 2)
    orders = [(f"o-{number}", "cup", at + (number + 1) * HOUR / 100) for number in range(11)]
    for order, sku, when in [*orders[:place], ("o", "gold", at), *orders[place:]]:
        driver.event(bought(order, sku), at=when)
    driver.after(DAY)
    assert (len(driver.sent), len(goals(driver))) == ((1, 1) if gone else (0, 0))
    assert arms(driver)["all"]["reached"] == gone
    assert len(driver.state.signals) == 10


VERSIONS = f"""$HEAD
{plan("goal.total.amount > 1")}
---
$HEAD
effective: 2026-03-02T13:00:00Z
{plan('true || goal.order_id == "x"').replace("purchase.made", "purchase.returned")}
"""


def test_each_version_has_its_own_goal() -> None:
    """What is the goal of the one says nothing of the other's, though it is of a rule of that name."""
    driver = known(written(VERSIONS))
    driver.after(2 * HOUR)
    driver.event(started())
    driver.after(HOUR / 2)
    driver.event(bought("o-1", "tea"))
    driver.after(DAY)
    assert len(driver.sent) == 1
    driver.event(returned("o-1"))
    assert [told.goal for told in goals(driver)] == ["purchase.returned"]


def test_a_trial_is_judged_by_the_version_that_began_it() -> None:
    """The trigger was under the one, the message was due under the other."""
    driver = known(written(VERSIONS.replace("true || ", "")))
    driver.event(started())
    driver.after(2 * HOUR)
    driver.event(bought("o-1", "tea"))
    assert arms(driver)["all"]["reached"] == 1
    assert len(goals(driver)) == 1


def test_only_the_latest_of_what_may_be_the_goal_is_kept() -> None:
    driver = known(written(rule(SAME)))
    for number in range(15):
        driver.event(bought(f"o-{number}", f"tea-{number}"))
        driver.after(HOUR)
    kept = [one for one in driver.state.signals if one.rule == "again"]
    assert len(kept) == 10
    assert "tea-14" in kept[-1].what
