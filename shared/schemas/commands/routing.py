"""What customers, teams and agents tell each other about who has which conversation (ADR 44). How it stands
has a revision, which the customer raises: what is older than what is known says nothing, so any order and any
copies are right."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from shared.schemas.base import Id, Open, Time
from shared.schemas.commands import Command
from shared.schemas.fields import Count, Label
from shared.schemas.interactions import Channel, Priority
from shared.schemas.teams import AGENT, TEAM, agent_state, team_state


class Load(Open):
    """A conversation that an agent carries."""

    customer_id: Id
    """Whose conversation it is."""
    conversation_id: Id
    """The conversation."""
    revision: Count
    """Of how it stands."""
    at: Time
    """Since when."""
    channel: Channel | None = None
    """By which the customer wrote last."""
    takes: Count = 1_000
    """Thousandths of what a conversation of its channel takes of an agent: what kind of work it is."""
    difficult: bool = False
    """Whether it is hard on whoever has it."""
    manual: bool = False
    """A person gave it to them."""
    reserved: bool = False
    """Their team has chosen them, and the customer has not said yes yet."""


class Contact(Open):
    """A conversation that came to an agent, as calm counts it."""

    at: Time
    """When."""
    key: str
    """Marks the conversation, without whose it is."""
    difficult: bool
    """Whether it is hard on whoever has it."""
    rested: bool
    """There was a rest before it."""


class TeamRoutingCommand(Command):
    """Common to what a team's routing is told."""

    entity: ClassVar[str] = TEAM

    def state_id(self, subject: str) -> str:
        return team_state(subject)


class AgentCommand(Command):
    """Common to what is told of one agent, whatever their team. Keyed by the agent."""

    entity: ClassVar[str] = AGENT

    def state_id(self, subject: str) -> str:
        return agent_state(subject)


class RoutingCommand(Command):
    """Common to what a team says to a customer."""

    conversation_id: Id
    """The conversation."""
    team: Id
    """The team."""


class RoutingOfferRequested(TeamRoutingCommand):
    """A customer's conversation wants an agent of the team."""

    event_type: ClassVar[str] = "rapport.interactions.routing_offer.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("customer_id", "was")
    told_anyway: ClassVar[bool] = True

    customer_id: Id
    """Whose conversation it is."""
    was: Id | None = None
    """Whose it was told to be before, where these were merged, or un-merged, since."""
    conversation_id: Id
    """The conversation."""
    revision: Count
    """Of how it stands."""
    since: Time
    """Since when it has waited, in whatever team."""
    priority: Priority
    """A customer's tier is in it."""
    skills: tuple[Label, ...] = ()
    """Skills that are needed."""
    preferred_skills: tuple[Label, ...] = ()
    """Skills that are waited for so long."""
    language: Label | None = None
    """The language that is needed."""
    channel: Channel | None = None
    """By which the customer wrote last."""
    takes: Count = 1_000
    """Thousandths of what a conversation of its channel takes of an agent: what kind of work it is."""
    difficult: bool = False
    """Whether it is hard on whoever takes it."""
    knows: Id | None = None
    """The agent who had the customer last."""
    gave_back: Id | None = None
    """The agent who gave it back."""
    been: tuple[Id, ...] = ()
    """Teams in which it has waited in vain."""


class RoutingNewsRequested(TeamRoutingCommand):
    """A conversation waits in this team no more: somebody has it, or nobody needs to."""

    event_type: ClassVar[str] = "rapport.interactions.routing_news.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("customer_id", "was")
    told_anyway: ClassVar[bool] = True

    customer_id: Id
    """Whose conversation it is."""
    was: Id | None = None
    """Whose it was told to be before, where these were merged, or un-merged, since."""
    conversation_id: Id
    """The conversation."""
    revision: Count
    """Of how it stands."""
    agent_id: Id | None = None
    """Whoever has it."""
    no_more: Id | None = None
    """Only of this agent is spoken: they do not have it. Somebody else may."""
    offered: bool = False
    """It waits as of this revision: whoever was chosen for that may have it yet."""
    channel: Channel | None = None
    """By which the customer wrote last."""
    takes: Count = 1_000
    """Thousandths of what a conversation of its channel takes of an agent: what kind of work it is."""
    difficult: bool = False
    """Whether it is hard on whoever has it."""
    manual: bool = False
    """A person gave it to them."""


