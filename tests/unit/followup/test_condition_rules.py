"""Rules with a condition: asked when the message is about to go, of what is known by then, in whatever order
it was heard."""

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.config import DEFAULT_RULES, load_rules
from services.followup.domain.apply import consumes
from services.followup.domain.conditions.holding import holds
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import Rule
from services.followup.domain.state import Planned
from shared.expressions.program import Verdict
from shared.runtime.config import ConfigError
from shared.schemas.base import Data
from shared.schemas.customers import CustomerUpdated
from shared.schemas.outreach import OutreachSuppressed
from shared.schemas.purchases import ProductRegistered
from shared.schemas.times import micros
from tests.examples import examples

from .driver import DAY, HOUR, NOON, Driver, policy, previewed, purchase, reachable, returned, rules, tier
from .hearing import Told


def asking(condition: str, **changes: object) -> Rule:
    """The shipped thank-you, with a condition."""
    written = {"name": "thank-you", "triggers": ["purchase.made"], "for_each": "order_id", "delay": "2h",
               "cancel_on": ["purchase.returned"], "template": "thank-you"}  # fmt: skip
    return Rule.model_validate({**written, "if": condition, **changes})


def driver_of(*these: Rule) -> Driver:
    return reachable(Driver(policy=policy(rules(rules=these, frequency_cap=None))))


def test_a_message_goes_only_if_its_condition_is_met_when_it_is_due() -> None:
    driver = driver_of(asking("purchases.count >= 2"))
    driver.event(purchase("o-1"))
    driver.after(3 * HOUR)
    [told] = driver.facts(OutreachSuppressed)
    assert (told.reason, told.detail) == ("condition_unmet", "if: purchases.count >= 2")
    driver.event(purchase("o-2"))
    driver.after(3 * HOUR)
    assert [message["rule"] for message in driver.sent] == ["thank-you"]
    assert driver.sent[0]["at"] == NOON + 5 * HOUR


def test_what_is_heard_before_it_is_due_counts() -> None:
    """The state at sending decides, not that of the trigger: the second order came within the delay."""
    driver = driver_of(asking("purchases.count >= 2"))
    driver.event(purchase("o-1"))
    driver.after(HOUR)
    driver.event(purchase("o-2"), at=NOON - 40 * DAY)
    driver.after(3 * HOUR)
    assert len(driver.sent) == 1


def test_what_is_not_known_is_said() -> None:
    driver = driver_of(asking('loyalty.tier == "gold"'))
    driver.event(purchase("o-1"))
    driver.after(3 * HOUR)
    driver.event(tier("gold"))
    driver.event(purchase("o-2"))
    driver.after(3 * HOUR)
    [told] = driver.facts(OutreachSuppressed)
    assert told.detail == 'if: loyalty.tier == "gold" (tier is not known)'
    assert len(driver.sent) == 1


def test_a_condition_asks_about_its_own_trigger() -> None:
    bought = 'trigger.items.exists(i, i.sku == "x") && trigger.total.amount > 500'
    driver = driver_of(asking(bought))
    driver.event(purchase("o-1", cents=400))
    driver.event(purchase("o-2", cents=600))
    [planned, _] = driver.state.planned
    assert planned.trigger == {"items": [{"sku": "x"}], "total": {"amount": 400}}
    driver.after(3 * HOUR)
    assert len(driver.sent) == 1
    assert len(driver.facts(OutreachSuppressed)) == 1


