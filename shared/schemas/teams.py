"""Teams: who is in one, what they learn, what they have to do. Keyed by the team."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.schemas.base import Data, Id, Open, Time
from shared.schemas.fields import Label
from shared.schemas.interactions import Channel

TEAM = "team"
"""What the subject of these events is."""
TASK = "task"
"""How the ids of tasks' states begin."""
AGENT = "agent"
"""How the ids of agents' states begin; the subject of what is told of one agent, whatever their team."""
RECORD = "record"
"""How the ids of the states begin that say what an agent has learnt in a team."""


def task_state(team: str, task_id: str) -> str:
    """The id of a task's state: the team's key, so that the task has the team's one writer, and its name."""
    return f"{TASK}/{team}/{task_id}"


def team_state(team: str) -> str:
    """The id of the state in which a team's conversations find their agents."""
    return f"{TEAM}/{team}"


def agent_state(agent_id: str) -> str:
    """The id of the state that knows an agent's team."""
    return f"{AGENT}/{agent_id}"


def record_state(team: str, agent_id: str) -> str:
    """The id of the state of what an agent learns in a team."""
    return f"{RECORD}/{team}/{agent_id}"


class TeamsData(Data):
    """Common to the topic ``teams``."""

    topic: ClassVar[str] = "teams"
    entity: ClassVar[str] = TEAM


SkillName = Annotated[str, Field(min_length=1, max_length=128)]
"""What somebody can do, e.g. refunds."""
Skill = Annotated[int, Field(ge=1, le=10)]
"""How well somebody does something: 1 (has begun) to 10 (nobody does it better)."""
Weight = Annotated[float, Field(ge=0, le=1_000, allow_inf_nan=False)]
"""What a conversation takes of an agent's capacity, to the thousandth."""


class Capacity(Open):
    """How much an agent can carry at once."""

    total: Weight
    """Of all that they carry together; 0: nothing."""
    weights: Mapping[Channel, Weight] = {}
    """What a conversation of a channel takes of it; of a channel not named here they take none."""


class AgentChanged(TeamsData):
    """An agent as they are from now on: whole, not what changed. Who is in another team by a later event has
    left this one."""

    event_type: ClassVar[str] = "rapport.agent.changed.v1"
    known_by: ClassVar[str] = "step: team, `agent_id`"
    late: ClassVar[str] = "The latest event time holds."
    again: ClassVar[str] = "Nothing."

    agent_id: Id
    """The agent."""
    name: Label
    """As colleagues and customers see it."""
    skills: Mapping[SkillName, Skill] = {}
    """What they know, and how well."""
    languages: tuple[Label, ...] = ()
    """What they speak, as tags: en, de-AT."""
    capacity: Capacity
    """How much they can carry."""
    on_shift: bool
    """Whether they are at work."""
    on_break: bool
    """Whether they rest: what they have stays theirs, nothing new comes."""

    def state_id(self, subject: str) -> str:
        return team_state(subject)


TrainingKind = Literal["role_play", "case_study", "course"]
"""How something is taught."""


class TrainingData(TeamsData):
    """Common to what agents learn."""

    known_by: ClassVar[str] = "step: team, `agent_id`, `training`"
    again: ClassVar[str] = "Nothing."
    late: ClassVar[str] = "Counts with its own time: the latest says when it must be refreshed."

    agent_id: Id
    """Who learns."""
    training: Label
    """What, by its name."""
    refresh_by: Time | None = None
    """When it must be refreshed."""
    kind: TrainingKind | None = None
    """How it is taught; left out, what the desk's file says of it."""

    def state_id(self, subject: str) -> str:
        return record_state(subject, self.agent_id)


class TrainingBooked(TrainingData):
    """An agent will learn something."""

    event_type: ClassVar[str] = "rapport.training.booked.v1"


class TrainingPassed(TrainingData):
    """An agent has learnt something."""

    event_type: ClassVar[str] = "rapport.training.passed.v1"


class StoryTold(TeamsData):
    """Something that went well, with thanks to an agent."""

    event_type: ClassVar[str] = "rapport.story.told.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("customer_id",)
    late: ClassVar[str] = "Counts with its own time."
    again: ClassVar[str] = "Counts again."

    agent_id: Id
    """Whom it thanks."""
    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    """What went well, as it was told."""
    customer_id: Id | None = None
    """The customer who it was for."""
    told_by: Id | None = None
    """The colleague who tells it; left out, the customer did, or nobody knows."""

    def state_id(self, subject: str) -> str:
        return record_state(subject, self.agent_id)


class TaskData(TeamsData):
    """Common to the facts of a task."""

    task_id: Id
    """Names the task among those of the team."""

    def state_id(self, subject: str) -> str:
        return task_state(subject, self.task_id)


class TaskOpened(TaskData):
    """Somebody of a team has something to do."""

    event_type: ClassVar[str] = "rapport.task.opened.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("customer_id",)
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
