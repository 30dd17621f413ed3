"""Two ids turn out to be one customer: what was planned goes on, once, by all that is known of both."""

import pytest

from shared.schemas.commands.receipts import ReceiptReported
from shared.schemas.outreach import (
    OutreachBounced,
    OutreachCancelled,
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
    profile,
    purchase,
    resolved,
    written,
)
from .merged import NEW, OLD, THANKS, balanced, merge, sent, tell, world

CAPPED = """$HEAD
frequency_cap: {max: 1, per: 7d}
rules:
  - {name: thanks, triggers: [purchase.made], for_each: order_id, delay: 2h, template: thank-you}
"""
BIRTHDAY = """$HEAD
rules:
  - {name: birthday, triggers: [{date: profile.birthday, at: "09:00"}], template: win-back}
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
