"""What an export of a person says: the form of ``GET /customers/{id}/export``, kept in ``docs/schemas``."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from shared.schemas.base import Frozen, Id

FORMAT = "rapport.export.v1"

PARTS: dict[str, tuple[str, str]] = {
    "timeline": ("interactions", "timeline"),
    "complaints": ("interactions", "complaints"),
    "conversations": ("interactions", "conversations"),
    "tasks": ("interactions", "tasks"),
    "points": ("loyalty", "ledger"),
    "vouchers": ("loyalty", "vouchers"),
    "messages": ("followup", "deliveries"),
    "scores": ("metrics", "customers"),
}
"""Parts of the document that have a name: the collection whose rows they are."""

Row = dict[str, Any]
"""A row as the service has it; of what is stored packed, what it says. Times are RFC 3339 in UTC, or whole
microseconds since 1970; amounts are in minor units."""


class ConsentWord(Frozen):
    """A word on what is allowed, whether it holds or not."""

    time: datetime
    purpose: str
    channel: str
    topic: str | None
    granted: bool
    source: str
    """Who said so: of an event, as ``source``."""
    evidence: str | None
    """How it was given."""
    note: str | None
    """Why it has no effect, where it has none."""


class Export(Frozen):
    """All that is held of a person in all services. Each list is sorted by id of the person, then by ``_id``;
    ids that were merged are in it."""

    format: Literal["rapport.export.v1"]
    customer_id: Id
    """By now: of one who was merged, the survivor."""
    ids: list[Id]
    """All that are this person, the survivor's first."""
    made_at: datetime
    person: dict[str, Any]
    """As ``GET /customers/{id}`` of interactions: profile, aliases, channels, loyalty, subscriptions, health
    and what it is made of."""
    consents: list[ConsentWord]
    """Each word, the first first."""
    rows: dict[str, dict[str, int]] = Field(description="How many rows there are, by service and collection.")
    timeline: list[Row] = Field(description="What happened: interactions' rows, with what each event said.")
    complaints: list[Row]
    conversations: list[Row]
    tasks: list[Row]
    points: list[Row] = Field(description="Loyalty's ledger; `reason` explains the entry.")
    vouchers: list[Row]
    messages: list[Row] = Field(description="Followup's: sent and refused, with `reason` and `error`.")
    scores: list[Row] = Field(description="What metrics counts of the person, and scores are made of.")
    other: dict[str, dict[str, list[Row]]] = Field(
        description="All other rows, by service and collection: states, journals, timers, who read them."
    )
