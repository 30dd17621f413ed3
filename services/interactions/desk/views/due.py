"""How much time is left: what can be told of a due time at a glance."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

Stage: TypeAlias = Literal["late", "soon", "today", "later", "paused", "none"]
"""Past; within the hour; within the day; after that; it waits for the customer; nothing is due."""

SOON = timedelta(hours=1)
TODAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Due:
    """When something is due; ``left`` is negative once it is late."""

    stage: Stage
    at: datetime | None = None
    left: timedelta | None = None


def due(at: datetime | None, now: datetime, *, paused: bool = False) -> Due:
    """A step at the instant that it was due is too late."""
    if at is None:
        return Due("paused" if paused else "none")
    left = at - now
    if left <= timedelta(0):
        return Due("late", at, left)
    return Due("soon" if left <= SOON else "today" if left <= TODAY else "later", at, left)
