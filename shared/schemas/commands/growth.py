"""What is asked about an agent's learning, and their thanks. Keyed by the team, or by the agent, who
knows their team."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.schemas.base import Id, Open, Time
from shared.schemas.commands import Command, Text
from shared.schemas.commands.routing import AgentCommand
from shared.schemas.fields import Label
from shared.schemas.teams import TEAM, TrainingKind, record_state


class RecordCommand(Command):
    """Common to what is told of an agent."""

    entity: ClassVar[str] = TEAM

    agent_id: Id
    """The agent, one of the team."""

    def state_id(self, subject: str) -> str:
        return record_state(subject, self.agent_id)


class TrainingCommand(RecordCommand):
    """Common to what agents learn."""

    training: Label
    """What, by its name."""
    kind: TrainingKind | None = None
    """How it is taught; left out, what the desk's file says of it."""
    refresh_by: Time | None = None
    """When it must be refreshed."""


class TrainingBookRequested(TrainingCommand):
    """An agent is to learn something."""

    event_type: ClassVar[str] = "rapport.interactions.training_book.requested.v1"


class TrainingPassRequested(TrainingCommand):
    """An agent has learnt something."""

    event_type: ClassVar[str] = "rapport.interactions.training_pass.requested.v1"

    feedback: Annotated[str, Field(min_length=1)] | None = None
    """For the agent alone: sealed, so that nobody reads it here. It is in no fact."""


class Kept(Open):
    """What is known of a training of an agent, from one of their teams to another."""

    training: Label
    """Its name."""
    kind: TrainingKind | None = None
    """How it is taught, as was told last."""
    kind_at: Time | None = None
    """When that was told."""
    booked_at: Time | None = None
    """The latest booking."""
    booked_until: Time | None = None
    """By when it must be refreshed, as that said."""
    first_at: Time | None = None
    """When it was passed first."""
    passed_at: Time | None = None
    """When it was passed last."""
    passed_until: Time | None = None
    """By when it must be refreshed, as that said."""


class AgentRefresherRequested(AgentCommand):
    """Something that an agent knows must be refreshed soon: their team is to be reminded, whichever it is."""

    event_type: ClassVar[str] = "rapport.interactions.agent_refresher.requested.v1"

    kept: Kept
    """What."""
    team: Id
    """The team in which it was learnt: it is reminded, if the agent is in none."""


class RefresherRequested(RecordCommand):
    """Remind the team of what one of them must refresh, learnt in this team or before."""

    event_type: ClassVar[str] = "rapport.interactions.refresher.requested.v1"

    kept: Kept
    """What."""


class StoryTellRequested(RecordCommand):
    """Thank an agent for something that went well."""

    event_type: ClassVar[str] = "rapport.interactions.story_tell.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("customer_id",)

    text: Text
    """What went well."""
    customer_id: Id | None = None
    """The customer who it was for."""
    told_by: Id | None = None
    """The colleague who tells it."""
    at: Time | None = None
    """When it was said, if that was before it is told."""


class AgentThankRequested(AgentCommand):
    """A customer's words are thanks to an agent, whatever their team."""

    event_type: ClassVar[str] = "rapport.interactions.agent_thank.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("customer_id",)

    text: Text
    """What the customer said."""
    customer_id: Id
    """Who said it."""
    at: Time
    """When."""
    team: Id
    """Whose wall it is for, if the agent is in no team."""
