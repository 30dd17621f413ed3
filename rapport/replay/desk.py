"""A simulated desk: agents of two teams, the weeks behind them, and a day on which customers write.

The customers are the data set's; what they write, the bot and the agents are made up, seeded, and have
sources under ``/simulated/``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from rapport.replay.record import Record, record, rfc3339

CHAT = "/simulated/chat"
DESK = "/simulated/desk"
WEEKS = 4
BY_DAY = (9, 7, 7, 6, 8)
"""Conversations of a week before, Monday to Friday."""
OPENS, CLOSES = 7, 16
"""Hours (UTC) in which they come."""
TODAY = 46
"""Conversations of the day."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a team."""

    id: str
    name: str
    team: str
    skills: Mapping[str, int]
    languages: tuple[str, ...] = ("en",)
    on_shift: bool = True
    on_break: bool = False
    capacity: float = 4


PEOPLE = (
    Person("agent-ann", "Ann Okafor", "complaints", {"complaints": 9, "refunds": 7}, ("en", "es")),
    Person("agent-ben", "Ben Carver", "complaints", {"complaints": 6, "refunds": 8}),
    Person("agent-chloe", "Chloe Reyes", "complaints", {"complaints": 4, "refunds": 3}, capacity=3),
    Person("agent-dev", "Dev Malhotra", "complaints", {"complaints": 7}, on_break=True),
    Person("agent-ella", "Ella Brandt", "service", {"products": 8, "orders": 6}, ("en", "de")),
    Person("agent-femi", "Femi Adeyemi", "service", {"products": 5, "orders": 7}),
    Person("agent-gus", "Gus Lindqvist", "service", {"orders": 4}, capacity=3),
    Person("agent-hana", "Hana Sato", "service", {"products": 9}, on_shift=False),
)
_TRAININGS = (
    # agent, training, days ago, refreshed in so many days (from then), only booked
    ("agent-ann", "listening", 358, 365, False),
    ("agent-ann", "refunds", 40, 180, False),
    ("agent-ben", "refunds", 171, 180, False),
    ("agent-ben", "hard cases", 20, None, False),
    ("agent-chloe", "listening", 6, None, True),
    ("agent-ella", "listening", 90, 365, False),
    ("agent-femi", "hard cases", 3, None, True),
)
_STORIES = (
    ("agent-ann", "Stayed on the phone until the refund had arrived. They wrote to say thank you."),
    ("agent-ella", "Found the discontinued tea in another store and had it sent the same day."),
    (
        "agent-ben",
        "Noticed that three complaints had one cause, and told the store: its labels are right now.",
    ),
)
_COMPLAINTS = (
    ("price", "normal", "I was charged more than the shelf label said, again.", "refunds"),
    ("freshness", "high", "The strawberries were mouldy when I opened the box at home.", "complaints"),
    ("checkout", "low", "Twenty minutes at the till, and only one of six was open.", "complaints"),
    ("availability", "normal", "The offer in your leaflet was sold out at ten in the morning.", "complaints"),
    ("staff", "critical", "I was spoken to very rudely in front of my children.", "complaints"),
)
_QUESTIONS = (
    ("Is the oat drink without added sugar back in stock?", "products"),
    ("Can I change the delivery slot of my order?", "orders"),
    ("Which of your breads are free of nuts?", "products"),
    ("My receipt shows an item twice. Can you look?", "orders"),
)
_BOT = "I can help with that. Have you looked at the page about it?"
_NO_HELP = "That does not help me. I would like to talk to a person."
_PRAISE = (
    "Quick, kind, and it was really solved. Thank you!",
    "The first time that somebody listened to me.",
    "So friendly, and the money was back the next day.",
    None,
    None,
)
_DIETS = ("vegan", "no nuts", "gluten-free", "halal", "vegetarian")


