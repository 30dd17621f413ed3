"""A decoded CloudEvent, as the domain sees it."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from shared.schemas.base import CUSTOMER, Data
from shared.schemas.merges import Merge

COMMANDS = "commands"
"""The topic of what APIs ask for. A command's id is its caller's ``Idempotency-Key``, which the caller alone
names: with another customer it is another body, and refused."""


class Event(Struct, frozen=True):
    """One fact or command about one customer, or one team. ``source`` + ``id`` name a command for ever, and a
    fact among those of its customer: the same pair under another customer is another fact (ADR 27)."""

    id: str
    source: str
    subject: str
    """The customer's id, or the team's (``Data.entity``); equals the record's key."""
    time: datetime
    """When it happened (aware, UTC)."""
    data: Data
    traceparent: str | None = None
    """W3C trace context, carried as the CloudEvents extension of that name."""
    extensions: dict[str, Any] = {}
    """The other attributes of the event, by name: extensions, and the data's schema. Kept as they were told;
    in binary mode all of them are text."""
    came: tuple[Merge, ...] = ()
    """The merges by which it came from the customer that it was told of to the subject, the first one first;
    empty for most."""
    been: tuple[str, ...] = ()
    """The customers to whom it came before, where it was relayed; the first is whom it was told of."""

    @property
    def uid(self) -> str:
        """Its name in one string, the journal's key. One that came by a merge is named by the customer too,
        so that a fact told of the survivor itself is a copy; and where it was here before (a circle, a merge
        undone meanwhile), by how often."""
        data = self.data
        if self.been:
            visits = self.been.count(self.subject)
            return f"{self.source} {self.id} {self.subject}" + (f" {visits}" if visits else "")
        if data.topic == COMMANDS:
            return f"{self.source} {self.id}"
        if data.entity != CUSTOMER:
            return f"{self.source} {self.id} {data.entity}/{self.subject}"
        return f"{self.source} {self.id} {self.subject}"

    @property
    def told_of(self) -> str:
        """Whom it was told of: an old id, where it came by a merge."""
        return self.been[0] if self.been else self.subject

    @property
    def state_id(self) -> str:
        """Which state it changes: ``Data.state_id``."""
        return self.data.state_id(self.subject)

    @property
    def extensions_text(self) -> str | None:
        """``extensions`` as JSON text, for a store that could not hold them as they are; None if there are
        none."""
        return msgspec.json.encode(self.extensions).decode() if self.extensions else None

    @property
    def type(self) -> str:
        return self.data.event_type


def key_of(state_id: str) -> str:
    """The record key under which the events of a state come: a customer's id, or what follows the kind."""
    return state_id if "/" not in state_id else state_id.split("/", 2)[1]


def extensions_of(text: str | None) -> dict[str, Any]:
    """The inverse of ``Event.extensions_text``."""
    return {} if text is None else dict(msgspec.json.decode(text))
