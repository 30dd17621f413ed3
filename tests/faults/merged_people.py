"""What is told of people with two ids: before they are one, while they become one, and once they are two."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.faults.platform import event, purchase
from tests.faults.rules import TICK


@dataclass(frozen=True)
class Pair:
    """``old`` becomes one with ``survivor``; ``parted``: two again."""

    name: str
    begun: datetime
    parted: bool
    refuses: bool
    """The old id's person wants no marketing any more, as is told while it is merged."""

    @property
    def old(self) -> str:
        return f"{self.name}-a"

    @property
    def survivor(self) -> str:
        return f"{self.name}-b"

    def _told(self, kind: str, of: str, name: str, ticks: int, data: dict[str, Any]) -> dict[str, Any]:
        return event(kind, of, f"{of}-{name}", (self.begun + ticks * TICK).isoformat(), data)

    def _bought(self, of: str, number: int, ticks: int) -> dict[str, Any]:
        at = (self.begun + ticks * TICK).isoformat()
        return purchase(of, f"{of}-o{number}", 1_000 * number + (200 if of == self.old else 0), at)

    def profiles(self) -> Iterator[dict[str, Any]]:
        for ticks, of in enumerate((self.old, self.survivor)):
            profile = {"name": f"Ada {of}", "email": f"{of}@example.org", "timezone": "UTC"}
            yield self._told("customer.registered", of, "p", ticks, profile)
            consent = {"purpose": "marketing", "channel": "email", "granted": True}
            yield self._told("consent.changed", of, "c", ticks, consent)

    def before(self) -> Iterator[dict[str, Any]]:
        """A term, an order and two complaints of each."""
        for ticks, of in enumerate((self.old, self.survivor), 10):
            yield self._told("subscription.started", of, "s", ticks, self._term(of))
            yield self._bought(of, 1, ticks)
            for severity in ("critical", "high"):
                said = {"channel": "email", "category": "delivery", "description": "It is late."}
                named = {"complaint_id": f"{of}-{severity}", "severity": severity}
                yield self._told("complaint.opened", of, severity, ticks, {**said, **named})

    def _term(self, of: str) -> dict[str, Any]:
        price = {"amount": 999, "currency": "EUR"}
        return {
            "subscription_id": f"{of}-s",
            "plan": "tea",
            "price": price,
            "expires_at": "2030-01-01T00:00:00Z",
        }

    def merged(self) -> dict[str, Any]:
        return self._told("customer.merged", self.old, "merged", 60, {"into": self.survivor, "reason": "one"})

    def amid(self) -> Iterator[dict[str, Any]]:
        """Of either id, while they become one: orders, steps of complaints, a word on consent."""
        for ticks, of in enumerate((self.old, self.survivor), 70):
            yield self._bought(of, 2, ticks)
            yield self._told("complaint.acknowledged", of, "ack", ticks, {"complaint_id": f"{of}-critical"})
            waiting = {"complaint_id": f"{of}-high", "reason": "a photograph"}
            yield self._told("complaint.waiting", of, "wait", ticks, waiting)
        if self.refuses:
            refused = {"purpose": "marketing", "channel": "email", "granted": False}
            yield self._told("consent.changed", self.old, "no", 72, refused)

    def unmerged(self) -> dict[str, Any]:
        data = {"from": self.survivor, "reason": "two"}
        return self._told("customer.unmerged", self.old, "unmerged", 120, data)

    def after(self) -> Iterator[dict[str, Any]]:
        for ticks, of in enumerate((self.old, self.survivor), 130):
            yield self._bought(of, 3, ticks)
            yield self._told("complaint.resumed", of, "resume", ticks, {"complaint_id": f"{of}-high"})
        solved = {"complaint_id": f"{self.old}-critical", "resolution": "sent anew"}
        yield self._told("complaint.resolved", self.old, "solved", 132, solved)