def test_when_is_asked_of_the_trigger_at_once() -> None:
    driver = driver_of(
        asking("true", when='trigger.items.exists(i, i.sku == "x") && trigger.total.amount > 500')
    )
    driver.event(purchase("o-1", cents=400))
    assert not driver.state.planned
    driver.event(purchase("o-2", cents=600))
    driver.after(3 * HOUR)
    assert len(driver.sent) == 1
    assert not driver.facts(OutreachSuppressed)
    for when, said in (
        ("purchases.count > 1", "it sees the trigger alone, and not purchases"),
        ("days_since(now) > 1", "it sees the trigger alone, and not days_since"),
        ("trigger.oder_id == 'x'", "trigger has no field oder_id"),
    ):
        with pytest.raises(ValueError, match=said):
            asking("true", when=when)
    restarted = asking("true", when="trigger.total.amount > 500", for_each=None, restart=True, cancel_on=[])
    driver = driver_of(restarted)
    driver.event(purchase("o-1", cents=400))
    assert not driver.timers
    driver.event(purchase("o-2", cents=600))
    assert driver.timers


def test_day_and_time_are_the_customers_own() -> None:
    driver = driver_of(asking('weekday(now) == "tue" && local_time() < "00:30"'))
    driver.policy = policy(rules(rules=driver.policy.rules.rules, quiet_hours=None))
    driver.event(CustomerUpdated(timezone="Asia/Tokyo"))
    driver.event(purchase())  # at noon on Monday, so that it is due at 23:00 there
    driver.after(3 * HOUR)
    assert not driver.sent
    driver.event(purchase("o-2"))
    driver.now = NOON + 3 * HOUR + timedelta(minutes=10)
    driver.after(2 * HOUR)
    assert not driver.sent
    driver.until(NOON + DAY + HOUR)
    driver.event(purchase("o-3"))
    driver.after(3 * HOUR)
    assert [fact.reason for fact in driver.facts(OutreachSuppressed)] == ["condition_unmet"] * 3
    near = driver_of(asking('weekday(now) == "tue" && local_time() < "00:30"'))
    near.policy = policy(rules(rules=near.policy.rules.rules, quiet_hours=None))
    near.event(CustomerUpdated(timezone="Asia/Tokyo"))
    near.after(timedelta(hours=1, minutes=5))
    near.event(purchase())
    near.after(3 * HOUR)
    assert len(near.sent) == 1, "five past midnight on Tuesday"


def test_a_quiet_time_asks_too_but_has_no_trigger() -> None:
    lapse = asking("purchases.count > 1", for_each=None, restart=True, delay="60d", cancel_on=[])
    driver = driver_of(lapse)
    driver.event(purchase("o-1"))
    driver.after(61 * DAY)
    driver.event(purchase("o-2"))
    driver.after(61 * DAY)
    assert len(driver.sent) == 1
    with pytest.raises(ValueError, match="trigger has no field order_id"):
        asking('trigger.order_id == "x"', for_each=None, restart=True)


def test_a_preview_tells_the_condition() -> None:
    driver = driver_of(asking("purchases.count >= 2"))
    [rule] = driver.policy.rules.rules
    shown = previewed(driver, rule)
    assert (shown.decision, shown.reason) == ("suppress", "condition_unmet")
    assert shown.detail == "if: purchases.count >= 2"
    driver.event(purchase("o-1"))
    driver.event(purchase("o-2"))
    assert previewed(driver, rule).decision == "send"


def test_steps_of_a_rule_can_ask() -> None:
    driver = driver_of(asking("purchases.count >= 1"))
    [rule] = driver.policy.rules.rules
    asked = (driver.policy, rule, driver.state)
    now = micros(NOON)
    assert holds(*asked, "purchases.count == 0", now, {}) == Verdict(True)
    assert holds(*asked, 'trigger.order_id == "o"', now, {"order_id": "o"}) == Verdict(True)


def asked_by(of: Policy, rule: Rule) -> str | None:
    """The condition of what the rule sends, by this policy."""
    sent = Planned(
        outreach_id="o-1",
        key="k",
        rule=rule.name,
        template=rule.template,
        purpose="service",
        channel="email",
        due_at=0,
        at=0,
        by=0,
    )
    condition = of.terms(sent).condition
    return None if condition is None else condition.text


