"""A timer's firing: an event a worker gives to its own domain; it never travels on a topic."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from shared.schemas.base import Data


class TimerFired(Data):
    """The timer ``name`` of this customer fell due at ``due_at``."""

    event_type: ClassVar[str] = "rapport.timer.fired.v1"
    topic: ClassVar[str] = ""

    name: str
    due_at: datetime
    payload: Mapping[str, Any] = {}
