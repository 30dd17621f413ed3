"""What agents ask for about a team: its agents and its tasks. Keyed by the team."""

from collections.abc import Mapping
from typing import ClassVar

from shared.schemas.base import Id, Time
from shared.schemas.commands import Command, Text
from shared.schemas.fields import Label
from shared.schemas.teams import TEAM, Capacity, Skill, SkillName, task_state, team_state


class AgentChangeRequested(Command):
    """Say how an agent is from now on: whole, not what changed."""

    event_type: ClassVar[str] = "rapport.interactions.agent_change.requested.v1"
    entity: ClassVar[str] = TEAM

    agent_id: Id
    """The agent."""
    name: Label
    """As colleagues and customers see it."""
    skills: Mapping[SkillName, Skill] = {}
    """What they know, and how well: 1 to 10."""
    languages: tuple[Label, ...] = ()
    """What they speak, as tags."""
    capacity: Capacity
    """How much they can carry."""
    on_shift: bool
    """Whether they are at work."""
    on_break: bool
    """Whether they rest."""

    def state_id(self, subject: str) -> str:
        return team_state(subject)


class TaskCommand(Command):
    """Common to what is asked for about a task."""

    entity: ClassVar[str] = TEAM

    task_id: Id
    """The task, one of the team; whoever opens one names it."""

    def state_id(self, subject: str) -> str:
        return task_state(subject, self.task_id)


class TaskOpenRequested(TaskCommand):
    """Give a team something to do."""

    event_type: ClassVar[str] = "rapport.interactions.task_open.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("customer_id",)

    kind: Label
    """What is to be done, e.g. call."""
    text: Text
    """What it is about, for who does it."""
    customer_id: Id | None = None
    """The customer whom it is about."""
    due_at: Time | None = None
    """When it must be done."""
    outreach_id: Id | None = None
    """The message of outreach that it stands for."""


class TaskDoneRequested(TaskCommand):
    """Say that a task is done."""

    event_type: ClassVar[str] = "rapport.interactions.task_done.requested.v1"

    outcome: Text
    """What came of it."""
    agent_id: Id | None = None
    """Who did it, where that is known."""


class TaskForgetRequested(TaskCommand):
    """The customer whom it is about has been erased: it goes for good."""

    event_type: ClassVar[str] = "rapport.interactions.task_forget.requested.v1"
