"""What a team does in place of a message that is sent."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from services.followup.domain.rules.times import Duration
from shared.schemas.base import Id, Strict

TASK = "task"
"""What rules call the channel whose messages a team brings."""
CHANNEL_OF: Mapping[str, str] = {"call": "phone", "letter": "mail"}
"""What a task of each kind reaches the customer by: the channel that consents, facts and pages name."""


class TaskPlan(Strict):
    """What a team does in place of a message that is sent."""

    kind: Literal["call", "letter"]
    team: Id | None = None
    """Who does it; the file's ``team`` if left out."""
    within: Duration = timedelta(days=2)
    """How long after it was opened it is due."""

    @property
    def channel(self) -> str:
        return CHANNEL_OF[self.kind]
