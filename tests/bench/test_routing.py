"""1,000 conversations that wait, over 500 agents: how long one decision takes, and a burst of offers one by
one; and how large the team's state is, which a batch writes once."""

import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.table import Table

from services.interactions.config import load_desk
from services.interactions.domain.routing.decide import decide
from services.interactions.domain.routing.floor import Floor
from services.interactions.domain.routing.state import Agent, Team, Waiting, key_of
from services.interactions.domain.routing.team import apply
from shared.domain import Context
from shared.journal.later import state_text
from shared.schemas.base import Data
from shared.schemas.commands.routing import RoutingOfferRequested
from shared.schemas.event import Event
from shared.schemas.times import Micros, micros, moment
from tests.bench.report import console

pytestmark = pytest.mark.bench

WAITING, AGENTS = 1_000, 500
NOW: Micros = micros(datetime(2026, 11, 2, 9, tzinfo=UTC))
SKILLS = ("refunds", "law", "delivery", "invoices", "returns", "technical", "billing", "loyalty")
LANGUAGES = ("en", "de", "es", "fr")
CHANNELS = ("chat", "email", "phone")
DESK = load_desk()


def agents(rng: random.Random, at_work: bool = True) -> dict[str, Agent]:
    return {
        f"agent-{n:03d}": Agent(
            agent_id=f"agent-{n:03d}",
            at=NOW,
            told="",
            name=f"Agent {n}",
            skills={skill: rng.randint(1, 10) for skill in rng.sample(SKILLS, 5)},
            languages=tuple(rng.sample(LANGUAGES, 2)),
            total=3_000,
            weights={"chat": 1_000, "email": 500, "phone": 3_000},
            on_shift=at_work,
            lease=1,
        )
        for n in range(AGENTS)
    }


def waiting(rng: random.Random) -> dict[str, Waiting]:
    found = {}
    for n in range(WAITING):
        since = NOW - rng.randint(0, 3_600_000_000)
        one = Waiting(
            customer_id=f"cust-{n:05d}",
            conversation_id=f"conv-{n:05d}",
            revision=1,
            since=since,
            asked_at=since,
            priority=rng.choice(("low", "normal", "high", "urgent")),
            skills=tuple(rng.sample(SKILLS, rng.randint(0, 2))),
            preferred=tuple(rng.sample(SKILLS, rng.randint(0, 1))),
            language=rng.choice((*LANGUAGES, None)),
            channel=rng.choice(CHANNELS),
            difficult=rng.random() < 0.2,
            knows=f"agent-{rng.randrange(AGENTS):03d}" if rng.random() < 0.3 else None,
        )
        found[key_of(one.customer_id, one.conversation_id)] = one
    return found


def offers(rows: Sequence[Waiting]) -> list[Data]:
    return [
        RoutingOfferRequested.model_validate(
            {
                "customer_id": one.customer_id,
                "conversation_id": one.conversation_id,
                "revision": 1,
                "since": moment(one.since),
                "priority": one.priority,
                "skills": one.skills,
                "preferred_skills": one.preferred,
                "language": one.language,
                "channel": one.channel,
                "difficult": one.difficult,
            }
        )
        for one in rows
    ]


def one_by_one(team: Team, told: Sequence[Data]) -> tuple[Team, float, int]:
    """The team after these, one event each, the seconds and the assignments."""
    started, made = time.perf_counter(), 0
    for n, data in enumerate(told):
        at = moment(NOW) + timedelta(milliseconds=n)
        event = Event(f"e-{n}", "/bench", "care", at, data)
        effects = apply(DESK, team, event, Context(at, lambda tag: tag, lambda tag: tag))
        team, made = effects.state, made + len(effects.emits)
    return team, time.perf_counter() - started, made


def test_a_thousand_over_five_hundred() -> None:
    rng = random.Random(13)
    table = Table(title=f"{WAITING:,} conversations, {AGENTS} agents")
    for column in ("what", "seconds", "assigned", "characters of the state"):
        table.add_column(column, justify="left" if column == "what" else "right")
    team = Team(team_id="care", agents=agents(rng), waiting=waiting(rng))
    started = time.perf_counter()
    floor = Floor(DESK, team, NOW)
    made = decide(floor)
    seconds = time.perf_counter() - started
    size = len(state_text(floor.team(None)))
    table.add_row("decided at once", f"{seconds:.3f}", f"{len(made):,}", f"{size:,}")
    results: list[Any] = [seconds]
    for name, at_work in (("offered one by one, all at work", True), ("offered one by one, nobody", False)):
        empty = Team(team_id="care", agents=agents(rng, at_work))
        after, took, assigned = one_by_one(empty, offers(list(team.waiting.values())))
        results.append(took)
        table.add_row(name, f"{took:.3f}", f"{assigned:,}", f"{len(state_text(after)):,}")
    started = time.perf_counter()
    text = state_text(after)
    Team.model_validate_json(text)
    table.add_row("the state written and read", f"{time.perf_counter() - started:.3f}", "", f"{len(text):,}")
    console.print(table)
    console.print("aim: decided in under a second")
    assert results[0] < 1
