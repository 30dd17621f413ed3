"""Arms by intention to treat: everybody whom a rule applies to counts once, sent or not, held out or not."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import yaml

from services.followup.config import parse_versions
from services.followup.domain.journeys.arms import arm_of
from services.followup.domain.policy import Policy
from services.followup.domain.results.arms import shares_of
from services.followup.domain.results.cells import RESULTS, Cell
from services.followup.domain.results.report import Report, report
from shared.schemas.customers import CustomerErased

from .driver import DAY, HOUR, NOON, RULES, Driver, granted, opened, policy, profile, purchase, returned

OPENED = {"triggers": ["complaint.opened"], "delay": "2h", "template": "thank-you"}
GOAL = {"event": "purchase.made", "within": "14d"}


def asked(holdout: float | None = None, whole: float | None = None, **changes: Any) -> Policy:
    """A rule that asks whoever complains to buy."""
    shipped = yaml.safe_load((RULES / "retail.yaml").read_text())
    rule = {"name": "ask", **OPENED, "goal": GOAL, **changes}
    rule |= {} if holdout is None else {"holdout": holdout}
    file = {**shipped, "rules": [rule], "hold_during_complaint": []}
    file |= {} if whole is None else {"holdout": whole}
    return policy(parse_versions(yaml.safe_dump(file))[-1])


def people(count: int, by: Policy) -> Iterator[Driver]:
    """Each of them known, and with consent."""
    for number in range(count):
        driver = Driver(by, customer=f"c-{number}")
        driver.event(profile(email=f"c-{number}@example.org"))
        driver.event(granted())
        yield driver


def arms(*drivers: Driver) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for driver in drivers:
        for row in driver.worker.rows(RESULTS):
            cell = Cell.read(row["key"])
            assert cell is not None
            if cell.step == "@":
                sums = {name: n for name, n in row.items() if name in ("assigned", "reached")}
                found.setdefault(cell.variant, Counter()).update(sums)
    return found


def reported(by: Policy, *drivers: Driver) -> Report:
    sums = {Cell("ask", "2026-03-02", "@", arm): counts for arm, counts in arms(*drivers).items()}
    return report(sums, shares_of(by.rules, by.rules.rules[0]))


def test_everybody_falls_to_their_arm_and_those_held_out_count_their_goal_too() -> None:
    by = asked(holdout=0.3)
    drivers = list(people(120, by))
    for number, driver in enumerate(drivers):
        driver.event(opened())
        driver.after(3 * HOUR)
        if number % 3 == 0:
            driver.event(purchase())
    found = arms(*drivers)
    rule = by.rules.rules[0]
    meant = Counter(arm_of(by.rules, rule, driver.customer) or "all" for driver in drivers)
    assert {arm: counts["assigned"] for arm, counts in found.items()} == meant
    held = [arm_of(by.rules, rule, f"c-{n}") == "holdout" for n in range(0, 120, 3)]
    assert found["holdout"]["reached"] == sum(held) > 0
    assert found["all"]["reached"] == len(held) - sum(held)
    assert all(driver.sent == [] for driver in drivers if arm_of(by.rules, rule, driver.customer))
    shown = reported(by, *drivers)
    assert [(arm.name, arm.share) for arm in shown.arms] == [("all", 0.7), ("holdout", 0.3)]
    assert [(lift.arm, lift.against) for lift in shown.lifts] == [("all", "holdout")]
    assert shown.split is not None
    assert not shown.split.mismatch


def test_who_is_sent_nothing_counts_as_assigned() -> None:
    by = asked()
    [driver] = people(1, by)
    driver.event(granted(word=False))
    driver.event(opened())
    driver.after(3 * HOUR)
    assert driver.sent == []
    driver.event(purchase())
    assert arms(driver) == {"all": {"assigned": 1, "reached": 1}}


def test_a_person_counts_once_whatever_happens_again() -> None:
    by = asked()
    [driver] = people(1, by)
    for number in range(4):
        driver.event(opened(f"k-{number}"))
        driver.after(DAY)
        driver.event(purchase(f"o-{number}"))
    assert arms(driver) == {"all": {"assigned": 1, "reached": 1}}
    assert [(trial.rule, trial.arm, trial.reached) for trial in driver.state.trials] == [("ask", "all", True)]


def test_the_goal_counts_after_the_message_was_due_and_within_its_limit() -> None:
    for hours, reached in ((1, 0), (3, 1), (14 * 24 + 1, 1), (14 * 24 + 3, 0)):
        by = asked()
        [driver] = people(1, by)
        driver.event(opened())
        driver.until(NOON + hours * HOUR)
        driver.event(purchase())
        driver.after(DAY)
        assert arms(driver)["all"]["reached"] == reached, hours


def test_a_goal_is_only_what_meets_its_when() -> None:
    by = asked(goal={"event": "purchase.made", "within": "14d", "when": {"channel": "store"}})
    [driver] = people(1, by)
    driver.event(opened())
    driver.after(3 * HOUR)
    driver.event(purchase())  # on the web
    assert arms(driver)["all"]["reached"] == 0


def test_variants_are_arms_with_their_share_of_those_who_are_not_held_out() -> None:
    variants = [
        {"name": "short", "share": 0.5},
        {"name": "long", "share": 0.5, "template": "win-back"},
    ]
    by = asked(holdout=0.2, whole=0.1, variants=variants)
    shares = shares_of(by.rules, by.rules.rules[0])
    assert list(shares) == ["short", "long", "holdout"]
    assert [round(share, 6) for share in shares.values()] == [0.36, 0.36, 0.28]
    drivers = list(people(300, by))
    for driver in drivers:
        driver.event(opened())
    shown = reported(by, *drivers)
    assert sum(arm.assigned for arm in shown.arms) == 300
    assert shown.split is not None
    assert not shown.split.mismatch


def test_of_a_rule_without_goal_and_arms_nothing_is_kept() -> None:
    driver = Driver()
    driver.event(profile())
    driver.event(granted())
    driver.event(purchase())
    assert driver.state.trials == ()
    assert arms(driver) == {}
    assert shares_of(driver.policy.rules, driver.policy.rules.rules[0]) == {}


def test_an_erased_person_stays_in_the_count_and_not_in_the_state() -> None:
    by = asked()
    [driver] = people(1, by)
    driver.event(opened())
    driver.event(CustomerErased())
    assert driver.state.trials == ()
    assert arms(driver) == {"all": {"assigned": 1}}


def test_a_goal_that_goes_back_was_reached() -> None:
    by = asked()
    [driver] = people(1, by)
    driver.event(opened())
    driver.after(3 * HOUR)
    driver.event(purchase())
    driver.event(returned())
    assert arms(driver) == {"all": {"assigned": 1, "reached": 1}}
