"""What teams have to do: calls, letters, calls promised for a time."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from services.interactions.domain.tasks.rows import TaskRow
from services.interactions.errors import AMBIGUOUS_TASK, TASK_DONE, UNKNOWN_TASK
from services.interactions.models.tasks import (
    Finished,
    NewTask,
    TaskOpened,
    TaskStatus,
    TaskTaken,
    TaskView,
    new_task_id,
    task_view,
)
from services.interactions.routes.complaints import answers
from services.interactions.routes.dependencies import Reader, Store, TaskId, Writer, last_shown
from services.interactions.store import InteractionsStore
from shared.http.bodies import Told
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import Clock, SendCommands
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page
from shared.schemas.base import Id
from shared.schemas.commands.teams import TaskDoneRequested, TaskOpenRequested
from shared.schemas.fields import Label
from shared.schemas.times import micros

router = APIRouter(tags=["tasks"])

Whose = Annotated[Id | None, Query(description="The team, where two have a task of this id.")]
ONE = responses(UNKNOWN_TASK, AMBIGUOUS_TASK)


@router.get("/tasks", summary="What is to be done", response_model=Page[TaskView])
async def list_tasks(
    principal: Reader,
    store: Store,
    clock: Clock,
    team: Id | None = None,
    status: TaskStatus = "open",
    kind: Label | None = None,
    customer_id: Id | None = None,
    overdue: Annotated[bool | None, Query(description="Of open ones: their time has come.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Open tasks, the first due first, those without a due time last; or those that are done, the last done
    first."""
    now = await clock.now()
    rows = await store.tasks(
        team=team,
        status=status,
        kind=kind,
        customers=None if customer_id is None else (await store.ids(customer_id)) or (customer_id,),
        overdue=overdue,
        now=micros(now),
        last=last_shown(cursor),
        limit=limit + 1,
    )
    shown, following = cut(rows, limit, lambda row: (row.order,))
    return page([task_view(row, now) for row in shown], following)


@router.get("/tasks/{task_id}", summary="One", responses=ONE)
async def get_task(
    principal: Reader, store: Store, clock: Clock, task_id: TaskId, team: Whose = None
) -> TaskView:
    return task_view(await _the_one(store, task_id, team), await clock.now())


@router.post("/tasks", summary="Open", status_code=201, responses=answers(TaskOpened, 201))
async def open_task(
    principal: Writer, commands: SendCommands, body: Told[NewTask], key: IdempotencyKey = None
) -> JSONResponse:
    """The team and the customer need not be known."""
    said = body.model_dump(exclude={"team"}, exclude_none=True)
    command = TaskOpenRequested.model_validate(said | {"task_id": new_task_id(principal.name, key)})
    return (await commands.submit(principal, "tasks", body.team, command, key)).response()


@router.post(
    "/tasks/{task_id}/done",
    summary="It is done",
    responses=answers(TaskTaken) | responses(UNKNOWN_TASK, AMBIGUOUS_TASK, TASK_DONE),
)
async def finish_task(
    principal: Writer,
    store: Store,
    commands: SendCommands,
    task_id: TaskId,
    body: Told[Finished],
    team: Whose = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    row = await _the_one(store, task_id, team)
    command = TaskDoneRequested(task_id=task_id, outcome=body.outcome, agent_id=body.agent_id)
    return (await commands.submit(principal, "tasks.done", row.team, command, key)).response()


async def _the_one(store: InteractionsStore, task_id: str, team: str | None) -> TaskRow:
    """The task of this id. Raises 404 ``unknown_task``, 409 ``ambiguous_task``."""
    rows = await store.tasks_named(task_id, team)
    if not rows:
        raise UNKNOWN_TASK(task=task_id)
    if len(rows) > 1:
        raise AMBIGUOUS_TASK(task=task_id)
    return rows[0]
