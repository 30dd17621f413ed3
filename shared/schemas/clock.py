"""The stream clock: how far event time has come without an event."""

from typing import ClassVar

from shared.schemas.base import Data, Time


class ClockAdvanced(Data):
    """Time has come so far. One record per partition; subject and key are `clock-0`, `clock-1`, and so on."""

    event_type: ClassVar[str] = "rapport.clock.advanced.v1"
    topic: ClassVar[str] = "clock"

    to: Time
    """The time that timers may run to."""
