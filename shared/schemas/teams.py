"""What teams of agents have to do. Keyed by the team."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.schemas.base import Data, Id, Time
from shared.schemas.fields import Label

TEAM = "team"
"""What the subject of these events is."""
TASK = "task"
"""How the ids of tasks' states begin."""


def task_state(team: str, task_id: str) -> str:
    """The id of a task's state: the team's key, so that the task has the team's one writer, and its name."""
    return f"{TASK}/{team}/{task_id}"


class TeamsData(Data):
    """Common to the topic ``teams``."""

    topic: ClassVar[str] = "teams"
    entity: ClassVar[str] = TEAM


class TaskData(TeamsData):
    """Common to the facts of a task."""

    task_id: Id
    """Names the task among those of the team."""

    def state_id(self, subject: str) -> str:
        return task_state(subject, self.task_id)


class TaskOpened(TaskData):
    """Somebody of a team has something to do."""

    event_type: ClassVar[str] = "rapport.task.opened.v1"
    thing: ClassVar[str] = "task"
    named_by: ClassVar[tuple[str, ...]] = ("task_id",)
    late: ClassVar[str] = "Counts with its own time; a task that was told to be done before it is done then."

    kind: Label
    """What is to be done: call, letter, call_back (a call promised for a time), or another."""
    text: Annotated[str, Field(min_length=1)]
    """What it is about, for who does it."""
    customer_id: Id | None = None
    """The customer whom it is about."""
    due_at: Time | None = None
    """When it must be done."""
    outreach_id: Id | None = None
    """The message of outreach that it stands for."""


class TaskDone(TaskData):
    """A task is done, or will not be."""

    event_type: ClassVar[str] = "rapport.task.done.v1"
    known_by: ClassVar[str] = "step: team, `task_id`"
    late: ClassVar[str] = (
        "Of two the earlier event time holds; before its opening it waits 30 days for it, and is then a dead "
        "letter `unknown_task`."
    )
    again: ClassVar[str] = "Nothing: a task is done once."

    outcome: Annotated[str, Field(min_length=1)]
    """What came of it, e.g. reached."""