class RoutingAssignRequested(RoutingCommand):
    """The team has chosen an agent for what it was offered."""

    event_type: ClassVar[str] = "rapport.interactions.routing_assign.requested.v1"

    revision: Count
    """Of the offer: it holds only if that is still how the conversation stands."""
    agent_id: Id
    """Whom."""
    why: Mapping[str, Any] = {}
    """What decided it."""


class RoutingReturnRequested(RoutingCommand):
    """An agent is not at work any more: what the customer waits for is for somebody else. Or they are
    back."""

    event_type: ClassVar[str] = "rapport.interactions.routing_return.requested.v1"

    agent_id: Id
    """Who has it."""
    back: bool = False
    """They are at work again: what they have is theirs."""
    asks: Literal["team", "agent"] | None = None
    """Who asks whether it still stands so, and says nothing of who is at work. Where it is the agent's state,
    it names the agent as the team."""
    revision: Count | None = None
    """Of what they carry; None where the version before says so."""


class RoutingOverflowRequested(RoutingCommand):
    """It has waited too long here: another team is to be asked; or this one asks whether it still waits."""

    event_type: ClassVar[str] = "rapport.interactions.routing_overflow.requested.v1"

    revision: Count
    """Of the offer."""
    to: Id
    """The team that is asked next; the team itself, where it only asks."""


class AgentSeenRequested(AgentCommand):
    """An agent was told to be in a team."""

    event_type: ClassVar[str] = "rapport.interactions.agent_seen.requested.v1"

    team: Id
    """The team."""
    at: Time
    """Since when."""
    asked: bool = False
    """Somebody asked for it who knows in which team they are: it is after that."""


class AgentLoadRequested(AgentCommand):
    """A customer says whether an agent has a conversation of theirs."""

    event_type: ClassVar[str] = "rapport.interactions.agent_load.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("customer_id", "was")
    told_anyway: ClassVar[bool] = True

    customer_id: Id
    """Whose conversation it is."""
    was: Id | None = None
    """Whose it was told to be before, where these were merged, or un-merged, since."""
    conversation_id: Id
    """The conversation."""
    revision: Count
    """Of how it stands."""
    holds: bool
    """Whether they have it."""
    channel: Channel | None = None
    """By which the customer wrote last."""
    takes: Count = 1_000
    """Thousandths of what a conversation of its channel takes of an agent: what kind of work it is."""
    difficult: bool = False
    """Whether it is hard on whoever has it."""
    manual: bool = False
    """A person gave it to them."""
    told: Id | None = None
    """The team that was told the same."""
    offered: bool = False
    """It waits as of this revision: if they were chosen for that, they may have it yet."""


class AgentGoneRequested(AgentCommand):
    """A team has let an agent go: with what they carry."""

    event_type: ClassVar[str] = "rapport.interactions.agent_gone.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("loads",)
    told_anyway: ClassVar[bool] = True

    team: Id
    """The team."""
    lease: Count
    """Which of their times in a team it was."""
    loads: tuple[Load, ...] = ()
    """What they carry."""
    contacts: tuple[Contact, ...] = ()
    """What came to them lately, as calm counts it."""
    hard_ended_at: Time | None = None
    """When they had the last hard one."""

    def others(self) -> tuple[str, ...]:
        return tuple({load.customer_id: None for load in self.loads})


class AgentJoinRequested(TeamRoutingCommand):
    """An agent is this team's from now on, with all that they carry: no other team gives them anything."""

    event_type: ClassVar[str] = "rapport.interactions.agent_join.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("loads",)
    told_anyway: ClassVar[bool] = True

    agent_id: Id
    """The agent."""
    lease: Count
    """Which of the agent's times in a team it is."""
    at: Time | None = None
    """Since when they count as in the team."""
    loads: tuple[Load, ...] = ()
    """What they carry."""
    contacts: tuple[Contact, ...] = ()
    """What came to them lately, as calm counts it."""
    hard_ended_at: Time | None = None
    """When they had the last hard one."""

    def others(self) -> tuple[str, ...]:
        return tuple({load.customer_id: None for load in self.loads})


class AgentLeaveRequested(TeamRoutingCommand):
    """An agent is in another team by now."""

    event_type: ClassVar[str] = "rapport.interactions.agent_leave.requested.v1"

    agent_id: Id
    """The agent."""
    at: Time
    """Since when."""
    to: Id | None = None
    """Which team that is."""
    lease: Count | None = None
    """Which of their times in a team it ends; none: they were never given to this one."""