def people(at: datetime) -> Iterator[Record]:
    """Everybody as they come to work."""
    for one in PEOPLE:
        weights = {"email": 1, "chat": 1, "web": 1, "phone": 2}
        data = {
            "agent_id": one.id,
            "name": one.name,
            "skills": dict(one.skills),
            "languages": list(one.languages),
            "capacity": {"total": one.capacity, "weights": weights},
            "on_shift": one.on_shift,
            "on_break": one.on_break,
        }
        yield _of_team("agent.changed", f"desk-{one.id}", one.team, at, data)


def learnt(at: datetime) -> Iterator[Record]:
    """What they have learnt and will learn, and what colleagues tell of them."""
    teams = {one.id: one.team for one in PEOPLE}
    for agent, training, days, lasts, booked in _TRAININGS:
        when = at - timedelta(days=days)
        data = {"agent_id": agent, "training": training}
        if lasts is not None:
            data["refresh_by"] = rfc3339(when + timedelta(days=lasts))
        name = "training.booked" if booked else "training.passed"
        key = f"desk-{training}-{agent}".replace(" ", "-")
        yield _of_team(name, key, teams[agent], when, data)
    for number, (agent, text) in enumerate(_STORIES, start=1):
        data = {"agent_id": agent, "text": text}
        when = at - timedelta(days=3 * number, hours=number)
        yield _of_team("story.told", f"desk-story-{number}", teams[agent], when, data)


