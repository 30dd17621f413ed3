"""What is heard of messages that went: from providers, mail servers and mailboxes."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.schemas.base import Id
from shared.schemas.commands import Command

StatusCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
"""A status, as 5.1.1 of RFC 3463, or a provider's own."""


class ReceiptReported(Command):
    """Somebody says what became of a message after it was handed over."""

    event_type: ClassVar[str] = "rapport.followup.receipt.reported.v1"

    outreach_id: Id
    """The message."""
    what: Literal["delivered", "bounced", "complained"]
    """It arrived, it came back, or the customer called it unwanted."""
    kind: Literal["hard", "soft"] | None = None
    """Of one that came back, as who reports it sees it; left out, its code says."""
    code: StatusCode | None = None
    """Of one that came back: the status that was told."""
