"""Simulated life after the till: contacts, complaints with all their steps, surveys, returns."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from rapport.replay.completejourney import CURRENCY, Basket, Line, customer_id
from rapport.replay.record import Record, record, rfc3339

CONTACT_CENTRE = "/simulated/contact-centre"
SURVEYS = "/simulated/surveys"
RETURNS_DESK = "/simulated/returns-desk"

_CONTACTS: tuple[tuple[str, str, str], ...] = (
    ("question", "Asked whether a product is in stock", "inbound"),
    ("question", "Asked about opening hours", "inbound"),
    ("praise", "Thanked the team at the deli counter", "inbound"),
    ("request", "Asked for a copy of a receipt", "inbound"),
    ("advice", "Was told about a recipe and what goes into it", "outbound"),
)
_COMPLAINTS: dict[str, tuple[str, str, str]] = {
    "price": ("Charged more than the shelf label said", "Difference paid back", "label not changed"),
    "freshness": ("Fruit was spoilt on the day of purchase", "Replaced and apologised", "cold chain broken"),
    "checkout": ("Waited twenty minutes at the till", "Apologised; another till opened", "too few tills"),
    "availability": ("An advertised offer was sold out", "Rain check issued", "order too small"),
    "staff": ("Was spoken to rudely", "Manager called to apologise", "training needed"),
}
_REASONS = ("prices", "quality", "choice", "service", "waiting time")
_NPS_HAPPY = (0, 0, 1, 1, 1, 3, 5, 12, 22, 28, 27)
_NPS_UNHAPPY = (6, 5, 6, 8, 9, 14, 14, 14, 12, 7, 5)


def contacts(baskets: Sequence[Basket], draw: Random) -> list[Record]:
    """A contact after one basket in twenty."""
    found = []
    for basket in baskets:
        if draw.random() >= 0.05:
            continue
        kind, summary, direction = draw.choice(_CONTACTS)
        channel = draw.choice(("phone", "email", "chat", "web", "in_person"))
        data: dict[str, Any] = {"channel": channel, "direction": direction, "kind": kind, "summary": summary}
        data["sentiment"] = round(draw.uniform(-0.3, 0.9), 2)
        if channel == "phone":
            data["duration_s"] = draw.randint(40, 600)
        at = basket.at + timedelta(seconds=draw.randint(600, 3 * 86400))
        found.append(_event("interaction.logged", CONTACT_CENTRE, f"contact-{basket.id}", basket, at, data))
    return found


def complaints(
    baskets: Sequence[Basket], draw: Random, asides: Random
) -> tuple[list[Record], list[datetime]]:
    """A complaint about one basket in forty, with its whole life, and when each was opened.

    ``asides`` decides on waiting, promises and changes.
    """
    found: list[Record] = []
    opened: list[datetime] = []
    for basket in baskets:
        if draw.random() < 0.025:
            opened.append(basket.at + timedelta(seconds=draw.randint(1800, 3 * 86400)))
            found += _complaint(basket, opened[-1], draw, asides)
    return found, opened


def _complaint(basket: Basket, at: datetime, draw: Random, asides: Random) -> list[Record]:
    """Opened, mostly acknowledged, resolved, sometimes again, mostly closed; some stay open. Some turn out to
    be worse than thought, some wait for the customer."""
    category = draw.choice(list(_COMPLAINTS))
    description, resolution, cause = _COMPLAINTS[category]
    steps: list[Record] = []

    def step(name: str, hours: float, **data: str) -> None:
        nonlocal at
        at += timedelta(seconds=round(hours * 3600))
        # The number of the step keeps ids apart when a complaint is resolved twice.
        key = f"complaint-{basket.id}-{len(steps) + 1}"
        named = {"complaint_id": f"c-{basket.id}", **data}
        steps.append(_event(f"complaint.{name}", CONTACT_CENTRE, key, basket, at, named))

    severity = draw.choices(("low", "normal", "high", "critical"), (30, 50, 16, 4))[0]
    channel = draw.choice(("phone", "email", "web", "in_person"))
    opened = {"channel": channel, "category": category, "severity": severity, "description": description}
    step("opened", 0, **opened, order_id=basket.order_id)
    if draw.random() < 0.85:
        step("acknowledged", draw.uniform(0.1, 20), message="We have your complaint and are looking into it")
    if asides.random() < 0.08:
        step("changed", asides.uniform(0.5, 6), severity="critical" if severity == "high" else "high")
    if draw.random() < 0.2:
        hours = draw.uniform(4, 30)
        promised_by = rfc3339(at + timedelta(hours=hours + asides.choice((24, 48, 72))))
        promise = {"promised_by": promised_by} if asides.random() < 0.5 else {}
        step("updated", hours, message="We have asked the store", **promise)
    if asides.random() < 0.15:
        step("waiting", asides.uniform(0.5, 4), reason="A photo of the receipt is needed")
        step("resumed", asides.uniform(2, 48))
    if draw.random() < 0.015:
        return steps
    step("resolved", draw.uniform(2, 96), resolution=resolution, root_cause=cause)
    if draw.random() < 0.15:
        step("reopened", draw.uniform(4, 60), reason="It happened again")
        step("resolved", draw.uniform(4, 72), resolution="Taken up by the store's manager", root_cause=cause)
    if draw.random() < 0.5:
        satisfied = draw.choices((1, 2, 3, 4, 5), (8, 8, 16, 34, 34))[0]
        about = {"kind": "complaint", "id": f"c-{basket.id}"}
        asked = at + timedelta(seconds=draw.randint(7200, 4 * 86400))
        data = {"survey": "csat", "score": satisfied, "about": about}
        steps.append(_event("survey.answered", SURVEYS, f"csat-{basket.id}", basket, asked, data))
    if draw.random() < 0.8:
        step("closed", draw.uniform(24, 96))
    return steps


def score_purchase(baskets: Sequence[Basket], unhappy: Sequence[datetime], draw: Random) -> list[Record]:
    """NPS after one basket in 25; a complaint in the 30 days before makes for lower scores."""
    found = []
    for basket in baskets:
        if draw.random() >= 0.04:
            continue
        at = basket.at + timedelta(seconds=draw.randint(3600, 2 * 86400))
        recent = any(timedelta() <= at - opened < timedelta(days=30) for opened in unhappy)
        score = draw.choices(range(11), _NPS_UNHAPPY if recent else _NPS_HAPPY)[0]
        about = {"kind": "order", "id": basket.order_id}
        data: dict[str, Any] = {"survey": "nps", "score": score, "about": about}
        if score <= 6:
            data["reason"] = draw.choice(_REASONS)
        found.append(_event("survey.answered", SURVEYS, f"nps-{basket.id}", basket, at, data))
    return found


def returns(basket: Basket, lines: Sequence[Line], draw: Random) -> list[Record]:
    """The basket goes back whole or in part, in one return or two; together never more than was paid.

    It happens within 20 days of the purchase; of some the log hears 1 to 20 days later.
    """
    paid = [line for line in lines if line.cents > 0]
    draw.shuffle(paid)
    count = len(paid) if draw.random() < 0.3 else draw.randint(1, len(paid))
    going = paid[:count]
    split = draw.randint(1, count - 1) if count > 1 and draw.random() < 0.2 else count
    found = []
    at = basket.at
    for number, part in enumerate((going[:split], going[split:]), start=1):
        if not part:
            continue
        at += timedelta(seconds=draw.randint(3600, 10 * 86400))
        arrives = at + timedelta(seconds=draw.randint(86400, 20 * 86400)) if draw.random() < 0.1 else at
        data = {
            "order_id": basket.order_id,
            "return_id": f"ret-{basket.id}-{number}",
            "items": [{"sku": line.sku, "quantity": line.quantity} for line in part],
            "refund": {"amount": sum(line.cents for line in part), "currency": CURRENCY},
        }
        key = f"return-{basket.id}-{number}"
        found.append(_event("purchase.returned", RETURNS_DESK, key, basket, at, data, arrives))
    return found


def _event(
    name: str,
    source: str,
    key: str,
    basket: Basket,
    at: datetime,
    data: Mapping[str, Any],
    arrives: datetime | None = None,
) -> Record:
    subject = customer_id(basket.household)
    return record(name, id=key, source=source, subject=subject, time=at, data=data, arrives=arrives)
