"""What the loyalty program tells, as messages: who gets which, when, and how it reads."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from shared.schemas.base import Data, Money
from shared.schemas.customers import CustomerUpdated
from shared.schemas.loyalty import (
    Cause,
    MemberAnniversary,
    MemberBirthday,
    MemberEnrolled,
    PointsExpiring,
    PointsReversed,
    RewardIssued,
    TierAtRisk,
    TierChanged,
)
from shared.schemas.outreach import OutreachCancelled, OutreachScheduled, OutreachSent, OutreachSuppressed

from .driver import (
    DAY,
    HOUR,
    NOON,
    Driver,
    opened,
    policy,
    previewed,
    profile,
    purchase,
    reachable,
    reward,
    rules,
    tier,
)

LATE = datetime.fromisoformat("2026-04-05T23:30:00Z")
"""The sixth in Berlin, still the fifth in London."""


def expiring(points: int = 120, last_at: datetime = LATE) -> PointsExpiring:
    return PointsExpiring(points=points, expires_at=LATE, last_at=last_at, balance=1480)


def at_risk(amount: int = 129950, currency: str = "EUR") -> TierAtRisk:
    needed = Money(amount=amount, currency=currency)
    return TierAtRisk(tier="gold", ends_at=LATE, spend_needed=needed)


def issued() -> RewardIssued:
    return RewardIssued(reward_id="free-delivery", voucher_code="v-1", expires_at=LATE)


def reversed_points() -> PointsReversed:
    cause = Cause(source="/s", id="r-1")
    return PointsReversed(entry_id="l-1", points=-50, balance=60, reason="return", cause=cause)


def sent_rules(driver: Driver) -> list[str]:
    return [message["rule"] for message in driver.sent]


def message_to(told: Data, **changes: str) -> tuple[str, str, str]:
    """(subject, text, html) that a customer is sent for an event."""
    driver = reachable(Driver(instant=False))
    driver.event(CustomerUpdated(**{"name": "Ada", "email": "ada@example.org", **changes}))
    driver.event(told)
    driver.after(3 * DAY)
    [row] = driver.rows.values()
    assert row["status"] == "ready"
    return row["subject"], row["text"], row["html"]


@pytest.mark.parametrize(
    ("told", "subject", "words"),
    [
        (MemberEnrolled(), "Welcome to Rapport Store", ["Welcome", "collect points"]),
        (
            MemberAnniversary(years=3, points=300),
            "Thank you for three years",
            ["joined us three years ago", "300 points"],
        ),
        (
            MemberAnniversary(years=1, points=1),
            "Thank you for one year",
            ["joined us one year ago", "added 1 point to"],
        ),
        (
            MemberAnniversary(years=25, points=2500),
            "Thank you for 25 years",
            ["joined us 25 years ago", "2,500 points"],
        ),
        (MemberBirthday(points=50), "Happy birthday, Ada", ["Happy birthday", "50 points"]),
        (
            MemberBirthday(
                reward_id="mug", name="A mug", voucher_code="v-7", expires_at=datetime(2026, 4, 1, tzinfo=UTC)
            ),
            "Happy birthday, Ada",
            ["A present is waiting for you: A mug", "code v-7", "1 April 2026"],
        ),
        (MemberBirthday(), "Happy birthday, Ada", ["all the best for the year ahead"]),
        (tier("gold"), "Congratulations: you have reached gold", ["status with us is now gold"]),
        (at_risk(), "Keep your gold status", ["yours until 5 April 2026", "another 1,299.50 EUR before"]),
        (at_risk(500, "JPY"), "Keep your gold status", ["another 500 JPY before"]),
        (
            reward(),
            "Yours for 100 points: Free delivery",
            ["You have 1,310 points, enough for: Free delivery. It costs 100 points."],
        ),
        (
            expiring(),
            "120 points will expire soon",
            ["You have 1,480 points.", "120 will expire on 5 April 2026.", "before 5 April 2026"],
        ),
        (
            expiring(1, LATE + 15 * DAY),
            "1 point will expire soon",
            ["1 will expire between 5 April 2026 and 20 April 2026."],
        ),
    ],
)
def test_each_message_reads_well(told: Data, subject: str, words: list[str]) -> None:
    said, text, html = message_to(told)
    assert said == subject
    bare = html.replace("<strong>", "").replace("</strong>", "").replace("<p>", "").replace("</p>", "")
    for shown in (text, bare):
        shown = " ".join(shown.split())
        assert "Dear Ada," in shown
        for piece in words:
            assert piece in shown
        assert "c-1-marketing-email" in shown


@pytest.mark.parametrize(
    "told",
    [
        tier('<b title="x">gold'),
        reward('<b title="x">gold'),
        TierAtRisk(tier='<b title="x">gold', ends_at=LATE, spend_needed=Money(amount=1, currency="EUR")),
    ],
)
def test_what_events_say_is_escaped_in_html_only(told: Data) -> None:
    _, text, html = message_to(told)
    assert '<b title="x">gold' in text
    assert "<b title" not in html
    assert "&lt;b title=&#34;x&#34;&gt;gold" in html


def test_dates_are_those_of_the_customers_own_place() -> None:
    assert "expire on 5 April 2026" in " ".join(message_to(expiring())[1].split())
    abroad = " ".join(message_to(expiring(), timezone="Europe/Berlin")[1].split())
    assert "expire on 6 April 2026" in abroad
    driver = Driver(policy=policy(rules(timezone="Europe/Berlin")))
    reachable(driver).event(at_risk())
    driver.after(HOUR)
    assert "until 6 April 2026" in driver.sent[0]["text"]


@pytest.mark.parametrize("direction", ["down", None])
def test_only_a_rise_is_congratulated(direction: str | None) -> None:
    driver = reachable(Driver())
    driver.event(tier("bronze", direction))
    driver.event(TierChanged.model_validate({"from": "gold", "to": "silver"}))
    driver.after(9 * DAY)
    assert not driver.emitted
    assert not driver.state.planned
    driver.event(tier("silver"))
    driver.after(2 * HOUR)
    assert sent_rules(driver) == ["tier-up"]


@pytest.mark.parametrize(
    ("told", "rule", "days"),
    [
        (reward(), "reward-available", 30),
        (expiring(), "points-expiring", 20),
        (at_risk(), "tier-at-risk", 30),
        (tier("gold"), "tier-up", 7),
    ],
)
def test_none_comes_again_within_its_interval(told: Data, rule: str, days: int) -> None:
    driver = reachable(Driver())
    for day in range(days + 5):
        driver.until(NOON + day * DAY)
        driver.event(told)
    driver.after(3 * DAY)
    assert sent_rules(driver) == [rule, rule]
    first, second = (message["at"] for message in driver.sent)
    assert second - first == days * DAY
    assert len(driver.facts(OutreachScheduled)) == 2, "the others are not even planned"


@pytest.mark.parametrize("meanwhile", [issued(), reversed_points()])
def test_a_reward_is_not_offered_with_points_that_are_gone(meanwhile: Data) -> None:
    driver = reachable(Driver())
    driver.event(reward())
    driver.after(DAY)
    driver.event(meanwhile)
    driver.after(5 * DAY)
    assert not driver.sent
    assert len(driver.facts(OutreachCancelled)) == 1


@pytest.mark.parametrize(("told", "meanwhile"), [(at_risk(), tier("vip")), (expiring(), issued())])
def test_what_changed_overnight_is_not_told_in_the_morning(told: Data, meanwhile: Data) -> None:
    driver = reachable(Driver(now=NOON + 10 * HOUR))
    driver.event(told)
    driver.after(HOUR)
    driver.event(meanwhile)
    driver.after(DAY)
    assert not {"tier-at-risk", "points-expiring"} & set(sent_rules(driver))
    assert len(driver.facts(OutreachCancelled)) == 1


def test_a_birthday_waits_for_the_morning_but_not_for_the_next_day() -> None:
    driver = reachable(Driver(now=NOON + 12 * HOUR))
    driver.event(MemberBirthday(points=50))
    driver.after(DAY)
    [wish] = driver.sent
    assert wish["at"] == NOON + 20 * HOUR
    late = reachable(Driver())
    late.event(MemberBirthday(points=50), at=NOON - 36 * HOUR)
    late.after(DAY)
    assert [fact.reason for fact in late.facts(OutreachSuppressed)] == ["stale"]


def test_the_first_purchase_is_not_followed_by_everything_at_once() -> None:
    driver = reachable(Driver())
    driver.event(purchase())
    driver.event(MemberEnrolled(channel="web"))
    driver.event(reward())
    driver.after(9 * DAY)
    assert sent_rules(driver) == ["thank-you", "welcome", "reward-available"]
    times = [message["at"] for message in driver.sent]
    assert min(b - a for a, b in pairwise(times)) >= 22 * HOUR


def test_the_program_is_marketing_it_needs_consent_and_counts_for_the_cap() -> None:
    told = [tier("gold"), expiring(), at_risk(), MemberAnniversary(years=2, points=200), MemberEnrolled()]
    driver = Driver()
    driver.event(profile())
    for seconds, data in enumerate(told):
        driver.event(data, at=NOON + timedelta(seconds=seconds))
    driver.after(4 * DAY)
    assert [fact.reason for fact in driver.facts(OutreachSuppressed)] == ["no_consent"] * 5
    driver = reachable(Driver())
    for seconds, data in enumerate(told):
        driver.event(data, at=NOON + timedelta(seconds=seconds))
    driver.after(4 * DAY)
    assert len(driver.sent) == 4
    assert [fact.reason for fact in driver.facts(OutreachSuppressed)] == ["frequency_cap"]


def test_the_program_keeps_silent_during_a_complaint() -> None:
    driver = reachable(Driver())
    driver.event(opened())
    driver.event(MemberBirthday(points=50))
    driver.after(DAY)
    assert [fact.reason for fact in driver.facts(OutreachSuppressed)] == ["open_complaint"]


def test_a_preview_shows_what_is_not_known_yet() -> None:
    driver = reachable(Driver())
    for name in ("points-expiring", "tier-at-risk", "anniversary"):
        rule = driver.policy.rules.rule(name)
        assert rule is not None
        shown = previewed(driver, rule)
        assert f"<{rule.variables[0]}>" in shown.subject
    driver.event(tier("gold"))
    rule = driver.policy.rules.rule("tier-up")
    assert rule is not None
    shown = previewed(driver, rule)
    assert shown.subject == "Congratulations: you have reached gold"
    assert shown.planned_at == NOON + timedelta(hours=1)


def test_a_subscription_business_tells_the_same() -> None:
    driver = reachable(Driver(policy=policy(rules("subscription", frequency_cap=None))))
    for data in (MemberEnrolled(), tier("plus"), tier("basic", "down"), expiring(), reward()):
        driver.event(data)
    driver.after(timedelta(seconds=1))
    driver.event(at_risk())
    driver.event(MemberAnniversary(years=1, points=100))
    driver.event(MemberBirthday(points=50))
    driver.after(4 * DAY)
    assert sorted(fact.rule for fact in driver.facts(OutreachSent)) == [
        "anniversary",
        "birthday",
        "points-expiring",
        "program-welcome",
        "reward-available",
        "tier-at-risk",
        "tier-up",
    ]
    together = [row["rule"] for row in driver.rows.values() if "mail" in row]
    assert sorted(together) == ["program-welcome", "tier-up"]  # both an hour after
