"""Customers whose pages are full, for pictures and for axe-core."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.kafka.publisher import Record
from shared.schemas.base import Data
from shared.schemas.codec import encode
from shared.schemas.event import Event
from shared.schemas.loyalty import MemberEnrolled, PointsEarned, TierChanged
from shared.schemas.outreach import OutreachScheduled, OutreachSuppressed
from tests.unit.interactions.test_unusable_addresses import HARD, SENT

from .conftest import DeskSite

EUR = "EUR"


def full_life(desk: DeskSite) -> None:
    """The customer of ``desk`` has a bit of everything."""
    day = 24 * 60
    desk.tell(
        "customer.registered",
        400 * day,
        name="Amélie Duchamp-Weber",
        email="amelie.duchamp@example.org",
        phone="+49 30 901820",
        locale="fr-FR",
        timezone="Europe/Paris",
        birthday="1984-06-02",
        tags=[
            "press",
            "Freundeskreis der Teekultur Berlin-Brandenburg e. V.",
            "speaks-french-and-some-german-but-no-english",
        ],
        segment="loyal",
        preferences={
            "diet": "vegetarian",
            "allergies": ["hazelnut", "soy"],
            "fit": {"jackets": "slim", "shoes": 39},
            "newsletter": True,
            "favourite_colour": "petrol",
        },
    )
    for purpose, channel, granted, topic in (
        ("marketing", "email", True, None),
        ("marketing", "sms", False, None),
        ("marketing", "email", False, "events"),
        ("survey", "email", True, None),
    ):
        desk.tell(
            "consent.changed",
            300 * day,
            purpose=purpose,
            channel=channel,
            granted=granted,
            **({} if topic is None else {"topic": topic}),
        )
    rapport_tells(desk, MemberEnrolled(tier="silver"), 390 * day)
    cause = {"source": "/till", "id": "r-1"}
    earned = {"entry_id": "e-1", "points": 1_540, "balance": 1_540, "reason": "purchases", "cause": cause}
    rapport_tells(desk, PointsEarned.model_validate(earned), 3 * day)
    rapport_tells(
        desk, TierChanged.model_validate({"from": "silver", "to": "gold", "direction": "up"}), 3 * day
    )
    vain_and_unreachable(desk)
    due = {"outreach_id": f"{desk.customer}-m1", "rule": "birthday", "channel": "email", "attempt": 0}
    soon = datetime.now(UTC) + timedelta(days=3)
    rapport_tells(desk, OutreachScheduled.model_validate(due | {"due_at": soon}), 60)
    for reason, blocked, minutes in (
        ("open_complaint", ["open_complaint", "frequency_cap"], 80),
        ("no_consent", ["no_consent"], 9 * day),
    ):
        told = {"outreach_id": f"{desk.customer}-{reason}", "rule": "news", "reason": reason}
        rapport_tells(desk, OutreachSuppressed.model_validate(told | {"blocked_by": blocked}), minutes)
    for n, (days, amount) in enumerate(((40, 12_990), (12, 5_499), (3, 21_800))):
        _bought(desk, f"{desk.customer}-o{n}", days * day, amount)
    refund = {"amount": 2_499, "currency": EUR}
    desk.tell(
        "purchase.returned",
        day,
        order_id=f"{desk.customer}-o2",
        return_id=f"{desk.customer}-r1",
        items=[{"sku": "kettle-17", "quantity": 1}],
        refund=refund,
    )
    desk.tell(
        "subscription.started",
        100 * day,
        subscription_id=f"{desk.customer}-s",
        plan="Tea club",
        price={"amount": 1_450, "currency": EUR},
        expires_at="2027-05-01T00:00:00Z",
    )
    desk.tell("survey.answered", 30 * day, survey="nps", score=9, comment="Always friendly. <b>Merci!</b>")
    talk = f"{desk.customer}-t"
    desk.writes(
        "My new kettle leaks, and there is water all over the kitchen.",
        95,
        conversation_id=talk,
        sentiment=-0.6,
    )
    desk.tell(
        "conversation.escalated",
        94,
        conversation_id=talk,
        reason="the customer is upset",
        priority="high",
        **{"from": "bot"},
    )
    desk.tell("conversation.assigned", 90, conversation_id=talk, agent_id="ann")
    complains(desk, "leak", 95, severity="critical", conversation_id=talk)
    complains(desk, "late", 3 * day, category="delivery", description="It came four days late.")
    desk.tell("complaint.resolved", 2 * day, complaint_id=f"{desk.customer}-late", resolution="A voucher.")
    desk.tell("complaint.closed", 2 * day - 5, complaint_id=f"{desk.customer}-late")


def vain_and_unreachable(desk: DeskSite) -> None:
    """An import granted what the customer had withdrawn; and an address no longer works."""
    told = {"specversion": "1.0", "id": uuid.uuid4().hex, "source": "/test", "imported": True}
    told |= {"type": "rapport.consent.changed.v1", "subject": desk.customer}
    told |= {"time": (datetime.now(UTC) - timedelta(days=200)).isoformat()}
    data = {"purpose": "marketing", "channel": "email", "topic": "events", "granted": True}
    desk.call("POST", "/events", told | {"data": data}, kind="application/cloudevents+json")
    for number, data_of in enumerate((SENT, HARD)):
        rapport_tells(desk, data_of, 6_000 - number)


def rapport_tells(desk: DeskSite, data: Data, minutes_ago: float) -> None:
    """An event that only Rapport writes."""
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    event = Event(uuid.uuid4().hex, "/rapport/test", desk.customer, at, data)
    value, headers = encode(event)
    record = Record(data.topic, desk.customer.encode(), value, tuple(headers))
    asyncio.run_coroutine_threadsafe(desk.worker.publish([record]), desk.worker.loop).result(20)


def complains(desk: DeskSite, name: str, minutes_ago: float, **told: Any) -> str:
    id = f"{desk.customer}-{name}"
    said = {
        "channel": "email",
        "category": "product quality",
        "severity": "normal",
        "description": "The kettle leaks. There is water all over the kitchen, and it is the second one.",
    }
    desk.tell("complaint.opened", minutes_ago, complaint_id=id, **(said | told))
    return id


def _bought(desk: DeskSite, order_id: str, minutes_ago: float, amount: int) -> None:
    line = {"sku": "kettle-17", "category": "kitchen", "quantity": 1}
    items = [
        {**line, "unit_price": {"amount": 2_499, "currency": EUR}},
        {"sku": "darjeeling-100", "quantity": 3, "unit_price": {"amount": 900, "currency": EUR}},
    ]
    total = {"amount": amount, "currency": EUR}
    desk.tell("purchase.made", minutes_ago, order_id=order_id, channel="web", total=total, items=items)


def ann_of(desk: DeskSite) -> str:
    """The agent of ``full_team`` who signs in: an agent has one team, so each test has agents of its own."""
    return f"ann-{desk.customer}"


def full_team(desk: DeskSite, team: str) -> None:
    """``team`` has agents of its own with work, a queue, and thanks; ``ann_of`` it is one."""
    day = 24 * 60
    people = (
        ("ann", "Ann Kowalska", {"complaints": 8, "refunds": 5}, True, False),
        ("bo", "Bo Lindqvist", {"complaints": 4}, True, False),
        ("cem", "Cem Yıldırım", {"refunds": 9}, True, True),
        ("dora", "Dora Szabó-Nagy", {"complaints": 6}, False, False),
    )
    for agent, name, skills, on_shift, on_break in people:
        weights = {"email": 1, "chat": 1.5, "phone": 2}
        told = {"agent_id": f"{agent}-{desk.customer}", "name": name, "skills": skills}
        told |= {"languages": ["en", "de"]}
        told |= {"capacity": {"total": 3, "weights": weights}, "on_shift": on_shift, "on_break": on_break}
        desk.tell("agent.changed", 200, team, **told)
    asked: tuple[tuple[str, float, str, list[str], float], ...] = (
        ("Zita Kelemen", 52, "urgent", ["complaints"], -0.8),
        ("Quentin Moreau", 40, "high", ["complaints"], -0.2),
        ("Ines Ferreira", 31, "normal", [], 0.1),
        ("Jonas Brandt", 22, "normal", ["complaints"], 0.0),
        ("Meral Aksoy", 15, "high", ["lace repair"], -0.7),
        ("Nils Holm", 9, "low", [], 0.3),
        ("Petra Novak", 5, "normal", [], 0.3),
    )
    for n, (name, minutes, priority, skills, mood) in enumerate(asked):
        who, id = f"{desk.customer}-{n}", f"{desk.customer}-q{n}"
        desk.tell("customer.registered", 900, who, name=name, email=f"q{n}@example.org")
        said = {"channel": "email", "direction": "inbound", "kind": "message", "sentiment": mood}
        desk.tell(
            "interaction.logged", minutes + 1, who, summary="Help", text="Help", conversation_id=id, **said
        )
        told = {"conversation_id": id, "from": "bot", "reason": "asked for a person", "skills": skills}
        desk.tell("conversation.escalated", minutes, who, team=team, priority=priority, **told)
    for training, ago in (("listening", 370 * day), ("hard cases", 90 * day), ("refunds", 172 * day)):
        desk.tell("training.passed", ago, team, agent_id=ann_of(desk), training=training)
    desk.tell("training.booked", day, team, agent_id=ann_of(desk), training="phone manners")
    for text, ago, more in (
        ("Ann stayed on the phone until my parcel was found. I was so relieved!", 2 * day, {}),
        ("Took my chat when my lunch was getting cold.", 60, {"told_by": f"bo-{desk.customer}"}),
        ("You explained the refund to me so that I understood it. Nobody had before.", 9 * day, {}),
    ):
        of = more or {"customer_id": f"{desk.customer}-1"}
        desk.tell("story.told", ago, team, agent_id=ann_of(desk), text=text, **of)
    desk.tell(
        "task.opened",
        30,
        team,
        task_id=f"{desk.customer}-k1",
        kind="call_back",
        text="Call Zita back: she is at home from four on.",
        customer_id=f"{desk.customer}-0",
        due_at=(datetime.now(UTC) - timedelta(minutes=9)).isoformat(),
    )
