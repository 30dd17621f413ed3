"""A conversation as a list shows it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.interactions.domain.rows import ConversationRow, CustomerRow
from shared.schemas.times import moment


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the queue."""

    conversation_id: str
    customer_id: str
    name: str
    status: str
    handled_by: str
    agent_id: str | None
    team: str | None
    priority: str | None
    channel: str | None
    opened_at: datetime
    updated_at: datetime


def entry(row: ConversationRow, names: Mapping[str, CustomerRow]) -> Entry:
    """``names``: the rows of customers, by id."""
    known = names.get(row.customer_id)
    return Entry(
        conversation_id=row.conversation_id,
        customer_id=row.customer_id,
        name=(known.name if known is not None else None) or row.customer_id,
        status=row.status,
        handled_by=row.handled_by,
        agent_id=row.agent_id,
        team=row.team,
        priority=row.priority,
        channel=row.channel,
        opened_at=moment(row.opened_at),
        updated_at=moment(row.updated_at),
    )
