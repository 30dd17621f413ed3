"""What became of each message of a run, and of each trigger that rules heard."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from rapport.simulate.drawing import Month
from services.followup.domain.state import Customer
from shared.domain import Effects
from shared.schemas.event import Event
from shared.schemas.outreach import (
    OutreachData,
    OutreachDropped,
    OutreachFailed,
    OutreachScheduled,
    OutreachSent,
    OutreachSuppressed,
)
from shared.schemas.times import Micros, micros, moment

Outcome = Literal["sent", "waiting", "failed", "suppressed", "cancelled"]


@dataclass(slots=True)
class Message:
    """An outreach and what became of it by the end."""

    customer: str
    rule: str
    step: str | None
    trigger: Micros
    """When what it is about happened."""
    due_at: Micros | None
    """None for one that was told of only when it was decided."""
    outcome: Outcome = "waiting"
    reason: str | None = None
    """Why it was suppressed or cancelled."""
    detail: str | None = None
    at: Micros | None = None
    """When that was."""

    @property
    def told(self) -> str:
        """``sent``, ``suppressed: frequency_cap``."""
        return f"{self.outcome}: {self.reason}" if self.reason else self.outcome


class Place(NamedTuple):
    """What a message is about: the same under any rules that have one of this name."""

    customer: str
    rule: str
    step: str | None
    trigger: Micros


@dataclass(slots=True)
class Count:
    """Messages of a rule."""

    planned: int = 0
    sent: int = 0
    failed: int = 0
    waiting: int = 0
    suppressed: Counter[str] = field(default_factory=Counter)
    """By reason."""
    cancelled: Counter[str] = field(default_factory=Counter)
    """By reason."""

    @property
    def balanced(self) -> bool:
        """Whether every message that was planned has come to something, or waits."""
        come = self.sent + self.failed + self.waiting + self.suppressed.total() + self.cancelled.total()
        return self.planned == come

    def add(self, message: Message) -> None:
        self.planned += 1
        match message.outcome:
            case "suppressed":
                self.suppressed[message.reason or "-"] += 1
            case "cancelled":
                self.cancelled[message.reason or "-"] += 1
            case "sent":
                self.sent += 1
            case "failed":
                self.failed += 1
            case "waiting":
                self.waiting += 1


class Messages:
    """All of a run, by what its rules tell; ``watch`` is for ``Run``."""

    def __init__(self) -> None:
        self._by_id: dict[str, Message] = {}

    def __iter__(self) -> Iterator[Message]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def watch(self, at: datetime, event: Event, before: Customer, effects: Effects[Customer]) -> None:
        for emit in effects.emits:
            if isinstance(emit.data, OutreachData):
                self._note(event.subject, emit.data, micros(emit.time), before, effects.state)

    def _note(self, customer: str, data: OutreachData, at: Micros, before: Customer, after: Customer) -> None:
        known = self._by_id.get(data.outreach_id)
        if known is None:
            trigger = _trigger(data.outreach_id, data.rule, before, after)
            due_at = micros(data.due_at) if isinstance(data, OutreachScheduled) else None
            step = getattr(data, "step", None)
            known = Message(customer, data.rule, step, at if trigger is None else trigger, due_at)
            self._by_id[data.outreach_id] = known
        match data:
            case OutreachSent():
                known.outcome, known.at = "sent", at
            case OutreachFailed():
                known.outcome, known.at = "failed", at
            case OutreachDropped() if known.outcome != "sent":
                known.outcome = "suppressed" if isinstance(data, OutreachSuppressed) else "cancelled"
                known.reason, known.detail, known.at = data.reason, data.detail, at

    def by_rule(self) -> dict[str, Count]:
        found: dict[str, Count] = {}
        for message in self:
            found.setdefault(message.rule, Count()).add(message)
        return found

    def by_month(self) -> Counter[Month]:
        """Sent messages, by month in UTC."""
        times = (moment(one.at) for one in self if one.outcome == "sent" and one.at is not None)
        return Counter((at.year, at.month) for at in times)

    def sent_by_customer(self) -> Counter[str]:
        return Counter(one.customer for one in self if one.outcome == "sent")

    def places(self) -> dict[Place, Message]:
        """What each trigger came to: its message that went or waits, else the last one. A trigger has several
        where one lost its place to another and was planned again."""
        found: dict[Place, Message] = {}
        for one in self:
            place = Place(one.customer, one.rule, one.step, one.trigger)
            known = found.get(place)
            if known is None or known.outcome not in ("sent", "waiting"):
                found[place] = one
        return found


def _trigger(outreach_id: str, rule: str, before: Customer, after: Customer) -> Micros | None:
    """When what started a message happened, as far as a state says."""
    held: Iterable[tuple[str, Micros]] = (
        (one.outreach_id, one.at) for one in (*after.planned, *after.in_flight, *before.planned)
    )
    found = next((at for known, at in held if known == outreach_id), None)
    if found is None and (anchor := before.anchor(rule)) is not None:
        return anchor.at
    return found
