"""What becomes of facts that are heard in some order."""

from collections.abc import Iterable
from datetime import datetime
from itertools import permutations
from typing import Any, Generic, NamedTuple

from shared.schemas.outreach import OutreachCancelled, OutreachSuppressed

from .driver import DAY, NOON, D, Driver, granted, policy, profile, rules


class Told(NamedTuple, Generic[D]):
    """A fact and when it happened."""

    at: datetime
    data: D


def of(told: Iterable[Told[Any]], kind: type[D]) -> list[Told[D]]:
    """Those of one kind."""
    return [Told(one.at, one.data) for one in told if isinstance(one.data, kind)]


def heard(*told: tuple[Any, datetime], name: str = "retail", now: datetime = NOON) -> Driver:
    """A reachable customer of whom these are heard now, in this order."""
    driver = Driver(policy=policy(rules(name)), now=now)
    driver.event(profile(), at=now - 9 * DAY)
    driver.event(granted(), at=now - 9 * DAY)
    for data, at in told:
        driver.event(data, at=at)
    return driver


def course(driver: Driver, days: int = 80) -> list[tuple[str, datetime, str]]:
    """What was sent in the days after: rule, time, text."""
    driver.after(days * DAY)
    return [(m["rule"], m["at"], m["text"]) for m in driver.sent]


def each_order(
    *told: tuple[Any, datetime], name: str = "retail", days: int = 80
) -> list[tuple[str, datetime, str]]:
    """What was sent, which must be the same for every order of arrival."""
    found = [course(heard(*order, name=name), days) for order in permutations(told)]
    assert all(one == found[0] for one in found)
    return found[0]


def sent(driver: Driver) -> list[tuple[str, datetime]]:
    """Rule and time of each message, in the order in which they went."""
    return [(message["rule"], message["at"]) for message in driver.sent]


def reasons(driver: Driver, kind: type[OutreachSuppressed] | type[OutreachCancelled]) -> list[str]:
    """Why messages did not go."""
    return [fact.reason for fact in driver.facts(kind)]
