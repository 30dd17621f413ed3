"""Two ids turn out to be one customer: what was planned goes on, once, by all that is known of both."""

import pytest

from services.followup.domain.journeys.arms import arm_of
from services.followup.domain.results.cells import ARM, RESULTS, Cell
from services.followup.domain.state import Customer
from shared.schemas.commands.followup import OutreachRequested, UnsubscribeRequested
from shared.schemas.commands.preferences import PreferencesRequested
from shared.schemas.commands.receipts import ReceiptReported
from shared.schemas.customers import ConsentChanged, CustomerErased
from shared.schemas.outreach import (
    OutreachBounced,
    OutreachCancelled,
    OutreachGoalReached,
    OutreachScheduled,
    OutreachSent,
    OutreachSuppressed,
)

from .driver import (
    DAY,
    HOUR,
    NOON,
    granted,
    opened,
    policy,
    profile,
    purchase,
    resolved,
    rules,
    tier,
    written,
)
from .merged import NEW, OLD, OTHER, balanced, merge, sent, tell, unmerge, world

THANKS = """$HEAD
rules:
  - {name: thanks, triggers: [purchase.made], for_each: order_id, delay: 2h, template: thank-you}
"""
CAPPED = """$HEAD
frequency_cap: {max: 1, per: 7d}
rules:
  - {name: thanks, triggers: [purchase.made], for_each: order_id, delay: 2h, template: thank-you}
"""
BIRTHDAY = """$HEAD
rules:
  - {name: birthday, triggers: [{date: profile.birthday, at: "09:00"}], template: win-back}
"""
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


def test_what_is_planned_goes_on_under_its_own_id() -> None:
    driver = world(written(THANKS))
    tell(driver, OLD, purchase("o-1"))
    planned = driver.facts(OutreachScheduled)[0].outreach_id
    merge(driver)
    assert not driver.worker.timers(OLD)
    assert not driver.worker.state(OLD).planned
    driver.after(3 * HOUR)
    assert sent(driver) == [planned]
    assert driver.sent[0]["to"]["address"] == "new@example.org"
    assert driver.rows[planned]["customer"] == OLD
    assert balanced(driver)


def test_what_is_told_of_the_old_id_afterwards_is_the_survivors() -> None:
    driver = world(written(THANKS))
    merge(driver)
    tell(driver, OLD, purchase("o-1"))
    driver.after(3 * HOUR)
    assert len(sent(driver)) == 1
    assert driver.sent[0]["customer"] == OLD
    assert [e.subject for e in driver.emitted if isinstance(e.data, OutreachSent)] == [NEW]


def test_one_order_that_both_were_told_of_is_thanked_for_once() -> None:
    driver = world(written(THANKS))
    tell(driver, OLD, purchase("o-1"))
    driver.after(HOUR)
    tell(driver, NEW, purchase("o-1"))
    merge(driver)
    driver.after(9 * HOUR)
    assert len(sent(driver)) == 1
    assert [e.reason for e in driver.facts(OutreachCancelled)] == ["duplicate"]
    assert balanced(driver)


def test_one_that_went_at_the_old_id_does_not_go_again() -> None:
    driver = world(written(THANKS))
    tell(driver, OLD, purchase("o-1"))
    driver.after(3 * HOUR)
    tell(driver, NEW, purchase("o-1"))
    merge(driver)
    driver.after(9 * HOUR)
    assert len(sent(driver)) == 1
    assert balanced(driver)


def test_one_birthday_has_one_message() -> None:
    driver = world(written(BIRTHDAY))
    tell(driver, OLD, profile(birthday="--03-04"))
    tell(driver, NEW, profile(birthday="--03-04"))
    merge(driver)
    driver.after(9 * DAY)
    assert len(sent(driver)) == 1
    driver.after(365 * DAY)
    assert len(sent(driver)) == 2
    assert balanced(driver)


