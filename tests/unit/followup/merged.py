"""Several ids of one person: merging them, and what is so of the books."""

from collections import Counter
from typing import Any

from services.followup.domain.results.book import WAITING, Account, book
from services.followup.domain.results.cells import RESULTS, Cell
from shared.schemas.base import Data
from shared.schemas.customers import CustomerMerged, CustomerUnmerged

from .driver import Driver, granted, profile

THANKS = """$HEAD
rules:
  - {name: thanks, triggers: [purchase.made], for_each: order_id, delay: 2h, template: thank-you}
"""
OLD, NEW, OTHER = "old", "new", "other"


def merge(driver: Driver, old: str = OLD, into: str = NEW) -> None:
    driver.event(CustomerMerged(into=into, reason="the same phone"), of=old)


def unmerge(driver: Driver, old: str = OLD, of: str = NEW) -> None:
    driver.event(CustomerUnmerged.model_validate({"from": of, "reason": "they are two"}), of=old)


def world(text: Any = None, *ids: str, instant: bool = True) -> Driver:
    """All ids have an address and allow marketing."""
    driver = Driver(policy=text, instant=instant, customer=NEW)
    for id in ids or (OLD, NEW):
        driver.event(profile(email=f"{id}@example.org"), of=id)
        driver.event(granted(), of=id)
    return driver


def tell(driver: Driver, of: str, *facts: Data) -> None:
    for fact in facts:
        driver.event(fact, of=of)


def accounts(driver: Driver) -> dict[tuple[str, str], Account]:
    """The book, by rule and day."""
    sums = {
        cell: Counter(_numbers(row)) for row in driver.worker.rows(RESULTS) if (cell := Cell.read(row["key"]))
    }
    waiting = Counter(
        (row["rule"], f"{row['due_at']:%Y-%m-%d}") for row in driver.rows.values() if row["status"] in WAITING
    )
    return book(sums, waiting)


def _numbers(row: dict[str, Any]) -> dict[str, int]:
    return {name: n for name, n in row.items() if name not in ("_id", "key")}


def balanced(driver: Driver) -> bool:
    return all(account.difference == 0 for account in accounts(driver).values())


def sent(driver: Driver, rule: str | None = None) -> list[str]:
    """The ids of the messages that went."""
    return [mail["_id"] for mail in driver.sent if rule in (None, mail["rule"])]
