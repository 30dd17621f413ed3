"""A decoded CloudEvent, as the domain sees it."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from shared.schemas.base import Data


class Event(Struct, frozen=True):
    """One fact or command about one customer; ``source`` + ``id`` name it for ever."""

    id: str
    source: str
    subject: str
    """The customer id; equals the record's key."""
    time: datetime
    """When it happened (aware, UTC)."""
    data: Data
    traceparent: str | None = None
    """W3C trace context, carried as the CloudEvents extension of that name."""
    extensions: dict[str, Any] = {}
    """The other attributes of the event, by name: extensions, and the data's schema. Kept as they were told;
    in binary mode all of them are text."""

    @property
    def uid(self) -> str:
        """``source`` and ``id`` in one string, the journal's key."""
        return f"{self.source} {self.id}"

    @property
    def type(self) -> str:
        return self.data.event_type
