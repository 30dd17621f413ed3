"""A row of the timeline, as the API answers it."""

import json
from datetime import datetime
from typing import Any

from services.interactions.domain.rows import TimelineRow
from shared.schemas.base import Frozen
from shared.schemas.times import moment


class TimelineItem(Frozen):
    """``data`` is as the source told it, ``extensions`` are the event's other attributes; ``summary`` is one
    line of plain text; ``note`` says why the event has no effect, or not all of it: a copy, a fact that waits
    for another, one that was refused."""

    id: str
    source: str
    type: str
    time: datetime
    channel: str | None = None
    summary: str
    note: str | None = None
    data: dict[str, Any]
    extensions: dict[str, Any]


class ToldItem(TimelineItem):
    """The same, in a list of all customers."""

    customer_id: str


def timeline_item(row: TimelineRow) -> TimelineItem:
    return TimelineItem(
        id=row.id,
        source=row.source,
        type=row.type,
        time=moment(row.at),
        channel=row.channel,
        summary=row.summary,
        note=row.note,
        data=json.loads(row.data),
        extensions=json.loads(row.extensions or "{}"),
    )


def told_item(row: TimelineRow) -> ToldItem:
    return ToldItem(**timeline_item(row).model_dump(), customer_id=row.customer_id)
