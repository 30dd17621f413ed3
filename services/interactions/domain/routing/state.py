"""What a team knows: its agents with what they carry, and what waits. One document a team."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from shared.schemas.base import Open
from shared.schemas.times import Micros

Key: TypeAlias = str
"""Names a conversation: its customer's id, a space, its own id."""


def mark_of(key: Key) -> str:
    """16 hex digits."""
    return blake2b(key.encode(), digest_size=8).hexdigest()


Mark: TypeAlias = Annotated[str, AfterValidator(lambda said: mark_of(said) if " " in said else said)]
"""By which a conversation is known again that is over, and nobody is named: its customer may be erased. The
version before kept its name: that is made one as it is read."""
Milli: TypeAlias = int
"""Thousandths: capacities are added up exactly."""
ONE: Milli = 1_000
"""What is given by hand takes so much of an agent who does not take its channel."""
GONE_FOR: Micros = 3_600_000_000
"""So long the revision is remembered of what is over: of what takes longer the customer is asked."""
LATE: Micros = GONE_FOR // 2
"""A word that is older is one of these: clocks differ."""


class Carried(Open):
    """A conversation that an agent has."""

    customer_id: str
    conversation_id: str
    revision: int
    at: Micros
    """Since when."""
    channel: str | None = None
    takes: Milli = ONE
    """Of what its channel takes."""
    difficult: bool = False
    manual: bool = False
    """A person gave it to them."""
    reserved: bool = False
    """The team has chosen the agent, and the customer has not said yes yet."""


class Contact(Open):
    """A conversation that came to an agent, as calm counts it."""

    at: Micros
    key: Mark
    difficult: bool
    rested: bool = False
    """There was a rest before it."""


class Agent(Open):
    """An agent as they were told last, and what they carry."""

    agent_id: str
    at: Micros
    """When they were told so."""
    told: str
    """What was told, as JSON: of two of one time one holds, whichever is heard first."""
    name: str
    skills: Mapping[str, int] = {}
    languages: tuple[str, ...] = ()
    total: Milli = 0
    weights: Mapping[str, Milli] = {}
    on_shift: bool = False
    on_break: bool = False
    since: Micros = 0
    """Since when they count as in the team: where it was asked for, that may be later than they were told."""
    lease: int | None = None
    """They are this team's alone; None: not yet, or not any more."""
    left: bool = False
    """They are in another team."""
    left_to: str = ""
    """Which it is, as far as it was told."""
    ended: int = 0
    """The last lease that is over."""
    carries: Mapping[Key, Carried] = {}
    contacts: tuple[Contact, ...] = ()
    hard_ended_at: Micros | None = None
    """When a hard contact ended last."""
    idle_since: Micros = 0
    """When something came or went last."""


class Waiting(Open):
    """A conversation that wants an agent."""

    customer_id: str
    conversation_id: str
    revision: int
    since: Micros
    """Since when it has waited, in whatever team: decides its place."""
    asked_at: Micros
    """Since when this team knows."""
    priority: str
    skills: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    language: str | None = None
    channel: str | None = None
    takes: Milli = ONE
    difficult: bool = False
    knows: str | None = None
    gave_back: str | None = None
    been: tuple[str, ...] = ()
    leaving: bool = False
    """Another team is to be asked: the customer has not said so yet."""


class Gone(Open):
    """What is known of a conversation that neither waits nor is carried here."""

    revision: int
    at: Micros


class Team(Open):
    """The state: one document a team."""

    team_id: str
    agents: Mapping[str, Agent] = {}
    waiting: Mapping[Key, Waiting] = {}
    holders: Mapping[Key, str] = {}
    """Conversation -> the agent who carries it."""
    gone: Mapping[Mark, Gone] = {}
    next_at: Micros | None = None
    """When something changes by time alone."""


def initial(state_id: str) -> Team:
    """A team never heard of, from ``team/<team>``."""
    return Team(team_id=state_id.partition("/")[2])


def key_of(customer_id: str, conversation_id: str) -> Key:
    """Ids have no spaces."""
    return f"{customer_id} {conversation_id}"


def milli(weight: float) -> Milli:
    """In thousandths."""
    return round(weight * 1_000)
