"""The book of messages: whatever was made has come to one thing, or waits. Pure.

A message is *made* when it is first told of: announced, or decided about; whatever a trigger would have
said is one or the other in the end. What was made and what it came to are counted in the
transaction of each; what waits is what stands so in ``deliveries``: one that was lost, or ended twice, shows
as a difference.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from services.followup.domain.results.cells import ARM, Cell
from services.followup.domain.results.report import funnel

WAITING = ("scheduled", "ready", "sending")
"""The statuses of a message that has not come to anything yet."""

Place = tuple[str, str]
"""A rule, and a day in UTC such as ``2026-03-02``."""


@dataclass(frozen=True, slots=True)
class Account:
    """Messages of some rules that are due on some days."""

    planned: int = 0
    """All that were made."""
    sent: int = 0
    suppressed: int = 0
    cancelled: int = 0
    """And not sent all the same, as happens where the sender was faster."""
    failed: int = 0
    in_doubt: int = 0
    waiting: int = 0

    @property
    def difference(self) -> int:
        """0, or something is wrong: more (or fewer) were made than are known to be anywhere."""
        known = self.sent + self.suppressed + self.cancelled + self.failed + self.in_doubt + self.waiting
        return self.planned - known


def book(sums: Mapping[Cell, Mapping[str, int]], waiting: Mapping[Place, int]) -> dict[Place, Account]:
    """The account of each rule and day, by day and then by rule."""
    counts: dict[Place, Counter[str]] = {}
    for cell, found in sums.items():
        if cell.step != ARM:
            counts.setdefault((cell.rule, cell.day), Counter()).update(found)
    places = sorted({*counts, *waiting}, key=lambda place: (place[1], place[0]))
    return {place: _account(counts.get(place, Counter()), waiting.get(place, 0)) for place in places}


def _account(counts: Counter[str], waiting: int) -> Account:
    of = funnel(counts)
    return Account(
        planned=of.planned,
        sent=of.sent,
        suppressed=sum(of.suppressed.values()),
        cancelled=sum(of.cancelled.values()) - of.overtaken,
        failed=of.failed,
        in_doubt=of.in_doubt,
        waiting=waiting,
    )


def total(accounts: Iterable[Account]) -> Account:
    """All of them together; differences that make up for each other do not show here."""
    listed = list(accounts)
    return Account(**{f.name: sum(getattr(one, f.name) for one in listed) for f in fields(Account)})
