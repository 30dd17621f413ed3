"""A decoded CloudEvent, as the domain sees it."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from shared.schemas.base import Data

COMMANDS = "commands"
"""The topic of what APIs ask for. A command's id is its caller's ``Idempotency-Key``, which the caller alone
names: with another customer it is another body, and refused."""


class Event(Struct, frozen=True):
    """One fact or command about one customer. ``source`` + ``id`` name a command for ever, and a fact
    among those of its customer: the same pair under another customer is another fact (ADR 27)."""

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
        """Its name in one string, the journal's key."""
        if self.data.topic == COMMANDS:
            return f"{self.source} {self.id}"
        return f"{self.source} {self.id} {self.subject}"

    @property
    def extensions_text(self) -> str | None:
        """``extensions`` as JSON text, for a store that could not hold them as they are; None if there are
        none."""
        return msgspec.json.encode(self.extensions).decode() if self.extensions else None

    @property
    def type(self) -> str:
        return self.data.event_type


def extensions_of(text: str | None) -> dict[str, Any]:
    """The inverse of ``Event.extensions_text``."""
    return {} if text is None else dict(msgspec.json.decode(text))
