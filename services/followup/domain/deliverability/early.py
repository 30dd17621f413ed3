"""What is heard of a message that is on its way between ids of one person: kept until that comes."""

from services.followup.domain.deliverability.heard import Receipt
from shared.schemas.base import Open
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.times import Micros


class Early(Open):
    """One report of the sender's, or one receipt."""

    outreach_id: str
    """The message, or the first in its mail."""
    whose: str
    """The id that it was told of, and whose the message is."""
    at: Micros
    heard_at: Micros
    report: DeliveryReported | None = None
    receipt: Receipt | None = None
    done: tuple[str, ...] = ()
    """Those in its mail that have had it: of one mail some may come before others."""
