"""What agents ask for about the tasks of a team. Keyed by the team."""

from typing import ClassVar

from shared.schemas.base import Id, Time
from shared.schemas.commands import Command, Text
from shared.schemas.fields import Label
from shared.schemas.teams import TEAM, task_state


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
