"""Customers, teams and agents together, in memory: what is told comes back as Kafka would bring it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from services.interactions.config import load, parse_desk
from services.interactions.domain.apply import CONSUMES, apply_at_desk
from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.course import course
from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.erasing.left import of_erased
from services.interactions.domain.kinds import kinds
from services.interactions.domain.routing.state import Agent, Team
from services.interactions.domain.rows import COLLECTIONS
from services.interactions.domain.state import Customer, initial
from shared.domain import Handler
from shared.facts.aliases import Identity
from shared.facts.erased import erased_hash, erasure_key
from shared.journal.plan import Plan
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.event import Event
from shared.schemas.interactions import ConversationAssigned, InteractionLogged
from shared.schemas.teams import AgentChanged
from tests.unit.interactions.talk import escalated

START = datetime.fromisoformat("2026-11-02T09:00:00+00:00")
TEAM = "care"
DESK = parse_desk(
    """
teams: [{id: care, default: true}]
vip: {tiers: [gold], raise_to: high}
calm: {in_a_row: 2, rest: 30m, a_day: 4, pause: 5m}
"""
)
HERE = Path(__file__).parent
IDENTITY = Identity(b"the key of the tests' aliases")


def handler(desk: Desk = DESK) -> Handler[Customer]:
    sla, hash_of = load(), partial(erased_hash, erasure_key(b"the secret key of the tests"))

    def apply(customer: Customer, event: Event, context: Any) -> Any:
        effects = apply_at_desk(sla, desk, IDENTITY, hash_of, customer, event, context)
        assert Customer.model_validate_json(effects.state.model_dump_json()) == effects.state
        return effects

    return Handler(
        service="interactions",
        consumes=CONSUMES,
        state=Customer,
        initial=initial,
        apply=apply,
        collections=COLLECTIONS,
        reads_everything=True,
        kinds=kinds(desk),
        of_erased=partial(of_erased, desk),
    )


def agent(agent_id: str = "ann", **said: Any) -> AgentChanged:
    """At work, one chat at a time."""
    total = said.pop("total", 1)
    weights = said.pop("weights", {"chat": 1})
    given = {"name": agent_id.title(), "on_shift": True, "on_break": False}
    return AgentChanged.model_validate(
        {"agent_id": agent_id, "capacity": {"total": total, "weights": weights}, **given, **said}
    )


def chats(text: str = "hello", **fields: Any) -> InteractionLogged:
    """The customer writes in the chat."""
    given = {"channel": "chat", "direction": "inbound", "kind": "message", "summary": text, **fields}
    return InteractionLogged.model_validate(given)


class Floor:
    """One worker that has all partitions."""

    def __init__(self, desk: Desk = DESK, observe: Callable[[Plan[Any]], None] | None = None) -> None:
        self.worker: InMemoryWorker[Any] = InMemoryWorker(handler(desk), now=START, observe=observe)

    def tell(self, subject: str, *data: Data) -> None:
        """These happen one after the other, a second each."""
        for one in data:
            self.worker.advance(timedelta(seconds=1))
            self.worker.tell(subject, one).accepted()

    def wants(self, customer: str, sentiment: float | None = None, **fields: Any) -> None:
        """A customer's chat, which has the customer's name, is handed over by its bot."""
        self.tell(customer, chats(conversation_id=customer, sentiment=sentiment))
        self.tell(customer, escalated(customer, **fields))

    def after(self, minutes: float) -> None:
        self.worker.advance(timedelta(minutes=minutes))

    @property
    def assigned(self) -> list[tuple[str, str]]:
        """Conversation and agent, in the order in which they were decided."""
        return [(one.conversation_id, one.agent_id) for one in self.facts if not one.manual]

    @property
    def facts(self) -> Sequence[ConversationAssigned]:
        return self.worker.facts(ConversationAssigned)

    def conversation(self, customer: str) -> Conversation:
        found = course(self.worker.state(customer).conversations).of(customer)
        assert found is not None
        return found

    def team(self, team: str = TEAM) -> Team:
        found: Any = self.worker.state(f"team/{team}")
        return found

    def agent(self, agent_id: str = "ann", team: str = TEAM) -> Agent:
        return self.team(team).agents[agent_id]
