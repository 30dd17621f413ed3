"""A task as the API reads it."""

import msgspec

from services.interactions.domain.rows import NEVER, Row, sort_key
from services.interactions.domain.tasks.state import Opening, Task
from shared.schemas.times import Micros

OPEN, DONE = "open", "done"


class TaskRow(Row, frozen=True):
    """Ids of tasks come from many sources and may meet: the team is part of ``_id``."""

    key: str = msgspec.field(name="_id")
    team: str
    customer_id: str | None = msgspec.field(name="customer")
    order: str
    """Of an open one by due time, those without one last; of one that is done by when it was."""
    task_id: str
    status: str
    kind: str
    text: str
    opened_at: Micros
    due_at: Micros | None
    outreach_id: str | None
    done_at: Micros | None
    outcome: str | None


def task_row(task: Task, opening: Opening) -> TaskRow:
    """The row of a task whose opening is known."""
    key, ending = f"{task.task_id} {task.team}", task.ending
    if ending is not None:
        order = sort_key(ending.at, key)
    elif opening.due_at is not None:
        order = sort_key(opening.due_at, key)
    else:
        order = sort_key(NEVER, sort_key(opening.at, key))
    return TaskRow(
        key=key,
        team=task.team,
        customer_id=opening.customer_id,
        order=order,
        task_id=task.task_id,
        status=OPEN if ending is None else DONE,
        kind=opening.kind,
        text=opening.text,
        opened_at=opening.at,
        due_at=opening.due_at,
        outreach_id=opening.outreach_id,
        done_at=None if ending is None else ending.at,
        outcome=None if ending is None else ending.outcome,
    )
