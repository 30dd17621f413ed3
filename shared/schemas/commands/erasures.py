"""What the one writer of an erasure's certificate is told, and what is asked about an erasure. A certificate
is keyed by the hash that stands for the customer's id: nothing of it says whose it is."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from shared.schemas.base import Id, Time
from shared.schemas.commands import Command
from shared.schemas.fields import CollectionName, Count

ERASURE = "erasure"
"""How the ids of erasures' states begin; the subject of what these are told."""


class ErasureNoteRequested(Command):
    """Something has happened that the certificate says."""

    event_type: ClassVar[str] = "rapport.interactions.erasure_note.requested.v1"
    entity: ClassVar[str] = ERASURE

    what: Literal["begun", "completed", "lifted"]
    """The erasure is known here; a service has nothing left; the id may be used again."""
    at: Time
    """When that was."""
    service: Id | None = None
    """Which service is done."""
    removed: Mapping[CollectionName, Count] | None = None
    """How many documents it removed, by collection."""

    def state_id(self, subject: str) -> str:
        return f"{ERASURE}/{subject}"


class ErasureLiftRequested(Command):
    """The customer's id may be used again: they come back, or it was never theirs. Keyed by the customer."""

    event_type: ClassVar[str] = "rapport.interactions.erasure_lift.requested.v1"