def test_a_birthday_that_was_kept_at_the_old_id_is_kept() -> None:
    driver = world(written(BIRTHDAY))
    tell(driver, OLD, profile(birthday="--03-04"))
    driver.after(3 * DAY)
    tell(driver, NEW, profile(birthday="--03-07"))
    merge(driver)
    driver.after(20 * DAY)
    assert len(sent(driver)) == 1


def test_caps_count_over_both() -> None:
    driver = world(written(CAPPED))
    tell(driver, OLD, purchase("o-1"))
    driver.after(3 * HOUR)
    tell(driver, NEW, purchase("o-2"))
    merge(driver)
    driver.after(3 * HOUR)
    assert len(sent(driver)) == 1
    assert [e.reason for e in driver.facts(OutreachSuppressed)] == ["frequency_cap"]
    assert balanced(driver)


@pytest.mark.parametrize("refuser", [OLD, NEW])
def test_a_refusal_at_a_draw_holds(refuser: str) -> None:
    driver = world(written(THANKS))
    for id in (OLD, NEW):
        driver.event(granted(word=id != refuser), at=NOON + HOUR, of=id)
    tell(driver, NEW, purchase("o-1"))
    merge(driver)
    driver.after(9 * HOUR)
    assert sent(driver) == []
    assert driver.facts(OutreachSuppressed)[0].reason == "no_consent"


def test_the_later_word_holds_and_is_cited() -> None:
    driver = world(written(THANKS))
    driver.after(2 * HOUR)
    driver.event(granted(), at=NOON + 2 * HOUR, of=OLD, id="the-word")
    driver.event(granted(word=False), at=NOON + HOUR, of=NEW)
    tell(driver, NEW, purchase("o-1"))
    merge(driver)
    driver.after(9 * HOUR)
    (fact,) = driver.facts(OutreachSent)
    assert fact.consent is not None
    assert fact.consent.id == "the-word"


def test_what_is_with_the_sender_is_settled_by_its_report() -> None:
    driver = world(written(THANKS), instant=False)
    tell(driver, OLD, purchase("o-1"))
    driver.after(3 * HOUR)
    merge(driver)
    assert driver.deliver("sent") == 1
    assert len(driver.facts(OutreachSent)) == 1
    assert driver.worker.state(NEW).sends
    assert driver.statuses() == ["sent"]
    name = sent(driver)[0]
    driver.event(ReceiptReported(outreach_id=name, what="bounced", kind="hard", code="5.1.1"), of=OLD)
    assert len(driver.facts(OutreachBounced)) == 1
    assert driver.worker.state(NEW).suppressed
    assert driver.worker.rows("receipts")[0]["customer"] == OLD
    assert balanced(driver)


def test_marketing_in_doubt_is_not_sent_again() -> None:
    driver = world(written(THANKS), instant=False)
    tell(driver, OLD, purchase("o-1"))
    driver.after(3 * HOUR)
    merge(driver)
    driver.deliver("in_doubt")
    driver.after(9 * DAY)
    driver.deliver("sent")
    assert sent(driver) == []
    assert balanced(driver)


def test_a_refusal_takes_back_what_is_with_the_sender() -> None:
    driver = world(written(THANKS), instant=False)
    tell(driver, OLD, purchase("o-1"))
    driver.after(3 * HOUR)
    driver.event(granted(word=False), of=NEW)
    merge(driver)
    assert driver.statuses() == ["cancelled"]
    assert driver.facts(OutreachCancelled)[0].reason == "no_consent"
    assert balanced(driver)


def test_an_open_complaint_of_either_holds_marketing() -> None:
    driver = world(written("hold_during_complaint: [marketing]\n" + THANKS), instant=False)
    tell(driver, OLD, purchase("o-1"))
    tell(driver, NEW, purchase("o-2"), opened())
    driver.after(3 * HOUR)
    merge(driver)
    assert set(driver.statuses()) <= {"cancelled", "suppressed"}
    tell(driver, OLD, purchase("o-3"))
    tell(driver, OLD, resolved())
    driver.after(3 * HOUR)
    assert driver.deliver() == 1
    assert balanced(driver)


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


