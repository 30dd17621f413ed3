"""Two ids turn out to be one customer: silences, steps, goals, arms, and what is told of the old id later."""

from services.followup.domain.journeys.arms import arm_of
from services.followup.domain.results.cells import ARM, RESULTS, Cell
from shared.schemas.commands.followup import OutreachRequested, UnsubscribeRequested
from shared.schemas.commands.preferences import PreferencesRequested
from shared.schemas.customers import ConsentChanged
from shared.schemas.outreach import (
    OutreachGoalReached,
)

from .driver import (
    DAY,
    HOUR,
    purchase,
    tier,
    written,
)
from .merged import NEW, OLD, THANKS, balanced, merge, sent, tell, unmerge, world

QUIET = """$HEAD
rules:
  - {name: win-back, triggers: [purchase.made], restart: true, delay: 30d, template: win-back}
"""
STEPS = """$HEAD
rules:
  - name: welcome
    triggers: [tier.changed]
    delay: 1h
    template: welcome
    goal: {event: purchase.made, within: 30d}
    steps: [{send: welcome}, {wait: 2d}, {send: win-back}]
"""
HALVES = """$HEAD
rules:
  - name: thanks
    triggers: [purchase.made]
    for_each: order_id
    delay: 2h
    template: thank-you
    variants: [{name: a, share: 0.5}, {name: b, share: 0.5, template: win-back}]
    goal: {event: tier.changed, within: 30d}
"""


def test_silence_counts_from_the_latest_of_both() -> None:
    driver = world(written(QUIET))
    tell(driver, OLD, purchase("o-1"))
    driver.after(10 * DAY)
    tell(driver, NEW, purchase("o-2"))
    driver.after(5 * DAY)
    merge(driver)
    driver.after(20 * DAY)
    assert sent(driver) == []
    driver.after(6 * DAY)
    assert len(sent(driver)) == 1


def test_one_way_through_the_steps_goes_on() -> None:
    driver = world(written(STEPS))
    tell(driver, OLD, tier("gold"))
    tell(driver, NEW, tier("gold"))
    driver.after(HOUR)
    assert len(sent(driver)) == 2
    merge(driver)
    driver.after(9 * DAY)
    assert [mail["template"] for mail in driver.sent] == ["welcome", "welcome", "win-back"]
    assert balanced(driver)


def test_a_goal_that_either_reaches_is_both_messages() -> None:
    driver = world(written(STEPS))
    tell(driver, OLD, tier("gold"))
    tell(driver, NEW, tier("gold"))
    driver.after(HOUR)
    merge(driver)
    driver.after(HOUR)
    tell(driver, OLD, purchase("o-1"))
    assert len(driver.facts(OutreachGoalReached)) == 2
    driver.after(9 * DAY)
    assert len(sent(driver)) == 2
    assert balanced(driver)


def test_who_was_assigned_stays_so_and_what_is_under_way_keeps_its_arm() -> None:
    these = written(HALVES)
    rule = these.rules.rules[0]
    old = next(n for n in map("c-{}".format, range(99)) if arm_of(these.rules, rule, n) == "a")
    new = next(n for n in map("d-{}".format, range(99)) if arm_of(these.rules, rule, n) == "b")
    driver = world(these, old, new)
    tell(driver, old, purchase("o-1"))
    tell(driver, new, purchase("o-2"))
    merge(driver, old, new)
    driver.after(3 * HOUR)
    tell(driver, old, purchase("o-3"))
    driver.after(3 * HOUR)
    assert sorted(mail["variant"] for mail in driver.sent) == ["a", "b", "b"]
    driver.after(HOUR)
    tell(driver, old, tier("gold"))
    arms = {
        cell.variant: row
        for row in driver.worker.rows(RESULTS)
        if (cell := Cell.read(row["key"])) and cell.step == ARM
    }
    assert {name: (row["assigned"], row["reached"]) for name, row in arms.items()} == {
        "a": (1, 1),
        "b": (1, 1),
    }


def test_an_unsubscription_by_an_old_link_is_the_persons() -> None:
    driver = world(written(THANKS))
    merge(driver)
    driver.event(UnsubscribeRequested(purpose="marketing", channel="email"), of=OLD)
    assert [e.subject for e in driver.emitted if isinstance(e.data, ConsentChanged)] == [OLD]
    tell(driver, NEW, purchase("o-1"))
    driver.after(3 * HOUR)
    assert sent(driver) == []
    unmerge(driver)
    for id in (OLD, NEW):
        tell(driver, id, purchase("o-9"))
    driver.after(3 * HOUR)
    assert sent(driver) == []


def test_a_pause_of_either_holds() -> None:
    driver = world(written(THANKS))
    driver.event(PreferencesRequested(pause=True), of=OLD)
    merge(driver)
    tell(driver, NEW, purchase("o-1"))
    driver.after(3 * HOUR)
    assert sent(driver) == []


def test_a_message_by_hand_to_the_old_id() -> None:
    driver = world(written(THANKS))
    merge(driver)
    text = {"subject": "s", "message": "m"}
    driver.event(OutreachRequested(template="news", variables=text), of=OLD)
    assert driver.sent[0]["to"]["address"] == "new@example.org"
