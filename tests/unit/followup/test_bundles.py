"""What falls due within some hours for one customer, class and channel becomes one e-mail (ADR 42)."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from services.followup.domain.gate import decision
from services.followup.domain.messages.check import check
from services.followup.domain.messages.templates import Templates
from services.followup.domain.rules.rules import Rules
from shared.schemas.loyalty import MemberEnrolled
from shared.schemas.outreach import (
    OutreachScheduled,
    OutreachSent,
    OutreachSuppressed,
)
from shared.schemas.purchases import PurchaseMade

from .bundled import BUNDLES, balanced, joined, known, mails, went
from .driver import DAY, HOUR, NOON, previewed, purchase, returned, tier
from .gated import FILE
from .test_book import book_of


def test_what_is_due_within_it_goes_in_one_mail_when_the_last_is_due() -> None:
    driver = joined(known())
    driver.after(DAY)
    assert mails(driver) == [(NOON + 5 * HOUR, "hello")]
    assert went(driver) == ["care", "hello", "thanks"]
    (mail,) = [one for one in driver.sent if one["rule"] == "hello"]
    assert mail["subject"] == "Welcome to Store"
    assert mail["text"].count("Dear Ada,") == mail["text"].count("Unsubscribe from messages") == 1
    first, second = (
        mail["text"].index("thank you for joining us"),
        mail["text"].index("Thank you for choosing us"),
    )
    assert first < mail["text"].index("Thank you from Store\n----") < second
    assert mail["html"].count("Dear Ada") == mail["html"].count("<title>") == 1
    assert mail["html"].index("thank you for joining us") < mail["html"].index("Thank you for choosing us")
    balanced(driver)


def test_each_keeps_its_id_and_its_line() -> None:
    driver = joined(known(instant=False))
    planned = {fact.rule: fact.outreach_id for fact in driver.facts(OutreachScheduled)}
    driver.after(6 * HOUR)
    rows = {row["rule"]: row for row in driver.rows.values() if row["purpose"] == "marketing"}
    assert {rule: row["mail"] for rule, row in rows.items()} == dict.fromkeys(rows, planned["hello"])
    assert [rule for rule, row in rows.items() if "text" in row] == ["hello"]
    driver.deliver()
    sent = {fact.rule: fact for fact in driver.facts(OutreachSent)}
    assert {rule: fact.outreach_id for rule, fact in sent.items()} == planned
    assert all(fact.consent is not None for rule, fact in sent.items() if rule != "care")
    accounts = {rule: account for (rule, _), account in book_of(driver).items()}
    assert {rule: account.sent for rule, account in accounts.items()} == {"thanks": 1, "hello": 1, "care": 1}
    assert {row["status"] for row in driver.rows.values()} == {"sent"}


def test_one_alone_goes_at_once() -> None:
    driver = known()
    driver.event(purchase())
    driver.after(DAY)
    assert mails(driver) == [(NOON + 2 * HOUR, "thanks")]
    assert "mail" not in next(row for row in driver.rows.values() if row["rule"] == "thanks")


def test_what_comes_later_than_it_goes_by_itself() -> None:
    driver = known("bundle_within: 2h")
    joined(driver)
    driver.after(DAY)
    assert mails(driver) == [(NOON + 2 * HOUR, "thanks"), (NOON + 5 * HOUR, "hello")]


def test_one_that_comes_while_it_waits_joins_but_the_first_waits_no_longer_than_it_may() -> None:
    driver = joined(known("bundle_within: 8h"))
    driver.after(4 * HOUR)
    driver.event(purchase("o-2"))  # due at 6
    driver.after(HOUR)
    driver.event(tier("gold"))  # due at 14: the first was due at 2
    driver.after(2 * DAY)
    assert mails(driver) == [
        (NOON + 6 * HOUR, "hello"), (NOON + 8 * HOUR, "alone"), (NOON + 14 * HOUR, "tier"),
    ]  # fmt: skip
    assert Counter(went(driver))["thanks"] == 2


def test_what_a_cancellation_was_waited_for_frees() -> None:
    driver = joined(known())
    driver.after(3 * HOUR)
    assert mails(driver) == []
    driver.event(MemberEnrolled(), id="again")  # nothing new
    driver.event(purchase("o-2"))
    driver.event(returned("o-2", "r-2"))
    assert [one.held.reason for one in driver.state.planned if one.held] == ["bundle"]
    driver.event(returned())
    driver.after(DAY)
    assert mails(driver) == [(NOON + 5 * HOUR, "hello")]
    assert went(driver) == ["care", "care", "hello"]
    balanced(driver)


def test_quiet_hours_of_the_other_are_not_waited_for() -> None:
    driver = joined(known('quiet_hours: {from: "16:00", to: "08:00"}'))
    driver.after(2 * DAY)
    assert mails(driver) == [(NOON + 2 * HOUR, "thanks"), (NOON + 20 * HOUR, "hello")]


def test_what_waited_for_the_morning_goes_together() -> None:
    driver = joined(known('quiet_hours: {from: "13:00", to: "08:00"}'))
    driver.after(2 * DAY)
    assert mails(driver) == [(NOON + 20 * HOUR, "hello")]
    assert went(driver) == ["care", "hello", "thanks"]


def test_it_does_not_get_stale_for_another() -> None:
    driver = joined(known("stale_after: 2h"))
    driver.after(2 * DAY)
    assert [rule for _, rule in mails(driver)] == ["thanks", "hello"]
    assert not driver.facts(OutreachSuppressed)


def test_what_could_not_go_is_not_waited_for() -> None:
    text = BUNDLES.replace("template: welcome,", "template: welcome, if: 'purchases.count > 5',")
    driver = joined(known(text=text))
    driver.after(DAY)
    assert mails(driver) == [(NOON + 2 * HOUR, "thanks")]
    assert [fact.rule for fact in driver.facts(OutreachSuppressed)] == ["hello"]


def test_a_higher_priority_in_the_same_mail_does_not_go_before_it() -> None:
    driver = known("frequency_cap: {max: 1, per: 30d}")
    joined(driver)
    driver.event(tier("gold"))
    driver.after(DAY)
    assert mails(driver) == [(NOON + 9 * HOUR, "tier")]  # which the message of ``alone`` yields to
    assert went(driver) == ["care", "hello", "thanks", "tier"]
    other = joined(known("frequency_cap: {max: 1, per: 30d}"))
    other.after(DAY)
    assert went(other) == ["care", "hello", "thanks"]  # one mail counts once
    other.event(purchase("o-2"))
    other.after(DAY)
    assert [fact.reason for fact in other.facts(OutreachSuppressed)] == ["frequency_cap"]


def test_a_mail_counts_once_though_it_is_still_with_its_sender() -> None:
    driver = joined(known("frequency_cap: {max: 2, per: 30d}", instant=False))
    driver.after(6 * HOUR)
    driver.event(purchase("o-2"))
    driver.after(3 * HOUR)
    while driver.deliver():
        pass
    assert not driver.facts(OutreachSuppressed)
    assert len(mails(driver)) == 2


def test_in_each_language_and_never_in_two() -> None:
    for locale, greeting, below in (
        ("de", "Guten Tag Ada", "abbestellen"),
        ("es", "Ada", "darse de baja"),
        ("fr", "Bonjour Ada", "ne plus recevoir"),
    ):
        driver = joined(known(locale=locale))
        driver.after(DAY)
        (mail,) = [one for one in driver.sent if one["rule"] == "hello"]
        assert "Thank you" not in mail["text"] + mail["html"], locale
        assert greeting in mail["text"]
        assert below.lower() in mail["text"].lower(), mail["text"]


def test_a_preview_says_what_it_waits_for_and_shows_the_mail() -> None:
    driver = joined(known())
    named = {rule.name: rule for rule in driver.policy.rules.rules}
    driver.after(3 * HOUR)
    found = previewed(driver, named["thanks"])
    assert (found.decision, found.reason, found.at) == ("wait", "bundle", NOON + 5 * HOUR)
    assert (found.steps[-1].step, found.steps[-1].detail) == ("bundle", "to go in one mail with hello")
    assert found.blocked_by == ()
    later = previewed(driver, named["hello"], NOON + 5 * HOUR)
    assert (later.decision, later.bundled_with) == ("send", ("thanks",))
    assert "Thank you for choosing us" in later.text


def test_what_is_urgent_does_not_wait_for_others() -> None:
    urgent = {"name": "a", "triggers": ["purchase.made"], "delay": "0s", "template": "note", "urgent": True}
    with pytest.raises(ValueError, match="what is urgent does not wait for others"):
        Rules.model_validate({**FILE, "rules": [{**urgent, "bundle": True}]})


def test_a_template_without_a_body_goes_by_itself() -> None:
    driver = known()
    parts = {"subject.txt": "s", "txt": "Hello {{ sender }}", "html": "<p>Hello</p>"}
    own = {f"welcome.{part}": text for part, text in parts.items()}
    templates = Templates({**driver.policy.templates.sources, **own})
    driver.policy = replace(driver.policy, templates=templates)
    check(templates, driver.policy.rules, driver.policy.channels)
    joined(driver)
    driver.after(DAY)
    assert mails(driver) == [(NOON + 2 * HOUR, "thanks"), (NOON + 5 * HOUR, "hello")]


def test_what_was_bought_in_a_year_is_never_two_mails_at_once() -> None:
    driver = known("frequency_cap: {max: 3, per: 7d}")
    for week in range(30):
        driver.until(NOON + week * timedelta(days=5, hours=7))
        driver.event(PurchaseMade.model_validate(purchase(f"o-{week}").model_dump()))
        if week % 3 == 0:
            driver.event(tier("gold" if week % 2 else "silver"))
    driver.after(20 * DAY)
    times = [at for at, rule in mails(driver) if rule in ("thanks", "tier", "hello")]
    assert all(later - earlier > 2 * HOUR for earlier, later in pairwise(times))
    balanced(driver)


def test_one_alone_is_asked_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    ask_it = decision.ask

    def counted(*about: Any) -> Any:
        asked.append(about[2].rule)
        return ask_it(*about)

    monkeypatch.setattr(decision, "ask", counted)
    driver = known()
    driver.event(MemberEnrolled())
    driver.after(6 * HOUR)
    assert went(driver) == ["hello"]
    assert asked == ["hello"]
