"""What providers say of messages that they were given."""

from typing import Literal, cast

from shared.schemas.base import Frozen, Id
from shared.schemas.commands.receipts import ReceiptReported, StatusCode


class DeliveryData(Frozen):
    """The message, and how it came back."""

    outreach_id: Id
    """As the message was given, or its ``webhook-id``."""
    kind: Literal["hard", "soft"] | None = None
    """Of one that bounced; left out, its code says."""
    code: StatusCode | None = None
    """Of one that bounced: the status, as 5.1.1 of RFC 3463."""


class DeliveryHook(Frozen):
    """The body of ``POST /hooks/delivery``, as Standard Webhooks has it."""

    type: Literal["message.delivered", "message.bounced", "message.complained"]
    data: DeliveryData

    def reported(self) -> ReceiptReported:
        what = cast(Literal["delivered", "bounced", "complained"], self.type.removeprefix("message."))
        bounce = {"kind": self.data.kind, "code": self.data.code} if what == "bounced" else {}
        return ReceiptReported.model_validate({"outreach_id": self.data.outreach_id, "what": what, **bounce})


class DeliveryHeard(Frozen):
    """What was heard."""

    outreach_id: str
    status: Literal["delivered", "bounced", "complained"]
