"""What must be refreshed soon is a task of the team's, until it was."""

from services.interactions.domain.growth.policy import Learning
from services.interactions.domain.growth.record import Learnt, Record, kept, refresh_by, training_key
from services.interactions.domain.state import altered, found, placed
from shared.domain import Context, Emit
from shared.schemas.commands.growth import AgentRefresherRequested
from shared.schemas.commands.teams import TaskDoneRequested, TaskOpenRequested
from shared.schemas.times import Micros, moment

TIMER = "refresh"
KIND = "refresher"
"""The kind of these tasks."""
REFRESHED = "refreshed"
"""How one ends whose training was passed again."""


def reminded(learning: Learning, record: Record, now: Micros) -> tuple[Record, tuple[Emit, ...]]:
    """The record, and what is asked for: the agent's team, whichever it is, is to be reminded of what falls
    due soon, once for each due time; a task here is done when that has moved."""
    emits: list[Emit] = []
    trainings = tuple(_looked_at(learning, record, one, now, emits) for one in record.trainings)
    same = all(new is old for new, old in zip(trainings, record.trainings, strict=True))
    return (record if same else altered(record, trainings=trainings)), tuple(emits)


def opened(
    learning: Learning, record: Record, training: str, context: Context, now: Micros
) -> tuple[Record, tuple[Emit, ...]]:
    """This is the agent's team: it gets the task, unless that has moved meanwhile."""
    one = found(record.trainings, training, training_key)
    due = None if one is None else refresh_by(learning, one)
    if one is None or due is None or due - learning.remind_before > now or one.reminded_of == due:
        return record, ()
    task_id = context.new_id(KIND)
    text = f"{record.agent_id}: {training}"
    asked = TaskOpenRequested(task_id=task_id, kind=KIND, text=text, due_at=moment(due))
    new = altered(one, asked_of=due, reminded_of=due, task_id=task_id)
    trainings = placed(record.trainings, new, training_key)
    return altered(record, trainings=trainings), (Emit(asked, moment(now), record.team),)


def next_reminder(learning: Learning, record: Record, now: Micros) -> Micros | None:
    """When the next is to be asked for."""
    times = (_remind_at(learning, one) for one in record.trainings)
    return min((at for at in times if at is not None and at > now), default=None)


def _looked_at(learning: Learning, record: Record, one: Learnt, now: Micros, emits: list[Emit]) -> Learnt:
    due = refresh_by(learning, one)
    if one.reminded_of is not None and one.reminded_of != due:
        assert one.task_id is not None
        done = TaskDoneRequested(task_id=one.task_id, outcome=REFRESHED)
        emits.append(Emit(done, moment(now), record.team))
        one = altered(one, reminded_of=None, task_id=None)
    if one.asked_of is not None and one.asked_of != due:
        one = altered(one, asked_of=None)  # what falls due then again is asked for again
    at = _remind_at(learning, one)
    if due is None or at is None or at > now or one.asked_of == due:
        return one
    asked = AgentRefresherRequested(kept=kept(one), team=record.team)
    emits.append(Emit(asked, moment(now), record.agent_id))
    return altered(one, asked_of=due)


def _remind_at(learning: Learning, one: Learnt) -> Micros | None:
    due = refresh_by(learning, one)
    return None if due is None else due - learning.remind_before
