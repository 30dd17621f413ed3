"""What is told of people of whom some are erased: each says things that nobody else says."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.faults.platform import event, purchase, refund
from tests.faults.rules import TICK

TEAM = "care"


@dataclass(frozen=True)
class Person:
    """Somebody with a whole life. ``number`` tells them from the others."""

    number: int
    mark: str
    """In all that they are called and say, and nowhere else."""
    begun: datetime

    @property
    def id(self) -> str:
        return f"p{self.number}"

    @property
    def email(self) -> str:
        return f"{self.mark}@example.org"

    @property
    def phone(self) -> str:
        return f"+4915790{self.number:06}"

    @property
    def marks(self) -> tuple[str, ...]:
        """What nothing may hold of them, in small letters."""
        return (self.mark, self.phone.lstrip("+"))

    @property
    def late_at(self) -> str:
        """After all that is told of anybody."""
        return self._at(95)

    def _told(
        self, kind: str, name: str, ticks: int, data: dict[str, Any], subject: str = ""
    ) -> dict[str, Any]:
        return event(kind, subject or self.id, f"{self.id}-{name}", self._at(ticks), data)

    def _at(self, ticks: int) -> str:
        return (self.begun + ticks * TICK).isoformat()

    def profile(self) -> Iterator[dict[str, Any]]:
        """Before all else."""
        named = {"name": f"Ada {self.mark.title()}", "birthday": "1990-05-05", "timezone": "UTC"}
        yield self._told("customer.registered", "p", 1, named | {"email": self.email, "phone": self.phone})
        called = {"kind": "email", "value": f"second-{self.email}"}
        yield self._told("alias.added", "a", 2, called)
        consent = {"purpose": "marketing", "channel": "email", "granted": True, "evidence": self.mark}
        yield self._told("consent.changed", "c", 3, consent)

    def life(self) -> Iterator[dict[str, Any]]:
        """Orders, one given back, a term, a complaint, a conversation, answers, a team's task."""
        order = f"o-{self.mark}"
        yield purchase(self.id, order, 10_000, self._at(10))
        yield purchase(self.id, f"{order}-b", 2_000, self._at(11))
        yield refund(self.id, f"{order}-b", 500, self._at(12))
        price = {"amount": 999, "currency": "EUR"}
        term = {"subscription_id": f"s-{self.mark}", "plan": "tea", "price": price}
        yield self._told("subscription.started", "s", 13, term | {"expires_at": "2030-01-01T00:00:00Z"})
        complaint = {"complaint_id": f"k-{self.mark}"}
        opened = {"channel": "email", "category": "delivery", "severity": "high", "description": self.mark}
        yield self._told("complaint.opened", "k", 14, complaint | opened)
        yield self._told("complaint.acknowledged", "ka", 15, complaint | {"message": f"Dear {self.mark}"})
        talk = {"conversation_id": f"c-{self.mark}"}
        said = {"channel": "chat", "direction": "inbound", "kind": "message", "summary": self.mark}
        yield self._told("interaction.logged", "i", 16, talk | said | {"text": f"I am {self.mark}"})
        handed = {"from": "bot", "reason": self.mark, "team": TEAM, "skills": ["law"]}
        yield self._told("conversation.escalated", "e", 17, talk | handed)
        answer = {"survey": "nps", "score": 3, "comment": f"{self.mark} waits", "reason": self.mark}
        yield self._told("survey.answered", "n", 18, answer)
        yield self._told("review.posted", "r", 19, {"sku": "tea", "rating": 2, "text": self.mark})
        task = {"task_id": f"t-{self.number}", "kind": "call", "text": self.mark, "customer_id": self.id}
        yield self._told("task.opened", "t", 20, task, subject=TEAM)

    def erased(self) -> dict[str, Any]:
        """They are forgotten."""
        return self._told("customer.erased", "x", 60, {})

    def late(self) -> Iterator[dict[str, Any]]:
        """From a till that was offline, and a shop that knows no better."""
        yield purchase(self.id, f"o-{self.mark}-late", 5_000, self._at(90))
        yield self._told("customer.updated", "p2", 91, {"name": f"Ada {self.mark.title()}"})
