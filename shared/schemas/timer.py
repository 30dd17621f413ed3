"""A timer's firing: an event a worker gives to its own domain; it never travels on a topic."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from shared.schemas.base import Data


class TimerFired(Data):
    """The timer ``name`` of this state fell due at ``due_at``."""

    event_type: ClassVar[str] = "rapport.timer.fired.v1"
    topic: ClassVar[str] = ""

    name: str
    due_at: datetime
    payload: Mapping[str, Any] = {}
    of: str | None = None
    """The state's id, where it is no customer's."""

    def state_id(self, subject: str) -> str:
        return subject if self.of is None else self.of
