"""Bundles over random histories in any order of arrival, with copies: what goes is the same, each message has
one end, and no mail breaks what was promised of its messages."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.schemas.loyalty import MemberEnrolled, TierChanged
from shared.schemas.outreach import OutreachCancelled, OutreachSent, OutreachSuppressed
from tests.examples import examples

from .driver import DAY, HOUR, NOON, Driver, granted, profile, purchase, returned, started, tier, written
from .test_book import book_of

FILE = """
name: bundles
sender: {name: Store, address: hello@store.example}
bundle_within: 6h
quiet_hours: {from: "21:00", to: "08:00"}
frequency_cap: {max: 3, per: 5d}
stale_after: 1d
templates:
  thank-you: {purpose: marketing}
  win-back: {purpose: marketing}
  welcome: {purpose: marketing}
  setup-help: {purpose: service}
rules:
  - {name: thanks, triggers: [purchase.made], for_each: order_id, delay: 2h, template: thank-you,
     bundle: true, cancel_on: [purchase.returned], at_most_one_in: 2d}
  - {name: hello, triggers: [member.enrolled], delay: 5h, template: welcome, bundle: true, priority: 3}
  - {name: tier, triggers: [tier.changed], every: true, delay: 9h, template: win-back, priority: 5,
     bundle: true}
  - {name: alone, triggers: [tier.changed], every: true, delay: 3h, template: win-back}
  - {name: help, triggers: [purchase.made], for_each: order_id, delay: 4h, template: setup-help, bundle: true}
  - {name: term, triggers: [subscription.started], for_each: subscription_id, delay: 5h, template: setup-help,
     bundle: true}
"""
WITHIN = 6 * HOUR
Fact = tuple[Any, datetime]

FACTS = st.lists(
    st.tuples(st.sampled_from(["buy", "buy", "back", "join", "tier", "term"]), st.integers(1, 100)),
    min_size=1,
    max_size=9,
    unique_by=lambda one: one[1],
)


def facts(told: Sequence[tuple[str, int]]) -> list[Fact]:
    """All within the last 100 minutes, so that nothing is due before all is heard."""
    found: list[Fact] = []
    for number, (what, minutes) in enumerate(told):
        at = NOON - timedelta(minutes=minutes)
        match what:
            case "buy":
                found.append((purchase(f"o-{number}"), at))
            case "back":
                order = next((n for n, (name, _) in enumerate(told) if name == "buy"), 0)
                found.append((returned(f"o-{order}", f"r-{number}"), at))
            case "join" if all(not isinstance(one, MemberEnrolled) for one, _ in found):
                found.append((MemberEnrolled(), at))
            case "tier":
                found.append((tier("gold"), at))
            case "term":
                found.append((started(f"s-{number}"), at))
    return found


def course(told: Sequence[Fact], instant: bool = True) -> Driver:
    driver = Driver(policy=written(FILE), instant=instant)
    driver.event(profile(), at=NOON - DAY)
    driver.event(granted(), at=NOON - DAY)
    for data, at in told:
        driver.event(data, at=at)
    for _ in range(40):
        driver.after(3 * HOUR)
        driver.deliver()
    assert not driver.state.planned
    assert not driver.timers
    return driver


def ends(driver: Driver) -> Counter[tuple[str, str, datetime]]:
    return Counter((row["rule"], row["status"], row["due_at"]) for row in driver.rows.values())


def kept(driver: Driver) -> None:
    """What was promised of each mail and each message."""
    assert not [account for account in book_of(driver).values() if account.difference]
    kinds: Any = (OutreachSent, OutreachSuppressed, OutreachCancelled)
    told = Counter(fact.outreach_id for kind in kinds for fact in driver.facts(kind))
    assert set(told.values()) <= {1}
    sent = {fact.outreach_id for fact in driver.facts(OutreachSent)}
    by_mail: dict[str, list[dict[str, Any]]] = {}
    for row in driver.rows.values():
        if row["_id"] in sent:
            by_mail.setdefault(row.get("mail") or row["_id"], []).append(row)
    assert {mail["_id"] for mail in driver.sent} == by_mail.keys(), "a mail went once, or not at all"
    for mail in driver.sent:
        rows = by_mail[mail["_id"]]
        assert 8 <= mail["at"].hour < 21, "at night"
        assert len({row["purpose"] for row in rows}) == 1
        assert all(mail["at"] <= row["due_at"] + DAY for row in rows), "stale"
        assert all(row["due_at"] <= mail["at"] for row in rows), "early"
        waited = mail["at"] - min(row["due_at"] for row in rows)
        yields = "tier" in {row["rule"] for row in driver.rows.values()}  # to what matters more
        assert yields or waited <= WITHIN or mail["at"].hour == 8, "it waited longer than it may"
    marketing = sorted(mail["at"] for mail in driver.sent if mail["purpose"] == "marketing")
    for first in marketing:
        assert sum(first <= at < first + 5 * DAY for at in marketing) <= 3, "above the cap"


@given(FACTS, st.randoms(use_true_random=False))
@settings(max_examples=examples(150), deadline=None)
def test_any_order_and_copies(told: list[tuple[str, int]], dice: Any) -> None:
    heard = facts(told)
    usual = course(sorted(heard, key=lambda one: one[1]))
    kept(usual)
    # A tier has no name beyond its event, so a copy of one is another.
    named = [one for one in heard if not isinstance(one[0], TierChanged)]
    mixed = [*heard, *(one for one in named if dice.random() < 0.5)]
    dice.shuffle(mixed)
    other = course(mixed)
    kept(other)
    sent = [Counter((m["rule"], m["at"], m["text"]) for m in driver.sent) for driver in (usual, other)]
    assert sent[0] == sent[1]
    rules = [Counter(fact.rule for fact in driver.facts(OutreachSent)) for driver in (usual, other)]
    assert rules[0] == rules[1]


@given(FACTS)
@settings(max_examples=examples(80), deadline=None)
def test_a_slow_sender_keeps_it_too(told: list[tuple[str, int]]) -> None:
    driver = course(facts(told), instant=False)
    assert not [account for account in book_of(driver).values() if account.difference]
    assert not driver.state.in_flight


def test_the_histories_have_bundles() -> None:
    told = [("buy", 1), ("join", 2), ("tier", 3), ("term", 4)]
    driver = course(facts(told))
    kept(driver)
    assert len(driver.sent) < len(driver.facts(OutreachSent)) == 6
