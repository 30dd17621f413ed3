"""What customers, teams and agents tell each other, in any order, late and twice: as no log would be at its
worst."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.course import course
from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.routing.decide import decide
from services.interactions.domain.routing.floor import Floor
from services.interactions.domain.routing.matching import load
from services.interactions.domain.routing.state import Agent, Key, Team, key_of
from services.interactions.domain.state import Customer
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.event import COMMANDS, Event
from shared.schemas.interactions import ConversationAssigned
from shared.schemas.times import micros

from .floor import DESK, START, handler


class Bus:
    """One worker; what it says to itself waits until it is delivered."""

    def __init__(self, desk: Desk = DESK) -> None:
        self.desk = desk
        self.worker: InMemoryWorker[Any] = InMemoryWorker(handler(desk), now=START, loopback=False)
        self.pending: list[Event] = []
        self.decided: list[Event] = []
        """Automatic assignments, as customers told them."""
        self._seen = 0

    def tell(self, subject: str, data: Data, minutes_ago: float = 0) -> None:
        self.worker.advance(timedelta(seconds=1))
        at = self.worker.now - timedelta(minutes=minutes_ago)
        self.worker.tell(subject, data, at=at).accepted()
        self._heard()

    def after(self, minutes: float) -> None:
        self.worker.advance(timedelta(minutes=minutes))
        self._heard()

    def deliver(self, place: int, *, again: bool = False) -> None:
        """One of what waits; ``again``: it will come once more."""
        if not self.pending:
            return
        place %= len(self.pending)
        event = self.pending[place] if again else self.pending.pop(place)
        self.worker.send(event)
        self._heard()

    def settle(self) -> None:
        """All that waits, and what follows from it, in the order in which it was said."""
        for _ in range(10_000):
            if not self.pending:
                return
            self.deliver(0)
        raise AssertionError("it never ends")

    def _heard(self) -> None:
        new = list(self.worker.emitted[self._seen :])
        self._seen += len(new)
        self.pending += (event for event in new if event.data.topic == COMMANDS)
        for event in new:
            if isinstance(event.data, ConversationAssigned) and not event.data.manual:
                self.decided.append(event)

    # --- what is so

    @property
    def customers(self) -> list[Customer]:
        return [one for one in self.worker.states.values() if isinstance(one, Customer)]

    @property
    def teams(self) -> list[Team]:
        return [one for one in self.worker.states.values() if isinstance(one, Team)]

    def conversations(self) -> Iterator[tuple[Key, Conversation]]:
        """As their customers have them."""
        for customer in self.customers:
            for one in course(customer.conversations).open.values():
                yield key_of(customer.customer_id, one.conversation_id), one

    def had(self) -> dict[Key, Conversation]:
        """Those that an agent has."""
        return {
            key: one
            for key, one in self.conversations()
            if one.handled_by == "agent" and one.agent_id is not None and one.status != "closed"
        }

    def automatic(self, agent_id: str) -> int:
        """How many an agent has that routing gave them."""
        return sum(one.agent_id == agent_id and not one.manual for one in self.had().values())

    def leased(self, agent_id: str) -> list[Agent]:
        """The agent in each team that has them."""
        agents = (team.agents.get(agent_id) for team in self.teams)
        return [agent for agent in agents if agent is not None and agent.lease is not None]

    def still_possible(self) -> int:
        """Assignments that could be made now, and were not."""
        now = micros(self.worker.now)
        return sum(len(decide(Floor(self.desk, team, now))) for team in self.teams)

    def agree(self) -> None:
        """Teams know what is so, and nothing else, once all was told."""
        had, wanted = self.had(), {key for key, one in self.conversations() if one.wanted}
        waiting = [key for team in self.teams for key in team.waiting]
        assert sorted(waiting) == sorted(wanted)
        carried = {}
        for team in self.teams:
            for agent in team.agents.values():
                assert agent.lease is not None or not agent.carries
                assert not any(one.reserved for one in agent.carries.values())
                assert load(agent) >= 0
                carried |= dict.fromkeys(agent.carries, agent.agent_id)
            assert team.holders == {
                key: agent.agent_id for agent in team.agents.values() for key in agent.carries
            }
        known = {agent for team in self.teams for agent, one in team.agents.items() if one.lease is not None}
        assert carried == {key: one.agent_id for key, one in had.items() if one.agent_id in known}
