"""A team while an event is handled: what changes of its agents and its queue. It becomes the state again."""

from collections.abc import Mapping
from typing import Any

from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.routing.calm import turned_hard, was_hard, with_contact, without_contact
from services.interactions.domain.routing.state import (
    GONE_FOR,
    Agent,
    Carried,
    Gone,
    Key,
    Mark,
    Team,
    Waiting,
    key_of,
    mark_of,
)
from services.interactions.domain.state import altered
from shared.schemas.times import Micros


def renamed(agent: Agent, old: Key, key: Key, customer_id: str) -> Agent:
    """What they carry under another name, in its place."""
    carries = {
        key if name == old else name: altered(one, customer_id=customer_id) if name == old else one
        for name, one in agent.carries.items()
    }
    was, mark = mark_of(old), mark_of(key)
    contacts = tuple(altered(one, key=mark) if one.key == was else one for one in agent.contacts)
    return altered(agent, carries=carries, contacts=contacts)


class Floor:
    """Made of a team as it was; ``team()`` is how it is."""

    def __init__(self, desk: Desk, before: Team, now: Micros) -> None:
        self.desk = desk
        self.now = now
        self.before = before
        self.agents: dict[str, Agent] = dict(before.agents)
        self.waiting: dict[Key, Waiting] = dict(before.waiting)
        self.holders: dict[Key, str] = dict(before.holders)
        self.gone: dict[Mark, Gone] = dict(before.gone)

    def revision(self, key: Key) -> int:
        """Of what is known of a conversation; -1 where nothing is."""
        if (waiting := self.waiting.get(key)) is not None:
            return waiting.revision
        if (holder := self.holders.get(key)) is not None:
            return self.agents[holder].carries[key].revision
        gone = self.gone.get(mark_of(key))
        return -1 if gone is None else gone.revision

    def queue(self, key: Key, waiting: Waiting) -> None:
        """It waits; whoever had it has it no more."""
        self.take_from(key)
        self.gone.pop(mark_of(key), None)
        self.waiting[key] = waiting

    def give(self, agent_id: str, key: Key, carried: Carried) -> None:
        """An agent has it. What they had already came to them once."""
        self.waiting.pop(key, None)
        self.gone.pop(mark_of(key), None)
        if self.holders.get(key) != agent_id:
            self.take_from(key)
        agent = self.agents[agent_id]
        had = agent.carries.get(key)
        if had is None:
            agent = with_contact(self.desk.calm, agent, key, carried.difficult, self.now)
            agent = altered(agent, idle_since=self.now)
        elif carried.difficult:
            agent = turned_hard(agent, key)
        self.holders[key] = agent_id
        self.agents[agent_id] = altered(agent, carries={**agent.carries, key: carried})

    def take_from(self, key: Key) -> str | None:
        """Whoever carries it does so no more; who that was. What was only reserved did not come to them."""
        holder = self.holders.pop(key, None)
        if holder is None:
            return None
        agent = self.agents[holder]
        had = agent.carries[key]
        left = {name: one for name, one in agent.carries.items() if name != key}
        changed: dict[str, Any] = {"carries": left, "idle_since": self.now}
        if had.reserved:
            agent = without_contact(agent, key)
        elif had.difficult or was_hard(agent, key):
            changed["hard_ended_at"] = self.now
        self.agents[holder] = altered(agent, **changed)
        return holder

    def over(self, key: Key, revision: int) -> str | None:
        """Nobody here has it, nor need have it; who had it. Its revision is remembered for an hour."""
        holder = self.take_from(key)
        self.waiting.pop(key, None)
        self.gone[mark_of(key)] = Gone(revision=revision, at=self.now)
        return holder

    def renamed(self, was: str | None, customer_id: str, conversation_id: str) -> None:
        """A conversation of a customer ``was`` is one of ``customer_id`` now: it keeps its place, and whoever
        has it."""
        if was is None:
            return
        old, key = key_of(was, conversation_id), key_of(customer_id, conversation_id)
        if self.revision(key) >= 0:  # a conversation of this id was theirs, too
            self.take_from(old)
            self.waiting.pop(old, None)
        elif (waiting := self.waiting.pop(old, None)) is not None:
            self.waiting[key] = altered(waiting, customer_id=customer_id)
        elif (holder := self.holders.pop(old, None)) is not None:
            self.holders[key] = holder
            self.agents[holder] = renamed(self.agents[holder], old, key, customer_id)
        elif (gone := self.gone.pop(mark_of(old), None)) is not None:
            self.gone[mark_of(key)] = gone

    def team(self, next_at: Micros | None) -> Team:
        """As it is now; the same object where nothing has changed."""
        old = self.before
        gone: Mapping[Mark, Gone] = self.gone
        if any(one.at <= self.now - GONE_FOR for one in gone.values()):
            gone = {key: one for key, one in gone.items() if one.at > self.now - GONE_FOR}
        new = {
            "agents": self.agents,
            "waiting": self.waiting,
            "holders": self.holders,
            "gone": gone,
            "next_at": next_at,
        }
        changed = {name: value for name, value in new.items() if getattr(old, name) != value}
        return altered(old, **changed) if changed else old
