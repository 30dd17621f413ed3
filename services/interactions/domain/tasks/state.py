"""What is known of a task: it was opened, it was done, in whichever order that is heard."""

from services.interactions.domain.state import Held
from shared.schemas.base import Open
from shared.schemas.times import Micros


class Opening(Open):
    """The task as it was opened."""

    at: Micros
    kind: str
    text: str
    customer_id: str | None = None
    due_at: Micros | None = None
    outreach_id: str | None = None


class Ending(Open):
    """When it was done, and what came of it."""

    at: Micros
    outcome: str


class Task(Open):
    """The state: one document a task."""

    team: str
    task_id: str
    opening: Opening | None = None
    ending: Ending | None = None
    waiting: Held | None = None
    """The fact of its ending as it was told, as long as its opening is not known."""


def initial(state_id: str) -> Task:
    """A task never heard of, from ``task/<team>/<task_id>``."""
    _, team, task_id = state_id.split("/")
    return Task(team=team, task_id=task_id)