def weeks_before(customers: Sequence[str], until: datetime, seed: int) -> list[Record]:
    """Conversations of four weeks that are over, in the order of time: so many as the days of a week have."""
    draw = Random(f"{seed}:desk:weeks")
    found: list[Record] = []
    for days in range(7 * WEEKS, 0, -1):
        day = (until - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
        for number in range(BY_DAY[day.weekday()] if day.weekday() < len(BY_DAY) else 0):
            at = day + timedelta(seconds=draw.triangular(OPENS * 3600, CLOSES * 3600, 10 * 3600))
            found += _over(f"desk-{day:%m%d}-{number}", draw.choice(customers), at, draw)
    return sorted((one for one in found if one.at < until), key=lambda one: one.at)


def _over(id: str, customer: str, at: datetime, draw: Random) -> Iterator[Record]:
    """One that came in, was answered and closed, and of which some say how it was."""
    text, skill = draw.choice(_QUESTIONS)
    if draw.random() < 0.35:
        _, _, text, skill = draw.choice(_COMPLAINTS)
    agent = draw.choice([one for one in PEOPLE if skill in one.skills])
    said = _Talk(id, customer, "chat" if draw.random() < 0.4 else "email")
    yield said.writes(at, text, sentiment=round(draw.uniform(-0.4, 0.5), 2))
    yield said.tell("conversation.escalated", at + timedelta(seconds=20), **_wants(skill))
    taken = at + timedelta(seconds=draw.randint(60, 500))
    yield said.tell("conversation.assigned", taken, agent_id=agent.id, manual=True)
    answered = taken + timedelta(seconds=draw.randint(60, 900))
    yield said.answers(answered, "I have looked into it, and it is done. Is there anything else?", agent.id)
    over = answered + timedelta(seconds=draw.randint(300, 3_000))
    yield said.tell("conversation.closed", over, outcome="solved")
    if draw.random() < 0.5:
        score = draw.choices((2, 3, 4, 5), (4, 10, 36, 50))[0]
        answer: dict[str, Any] = {
            "survey": "csat",
            "score": score,
            "about": {"kind": "conversation", "id": id},
        }
        praise = draw.choice(_PRAISE) if score == 5 else None
        if praise is not None:
            answer["comment"] = praise
        yield said.event("survey.answered", over + timedelta(seconds=draw.randint(600, 20_000)), answer)


def day(customers: Sequence[str], at: datetime, seed: int) -> list[Record]:
    """What comes in on the day, from the morning on until ``at``, in the order of time. Each customer writes
    once, those first who are named first."""
    draw = Random(f"{seed}:desk:day")
    found: list[Record] = []
    seconds = (at - at.replace(hour=OPENS, minute=0, second=0, microsecond=0)).total_seconds() - 120
    chosen = customers[:TODAY]
    for number, customer in enumerate(chosen):
        # The later, the more.
        when = at - timedelta(seconds=120 + seconds * (1 - (number + 1) / len(chosen)) ** 1.3)
        found += _comes_in(f"desk-today-{number}", customer, when, draw)
    return sorted((one for one in found if one.at <= at), key=lambda one: one.at)


def _comes_in(id: str, customer: str, at: datetime, draw: Random) -> Iterator[Record]:
    if draw.random() < 0.4:
        likes = {"diet": draw.choice(_DIETS)}
        yield _event("customer.updated", f"{id}-likes", customer, at, {"preferences": likes}, DESK)
    if draw.random() < 0.6:
        category, severity, text, skill = draw.choice(_COMPLAINTS)
        said = _Talk(id, customer, "email")
        yield said.writes(
            at, text, sentiment=round(draw.uniform(-0.9, -0.2), 2), subject=f"Complaint: {category}"
        )
        complaint = {
            "complaint_id": f"x-{id}",
            "channel": "email",
            "category": category,
            "severity": severity,
        }
        complaint |= {"description": text, "conversation_id": id}
        yield said.event("complaint.opened", at + timedelta(seconds=5), complaint)
        urgent = {"priority": "urgent"} if severity == "critical" else {}
        yield said.tell("conversation.escalated", at + timedelta(seconds=10), **_wants(skill), **urgent)
        return
    text, skill = draw.choice(_QUESTIONS)
    said = _Talk(id, customer, "chat" if draw.random() < 0.6 else "email")
    yield said.writes(at, text, subject=text if said.channel == "email" else None)
    if said.channel == "chat":
        yield said.answers(at + timedelta(seconds=4), _BOT)
        yield said.writes(at + timedelta(seconds=40), _NO_HELP, sentiment=round(draw.uniform(-0.7, 0.1), 2))
    yield said.tell("conversation.escalated", at + timedelta(seconds=50), **_wants(skill))


def _wants(skill: str) -> dict[str, Any]:
    """Complaints go to those who are there for them, by skill; the rest to whoever is asked for all else."""
    if skill in ("complaints", "refunds"):
        return {"from": "bot", "reason": "A complaint: a person should answer.", "skills": [skill]}
    return {"from": "bot", "reason": "The bot could not help.", "preferred_skills": [skill]}


@dataclass(slots=True)
class _Talk:
    """A conversation, whose events are named by their number."""

    id: str
    customer: str
    channel: str
    told: int = 0

    def writes(self, at: datetime, text: str, *, subject: str | None = None, **more: Any) -> Record:
        said = {"subject": subject} if subject is not None else {}
        return self._says(at, "inbound", text, **said, **more)

    def answers(self, at: datetime, text: str, agent: str | None = None) -> Record:
        who = {"author": "bot"} if agent is None else {"author": "agent", "agent_id": agent}
        return self._says(at, "outbound", text, **who)

    def tell(self, name: str, at: datetime, **data: Any) -> Record:
        return self.event(name, at, {"conversation_id": self.id, **data})

    def event(self, name: str, at: datetime, data: Mapping[str, Any]) -> Record:
        self.told += 1
        return _event(name, f"{self.id}-{self.told}", self.customer, at, data, CHAT)

    def _says(self, at: datetime, direction: str, text: str, **more: Any) -> Record:
        data = {"channel": self.channel, "direction": direction, "kind": "message", "summary": text[:160]}
        return self.tell("interaction.logged", at, **data, text=text, **more)


def _of_team(name: str, key: str, team: str, at: datetime, data: Mapping[str, Any]) -> Record:
    return record(name, id=key, source=DESK, subject=team, time=at, data=data)


def _event(name: str, key: str, customer: str, at: datetime, data: Mapping[str, Any], source: str) -> Record:
    return record(name, id=key, source=source, subject=customer, time=at, data=data)
