"""A task's events, one by one: state in, effects out. Pure."""

from dataclasses import replace
from typing import NamedTuple

from services.interactions.domain.held import data_of
from services.interactions.domain.rows import TASKS
from services.interactions.domain.state import Held, altered
from services.interactions.domain.tasks.reviews import answered
from services.interactions.domain.tasks.rows import task_row
from services.interactions.domain.tasks.state import Ending, Opening, Task
from services.interactions.errors import DUPLICATE_TASK, TASK_DONE, TASK_EXISTS, UNKNOWN_TASK
from shared.domain import CancelTimer, Context, Effects, Emit, Outcome, Put, Retract, SetTimer
from shared.schemas.codec import encode_data
from shared.schemas.commands.teams import TaskDoneRequested, TaskForgetRequested, TaskOpenRequested
from shared.schemas.event import Event, extensions_of
from shared.schemas.teams import TaskDone, TaskOpened
from shared.schemas.timer import TimerFired
from shared.schemas.times import DAY, Micros, micros, moment, timer_instant

WAIT = 30 * DAY
"""How long an ending waits for its opening."""
TIMER = "waiting"


class _Asked(NamedTuple):
    """The fact that a command asks for, when it happens, and the answer."""

    fact: TaskOpened | TaskDone
    at: Micros
    outcome: Outcome


def apply(task: Task, event: Event, context: Context) -> Effects[Task]:
    """Raises ``duplicate_task``; for commands ``task_exists``, ``unknown_task``, ``task_done``."""
    data, at = event.data, micros(event.time)
    match data:
        case TimerFired():
            return _expired(task)
        case TaskOpened() if context.gone:
            # Its ending, told before or yet to come, would wait for it in vain. Another's task stays theirs.
            others = task.opening is not None and task.opening.customer_id not in context.gone
            return Effects(task, erase=not others)
        case TaskOpened():
            return _with_answer(task, _opened(task, data, at), context)
        case TaskDone():
            return _with_answer(task, _done(task, event, data, at, context), context)
        case TaskForgetRequested():
            return Effects(task, erase=True)
    asked = _asked(task, event, at)
    match asked.fact:
        case TaskOpened():
            effects = _opened(task, asked.fact, asked.at)
        case TaskDone():
            effects = _done(task, event, asked.fact, asked.at, context)
    effects = replace(effects, emits=(Emit(asked.fact, moment(asked.at)),), outcome=asked.outcome)
    agent_id = data.agent_id if isinstance(data, TaskDoneRequested) else None
    return _with_answer(task, effects, context, agent_id)


def _with_answer(
    task: Task, effects: Effects[Task], context: Context, agent_id: str | None = None
) -> Effects[Task]:
    """With what is to be noted of the customer, if a review was to be answered."""
    return replace(effects, emits=(*effects.emits, *answered(task, effects.state, context, agent_id)))


def _asked(task: Task, event: Event, at: Micros) -> _Asked:
    data = event.data
    said = data.model_dump(include=set(type(data).model_fields) - {"agent_id"}, exclude_none=True)
    if isinstance(data, TaskOpenRequested):
        if task.opening is not None:
            raise TASK_EXISTS(task=task.task_id, team=task.team)
        return _Asked(TaskOpened.model_validate(said), at, Outcome(201, {"task_id": task.task_id}))
    assert isinstance(data, TaskDoneRequested)
    if task.opening is None:
        raise UNKNOWN_TASK(task=task.task_id)
    if task.ending is not None:
        raise TASK_DONE(task=task.task_id)
    outcome = Outcome(200, {"task_id": task.task_id, "status": "done"})
    # Whoever says so knows of the task: not before it, even where the clock that opened it runs ahead.
    return _Asked(TaskDone.model_validate(said), max(at, 1 + task.opening.at), outcome)


def _opened(task: Task, told: TaskOpened, at: Micros) -> Effects[Task]:
    """The first heard of it holds. What was told of its ending before takes effect now."""
    opening = Opening(
        at=at,
        kind=told.kind,
        text=told.text,
        customer_id=told.customer_id,
        due_at=None if told.due_at is None else micros(told.due_at),
        outreach_id=told.outreach_id,
    )
    known = task.opening
    if known is not None:
        if altered(known, at=at) != opening:
            raise DUPLICATE_TASK(task=task.task_id, team=task.team)
        return Effects(task)
    timers = () if task.waiting is None else (CancelTimer(TIMER),)
    new = altered(task, opening=opening, waiting=None)
    return Effects(new, timers=timers, rows=_rows(new))


def _done(task: Task, event: Event, told: TaskDone, at: Micros, context: Context) -> Effects[Task]:
    """Of two the earlier holds, whichever is heard first."""
    ending = Ending(at=at, outcome=told.outcome)
    if task.ending is not None and (task.ending.at, task.ending.outcome) <= (at, told.outcome):
        return Effects(task)
    if task.opening is not None:
        new = altered(task, ending=ending)
        return Effects(new, rows=_rows(new))
    until = micros(context.now) + WAIT
    waiting = Held(
        source=event.source,
        id=event.id,
        type=event.type,
        about=task.task_id,
        at=at,
        told=encode_data(told).decode(),
        extensions=event.extensions_text,
        origin=context.origin,
        until=until,
    )
    timer = SetTimer(TIMER, moment(timer_instant(until)))
    return Effects(altered(task, ending=ending, waiting=waiting), timers=(timer,))


def _expired(task: Task) -> Effects[Task]:
    """Its opening was not told in time: what ended it is a dead letter, and as if never heard."""
    held = task.waiting
    if held is None:
        return Effects(task)
    event = Event(
        held.id,
        held.source,
        task.team,
        moment(held.at),
        data_of(held),
        extensions=extensions_of(held.extensions),
    )
    refusal = UNKNOWN_TASK(task=task.task_id)
    retract = Retract(event, held.origin, refusal.code, refusal.reason)
    return Effects(altered(task, ending=None, waiting=None), retracts=(retract,))


def _rows(task: Task) -> tuple[Put, ...]:
    assert task.opening is not None
    return (Put(TASKS, task_row(task, task.opening).document()),)
