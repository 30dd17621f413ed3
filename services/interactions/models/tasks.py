"""Tasks over HTTP: what is asked for, and what is answered."""

import hashlib
import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.interactions.domain.tasks.rows import OPEN, TaskRow
from shared.schemas.base import Frozen, Id, Strict, Time
from shared.schemas.fields import Label
from shared.schemas.times import Micros, maybe_moment, micros, moment

Text = Annotated[str, Field(min_length=1, max_length=20_000)]
TaskStatus = Literal["open", "done"]

CALL_BACK = "call_back"
"""The kind of a call that is promised for a time."""


class NewTask(Strict):
    """The body of ``POST /tasks``. ``kind``: call, letter, call_back (which needs ``due_at``: the time that
    was promised), or another."""

    team: Id
    kind: Label
    text: Text
    customer_id: Id | None = None
    due_at: Time | None = None
    outreach_id: Id | None = None

    @model_validator(mode="after")
    def _complete(self) -> "NewTask":
        if self.kind == CALL_BACK and self.due_at is None:
            raise ValueError("due_at is needed for kind call_back")
        return self


class Finished(Strict):
    """The body of ``POST /tasks/{id}/done``: what came of it, and which agent did it."""

    outcome: Text
    agent_id: Id | None = None


class TaskOpened(Frozen):
    """The task was opened; the service made its id."""

    task_id: str


class TaskTaken(Frozen):
    """It is done."""

    task_id: str
    status: TaskStatus


class TaskView(Frozen):
    """A task. ``overdue``: it is open, and its time has come."""

    task_id: str
    team: str
    status: TaskStatus
    kind: str
    text: str
    customer_id: str | None
    outreach_id: str | None
    opened_at: datetime
    due_at: datetime | None
    overdue: bool
    done_at: datetime | None
    outcome: str | None


def task_view(row: TaskRow, now: datetime) -> TaskView:
    return TaskView(
        task_id=row.task_id,
        team=row.team,
        status="open" if row.status == OPEN else "done",
        kind=row.kind,
        text=row.text,
        customer_id=row.customer_id,
        outreach_id=row.outreach_id,
        opened_at=moment(row.opened_at),
        due_at=maybe_moment(row.due_at),
        overdue=_overdue(row, micros(now)),
        done_at=maybe_moment(row.done_at),
        outcome=row.outcome,
    )


def _overdue(row: TaskRow, now: Micros) -> bool:
    return row.status == OPEN and row.due_at is not None and row.due_at <= now


def new_task_id(principal: str, key: str | None) -> str:
    """Of one request always the same: its Idempotency-Key names the task too (24 hex digits)."""
    if key is None:
        return uuid.uuid4().hex[:24]
    return hashlib.sha256(f"task {len(principal)} {principal} {key}".encode()).hexdigest()[:24]
