"""What states of other kinds are told of rows that go with a customer: they hold the same. Pure."""

from collections.abc import Mapping
from typing import Any

from shared.domain import Emit
from shared.schemas.commands.duplicates import DuplicateForgetRequested
from shared.schemas.commands.teams import TaskForgetRequested
from shared.schemas.times import moment


def forgotten_pair(row: Mapping[str, Any]) -> Emit:
    """Of a suggestion that two are one."""
    return Emit(DuplicateForgetRequested(), moment(row["at"]), row["_id"])


def forgotten_task(row: Mapping[str, Any]) -> Emit:
    """Of a team's task about the customer."""
    return Emit(TaskForgetRequested(task_id=row["task_id"]), moment(row["opened_at"]), row["team"])
