"""What the API answers of the events behind a figure."""

from datetime import datetime

from services.metrics.behind import Told
from shared.schemas.base import Frozen


class EventBehind(Frozen):
    """An event that a figure rests on; the whole of it is in the customer's timeline at interactions."""

    id: str
    source: str
    type: str
    time: datetime
    customer_id: str
    summary: str
    """One line of plain text, as the source told it."""
    role: str | None
    """What its customer is in the figure: of churn ``left`` or ``stayed``, of retention ``returned`` or
    ``stayed away``; null where that has no name."""


def event_behind(one: Told, role: str) -> EventBehind:
    told = {name: getattr(one, name) for name in EventBehind.model_fields if name != "role"}
    return EventBehind(**told, role=role or None)
