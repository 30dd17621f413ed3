"""A rules file whose messages go in one mail, and what came of it."""

from datetime import datetime
from typing import Any

from shared.schemas.customers import CustomerUpdated
from shared.schemas.loyalty import MemberEnrolled
from shared.schemas.outreach import (
    OutreachSent,
)

from .driver import Driver, granted, purchase, written
from .test_book import book_of

HEAD = """
name: bundles
sender: {name: Store, address: hello@store.example}
templates:
  thank-you: {purpose: marketing}
  win-back: {purpose: marketing}
  welcome: {purpose: marketing}
  setup-help: {purpose: service}
"""
BUNDLES = f"""{HEAD}
RULES
rules:
  - {{name: thanks, triggers: [purchase.made], for_each: order_id, delay: 2h, template: thank-you,
     bundle: true, cancel_on: [purchase.returned]}}
  - {{name: hello, triggers: [member.enrolled], delay: 5h, template: welcome, bundle: true, priority: 3}}
  - {{name: tier, triggers: [tier.changed], delay: 9h, template: win-back, bundle: true, priority: 5}}
  - {{name: alone, triggers: [tier.changed], delay: 3h, template: win-back}}
  - {{name: care, triggers: [purchase.made], for_each: order_id, delay: 4h, template: setup-help,
     bundle: true}}
"""


def known(file: str = "", text: str = BUNDLES, instant: bool = True, **who: Any) -> Driver:
    driver = Driver(policy=written(text.replace("RULES", file)), instant=instant)
    driver.event(CustomerUpdated.model_validate({"name": "Ada", "email": "ada@example.org", **who}))
    driver.event(granted())
    return driver


def joined(driver: Driver) -> Driver:
    driver.event(purchase())
    driver.event(MemberEnrolled())
    return driver


def mails(driver: Driver) -> list[tuple[datetime, str]]:
    return [(mail["at"], mail["rule"]) for mail in driver.sent if mail["purpose"] == "marketing"]


def went(driver: Driver) -> list[str]:
    return sorted(fact.rule for fact in driver.facts(OutreachSent))


def balanced(driver: Driver) -> None:
    assert not [account for account in book_of(driver).values() if account.difference]
