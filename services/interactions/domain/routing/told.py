"""What a customer has told teams and agents of their conversations: each is told once what has changed."""

from services.interactions.domain.routing.state import ONE
from shared.schemas.base import Open
from shared.schemas.interactions import Channel, Priority
from shared.schemas.times import Micros


class Wanted(Open):
    """A conversation that wants an agent, and what it asks of them."""

    team: str
    """Who is asked."""
    since: Micros
    priority: Priority
    skills: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    language: str | None = None
    channel: Channel | None = None
    takes: int = ONE
    """Thousandths of what its channel takes."""
    difficult: bool = False
    knows: str | None = None
    gave_back: str | None = None
    been: tuple[str, ...] = ()


class Had(Open):
    """A conversation that an agent has."""

    agent_id: str
    channel: Channel | None = None
    takes: int = ONE
    difficult: bool = False
    manual: bool = False


class Routed(Open):
    """What was told last of a conversation, and to whom."""

    conversation_id: str
    revision: int
    wanted: Wanted | None = None
    had: Had | None = None
    team: str | None = None
    """The team that was asked last; it is remembered as long as the conversation is."""
    over_from: tuple[str, ...] = ()
    """Teams in which it has waited in vain since ``wanted.since``."""
    over_to: str | None = None
    """The team that is asked instead."""
    over_since: Micros | None = None
    """The wait that this is about."""
    away: str | None = None
    """The agent who is not at work, and whom the customer must not wait for."""
    away_of: Micros = 0
    """The assignment that this is about: one that comes later is known to be to someone who is away."""
    told_as: str | None = None
    """The customer as whose it was told last, where they were merged, or un-merged, since."""

    @property
    def takes(self) -> int:
        """Thousandths of what its channel takes of an agent."""
        told = self.wanted or self.had
        return ONE if told is None else told.takes

    @property
    def standing(self) -> tuple[Wanted | None, Had | None]:
        """What was told."""
        return self.wanted, self.had


class Routing(Open):
    """All of them, and how often something was told: a revision is never used twice."""

    revision: int = 0
    routed: tuple[Routed, ...] = ()

    @property
    def by_id(self) -> dict[str, Routed]:
        """By conversation."""
        return {one.conversation_id: one for one in self.routed}
