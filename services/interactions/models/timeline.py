"""A row of the timeline, as the API answers it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.schemas.base import Frozen
from shared.schemas.times import moment


class TimelineItem(Frozen):
    id: str
    source: str
    type: str
    time: datetime
    channel: str | None = None
    summary: str
    data: dict[str, Any]


def timeline_item(row: Mapping[str, Any]) -> TimelineItem:
    fields = {name: row.get(name) for name in ("id", "source", "type", "channel", "summary")}
    return TimelineItem.model_validate(fields | {"time": moment(row["at"]), "data": json.loads(row["data"])})
