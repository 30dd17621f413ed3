"""What must be refreshed soon is a task of the team's, until it was."""

from services.interactions.domain.growth.policy import Learning
from services.interactions.domain.growth.record import Learnt, Record, refresh_by
from services.interactions.domain.state import altered
from shared.domain import Context, Emit
from shared.schemas.commands.teams import TaskDoneRequested, TaskOpenRequested
from shared.schemas.times import Micros, moment

TIMER = "refresh"
KIND = "refresher"
"""The kind of these tasks."""
REFRESHED = "refreshed"
"""How one ends whose training was passed again."""


def reminded(
    learning: Learning, record: Record, context: Context, now: Micros
) -> tuple[Record, tuple[Emit, ...]]:
    """The record, and what is asked of the team's tasks: one is opened once for each due time, and is done
    when that has moved."""
    emits: list[Emit] = []
    trainings = tuple(_looked_at(learning, record, one, context, now, emits) for one in record.trainings)
    return (altered(record, trainings=trainings) if emits else record), tuple(emits)


def next_reminder(learning: Learning, record: Record, now: Micros) -> Micros | None:
    """When the next task is to be opened."""
    times = (_remind_at(learning, one) for one in record.trainings)
    return min((at for at in times if at is not None and at > now), default=None)


def _looked_at(
    learning: Learning, record: Record, one: Learnt, context: Context, now: Micros, emits: list[Emit]
) -> Learnt:
    due = refresh_by(learning, one)
    if one.reminded_of is not None and one.reminded_of != due:
        assert one.task_id is not None
        done = TaskDoneRequested(task_id=one.task_id, outcome=REFRESHED)
        emits.append(Emit(done, moment(now), record.team))
        one = altered(one, reminded_of=None, task_id=None)
    at = _remind_at(learning, one)
    if due is None or at is None or at > now or one.reminded_of == due:
        return one
    task_id = context.new_id(f"{KIND} {one.training}")
    text = f"{record.agent_id}: {one.training}"
    asked = TaskOpenRequested(task_id=task_id, kind=KIND, text=text, due_at=moment(due))
    emits.append(Emit(asked, moment(now), record.team))
    return altered(one, reminded_of=due, task_id=task_id)


def _remind_at(learning: Learning, one: Learnt) -> Micros | None:
    due = refresh_by(learning, one)
    return None if due is None else due - learning.remind_before
