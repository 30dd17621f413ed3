"""Messages that were not sent, and why."""

import json
from dataclasses import dataclass
from datetime import datetime

from services.interactions.domain.rows import TimelineRow
from shared.schemas.base import parse_time
from shared.schemas.outreach import OutreachCancelled, OutreachSuppressed
from shared.schemas.times import moment

TYPES = (OutreachSuppressed.event_type, OutreachCancelled.event_type)


@dataclass(frozen=True, slots=True)
class Unsent:
    """``reason`` and ``others`` are outreach's names of what stood in the way: ``open_complaint``."""

    outreach_id: str
    rule: str
    at: datetime
    wanted: bool
    """Whether it was still wanted, but must not go; else what it was for is over."""
    reason: str
    others: tuple[str, ...]
    """What stood in its way beside the reason."""
    detail: str | None
    next_at: datetime | None
    """When the reason alone would end."""


def unsent(row: TimelineRow) -> Unsent:
    told = json.loads(row.data)
    next_at = told.get("next_at")
    return Unsent(
        outreach_id=told["outreach_id"],
        rule=told["rule"],
        at=moment(row.at),
        wanted=row.type == OutreachSuppressed.event_type,
        reason=told["reason"],
        others=tuple(one for one in told.get("blocked_by") or () if one != told["reason"]),
        detail=told.get("detail"),
        next_at=None if next_at is None else parse_time(next_at),
    )
