"""Complaints told by hand, and histories by chance. Times are hours since Monday, 2 March 2026, 08:00 UTC."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from rapport.simulate.memory import Arrival
from services.interactions.config import parse
from services.interactions.domain.sla.policy import Sla
from shared.schemas.base import Data, Money
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintChanged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintResumed,
    ComplaintUpdated,
    ComplaintWaiting,
)
from shared.schemas.customers import CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.loyalty import TierChanged
from shared.schemas.purchases import PurchaseMade

START = datetime(2026, 3, 2, 8, tzinfo=UTC)

POLICY = """
name: hours
versions:
  - effective: 2020-01-01
    calendars:
      always: {timezone: UTC, hours: all}
      office: {timezone: Europe/Berlin,
               hours: {mon: ["09:00-18:00"], tue: ["09:00-18:00"], wed: ["22:00-06:00"]}}
    policies:
      - {name: high, when: {severity: [high, critical]}, calendar: always, first_response: 2h,
         next_response: 3h, update: 4h, resolution: 10h, warn_before: 1h,
         escalate: [{after: 0m, to: lead}, {after: 5h, to: boss}]}
      - {name: gold, when: {tier: [gold]}, calendar: always, first_response: 3h, resolution: 20h}
      - {name: vip, when: {segment: [vip]}, calendar: office, first_response: 3h, update: 5h, resolution: 9h,
         warn_before: 2h}
      - {name: rest, when: {category: [delivery]}, calendar: office, first_response: 4h, update: 6h,
         resolution: 12h, warn_before: 90m, escalate: [{after: 3h, to: lead}]}
"""


def policy(*changes: tuple[str, str]) -> Sla:
    """``POLICY``, with other words."""
    text = POLICY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse(text)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def event(hours: float, data: Data, customer: str = "c-1") -> Arrival:
    """Its id is made of time, customer and type."""
    name = f"{hours}-{customer}-{data.event_type}-{getattr(data, 'complaint_id', '')}"
    return at(hours), Event(name, "/desk", customer, at(hours), data)


def opened(hours: float, complaint: str = "x", customer: str = "c-1", **said: Any) -> Arrival:
    fields = {"channel": "web", "category": "delivery", "severity": "high", "description": "It is late."}
    return event(hours, ComplaintOpened(**{"complaint_id": complaint, **fields, **said}), customer)


def acknowledged(hours: float, complaint: str = "x", customer: str = "c-1") -> Arrival:
    return event(hours, ComplaintAcknowledged(complaint_id=complaint), customer)


def resolved(hours: float, complaint: str = "x", customer: str = "c-1") -> Arrival:
    return event(hours, ComplaintResolved(complaint_id=complaint, resolution="Sent again."), customer)


def by_chance(seed: int, complaints: int = 6) -> list[Arrival]:
    """Some customers' weeks, in the order of time."""
    draw = Random(seed)
    found: list[Arrival] = []
    for number in range(complaints):
        customer = f"c-{draw.randint(1, 3)}"
        found += [event(hours, data, customer) for hours, data in _life(draw, f"x-{number}")]
        found += [event(hours, data, customer) for hours, data in _others(draw, number)]
    return sorted(found, key=lambda arrival: arrival[0])


def _life(draw: Random, complaint: str) -> Iterator[tuple[float, Data]]:
    hours = round(draw.uniform(0, 100), 2)
    said: dict[str, Any] = {
        "complaint_id": complaint,
        "channel": draw.choice(("web", "phone")),
        "category": draw.choice(("delivery", "price")),
        "severity": draw.choice(("low", "normal", "high", "critical")),
        "description": "It is late.",
    }
    yield hours, ComplaintOpened(**said)
    for _ in range(draw.randint(0, 9)):
        hours = round(hours + draw.choice((0, 0.25, 1, 2, 3.5, 12, 30)), 2)
        promised = at(hours + draw.choice((-1, 2, 5, 40))) if draw.random() < 0.5 else None
        steps: list[Data] = [
            ComplaintAcknowledged(complaint_id=complaint),
            ComplaintUpdated(complaint_id=complaint, message="We look.", promised_by=promised),
            ComplaintWaiting(complaint_id=complaint, reason="A photo."),
            ComplaintResumed(complaint_id=complaint),
            ComplaintChanged(complaint_id=complaint, severity=draw.choice(("low", "critical"))),
            ComplaintResolved(complaint_id=complaint, resolution="Sent again."),
            ComplaintReopened(complaint_id=complaint, reason="Again."),
            ComplaintClosed(complaint_id=complaint),
        ]
        yield hours, draw.choice(steps)


def _others(draw: Random, number: int) -> Iterator[tuple[float, Data]]:
    """What else happens to a customer."""
    hours = round(draw.uniform(0, 120), 2)
    match draw.randint(0, 3):
        case 0:
            yield hours, CustomerUpdated(segment=draw.choice(("vip", "other")))
        case 1:
            yield hours, _tier(draw.choice(("gold", "silver")))
        case 2:
            total = Money(amount=1_000, currency="EUR")
            yield hours, PurchaseMade(order_id=f"o-{number}", channel="web", total=total, items=())


def _tier(to: str) -> TierChanged:
    return TierChanged(**{"from": "bronze", "to": to, "direction": "up"})