def test_unmerged_each_has_their_own() -> None:
    driver = world(written(THANKS))
    tell(driver, OLD, purchase("o-1"))
    tell(driver, NEW, purchase("o-2"))
    merge(driver)
    tell(driver, OLD, purchase("o-3"))
    unmerge(driver)
    old, new = driver.worker.state(OLD), driver.worker.state(NEW)
    assert sorted(one.key for one in old.planned) == ["thanks:o-1", "thanks:o-3"]
    assert [one.key for one in new.planned] == ["thanks:o-2"]
    assert (old.email, new.email) == ("old@example.org", "new@example.org")
    assert not old.shares
    assert not new.shares
    assert all(not one.whose for one in (*old.planned, *new.planned))
    tell(driver, OLD, purchase("o-4"))
    driver.after(3 * HOUR)
    assert (
        sorted(mail["to"]["address"] for mail in driver.sent) == ["new@example.org"] + ["old@example.org"] * 3
    )
    assert balanced(driver)


def test_merged_and_unmerged_a_customer_is_as_before() -> None:
    driver = world(policy(rules()))
    tell(driver, OLD, purchase("o-1"), opened("k-1"), resolved("k-1"))
    driver.after(HOUR)
    tell(driver, NEW, tier("gold"))
    before = {id: driver.worker.state(id) for id in (OLD, NEW)}
    timers = {(timer.key, timer.due_at) for timer in driver.worker.timers()}
    merge(driver)
    unmerge(driver)
    for id in (OLD, NEW):
        now = driver.worker.state(id).model_copy(update={"merging": None})
        assert in_order(now) == in_order(before[id])
    assert {(timer.key, timer.due_at) for timer in driver.worker.timers()} == timers


def in_order(state: Customer) -> dict[str, object]:
    """Of what has no order of its own."""
    told = {name: getattr(state, name) for name in type(state).model_fields}
    return told | {name: sorted(map(repr, told[name])) for name in ("anchors", "planned", "waiting")}


def test_in_flight_at_the_unmerging() -> None:
    driver = world(written(THANKS), instant=False)
    tell(driver, OLD, purchase("o-1"))
    merge(driver)
    driver.after(3 * HOUR)
    unmerge(driver)
    driver.deliver()
    assert driver.worker.state(OLD).sends
    assert not driver.worker.state(NEW).sends
    assert balanced(driver)


def test_a_chain_and_its_undoing() -> None:
    driver = world(written(THANKS), OLD, NEW, OTHER)
    tell(driver, OLD, purchase("o-1"))
    merge(driver, OLD, NEW)
    merge(driver, NEW, OTHER)
    tell(driver, OLD, purchase("o-2"))
    assert len(driver.worker.state(OTHER).planned) == 2
    unmerge(driver, NEW, OTHER)
    assert len(driver.worker.state(NEW).planned) == 2
    assert not driver.worker.state(OTHER).planned
    unmerge(driver, OLD, NEW)
    assert len(driver.worker.state(OLD).planned) == 2
    driver.after(3 * HOUR)
    assert {mail["to"]["address"] for mail in driver.sent} == {"old@example.org"}
    assert balanced(driver)


def test_one_who_is_erased_is_so_under_all_ids() -> None:
    driver = world(written(THANKS))
    tell(driver, OLD, purchase("o-1"))
    tell(driver, NEW, purchase("o-2"))
    merge(driver)
    tell(driver, OLD, CustomerErased())
    driver.after(3 * HOUR)
    assert sent(driver) == []
    assert [e.reason for e in driver.facts(OutreachCancelled)] == ["erased", "erased"]
    assert "old@" not in driver.worker.state(NEW).model_dump_json()
    unmerge(driver)
    assert driver.worker.state(OLD).erased
    assert balanced(driver)


def test_who_comes_to_one_who_was_erased_is_erased_too() -> None:
    driver = world(written(THANKS))
    tell(driver, NEW, CustomerErased())
    tell(driver, OLD, purchase("o-1"))
    merge(driver)
    driver.after(3 * HOUR)
    assert sent(driver) == []
    assert balanced(driver)