def test_each_policy_asks_what_its_own_rules_say() -> None:
    policy = driver_of(asking("purchases.count >= 2")).policy
    [rule] = policy.rules.rules
    assert asked_by(policy, rule) == "purchases.count >= 2"
    other = rule.model_copy(update={"if_": "purchases.count >= 3"})
    later = replace(policy, rules=policy.rules.model_copy(update={"rules": (other,)}))
    assert asked_by(later, rule) == "purchases.count >= 3"
    assert asked_by(policy, rule) == "purchases.count >= 2"


def test_only_what_conditions_name_is_heard_and_kept() -> None:
    plain, asks = driver_of(asking("complaints.open == 0")), driver_of(asking("products.count > 0"))
    owned = ProductRegistered(product_id="p-1", sku="pot", purchased_at=NOON)
    for driver in (plain, asks):
        assert (ProductRegistered in consumes(driver.policy.rules)) == (driver is asks)
        driver.event(CustomerUpdated(tags=("vip",), birthday="1990-01-01"))
        driver.event(purchase())
    asks.event(owned)
    assert plain.state.history is None
    assert asks.state.history is not None
    assert asks.state.history.purchases is None
    assert not {"tags", "birthday"} & asks.state.profile.keys()
    tagged = driver_of(asking('"vip" in profile.tags'))
    tagged.event(CustomerUpdated(tags=("vip",), birthday="1990-01-01"))
    assert "tags" in tagged.state.profile


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ('loyalty.tyer == "gold"', "rules[3].if: loyalty has no field tyer"),
        ("true || profile.tyer == 'x'", "rules[3].if: profile has no field tyer"),
        ("trigger.order_id == 'x'", "rules[3].if: trigger has no field order_id"),
        ("purchases.count", "rules[3].if: it is a whole number, not true or false"),
        ("purchases.count >", "rules[3].if: at character 18 there is the end instead of a value"),
        (True, "rules[3].if:"),
    ],
)
def test_a_bad_condition_stops_the_start_with_its_path(tmp_path: Path, condition: object, said: str) -> None:
    content = yaml.safe_load(DEFAULT_RULES.read_text())
    content["rules"][3]["if"] = condition  # of complaint.updated
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError) as caught:
        load_rules(file)
    assert said in str(caught.value)


def test_a_condition_is_shown_as_it_is_written() -> None:
    [rule] = rules(rules=(asking("purchases.count > 1"),)).model_dump(mode="json", by_alias=True)["rules"]
    assert rule["if"] == "purchases.count > 1"


ORDERS = st.sampled_from(["o-1", "o-2", "o-3"])
FACTS: st.SearchStrategy[Data] = st.one_of(
    st.builds(purchase, ORDERS),
    st.builds(returned, ORDERS, st.sampled_from(["r-1", "r-2"]), st.just(1000)),
)


@given(st.lists(FACTS, max_size=9), st.randoms(use_true_random=False))
@settings(max_examples=examples(100), deadline=None)
def test_what_is_decided_does_not_depend_on_the_order_of_arrival(
    facts: list[Data], dice: random.Random
) -> None:
    """Of the same facts, heard before anything is due, the same messages go."""
    told = [Told(NOON - (number + 1) * timedelta(minutes=1), data) for number, data in enumerate(facts)]
    named = {(one.data.thing, *(getattr(one.data, f) for f in one.data.named_by)): one for one in told}
    outcomes = []
    for _ in range(2):
        heard = [*named.values(), *dice.sample([*named.values()], len(named) // 2)]
        dice.shuffle(heard)
        driver = driver_of(
            asking("purchases.filter(p, !p.returned).size() == 2 || purchases.spent.EUR == 1000")
        )
        for one in heard:
            driver.event(one.data, at=one.at)
        driver.after(DAY)
        sent = sorted((message["rule"], message["at"]) for message in driver.sent)
        outcomes.append((sent, sorted(str(fact.detail) for fact in driver.facts(OutreachSuppressed))))
    assert outcomes[0] == outcomes[1]
