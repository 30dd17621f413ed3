"""What a customer's state keeps of messages that went, and of the addresses they went to."""

from typing import Literal, NamedTuple

from shared.schemas.base import Open
from shared.schemas.times import Micros

Klass = Literal["marketing", "service"]
"""For which messages an address is suppressed: service stands for all of them."""


class Receipt(NamedTuple):
    """What was reported of a message, and when it was heard."""

    what: Literal["delivered", "bounced", "complained"]
    kind: Literal["hard", "soft"] | None
    code: str | None
    at: Micros


class Trace(NamedTuple):
    """A message that went, or may have, as long as something may be heard of it."""

    outreach_id: str
    rule: str
    channel: str
    purpose: str
    """What it counts as by its rule's class, which may be another than its template's purpose."""
    to: str | None
    """The ``address_mark`` of where it went."""
    at: Micros
    heard: int = 0
    """Which of ``RECEIPTS`` were told of it, a bit each; and ``ANSWERED``."""
    cell: str = ""
    """Where its results are counted: a cell's key."""
    domain: str | None = None
    """The mail domain that the guard counts it under."""
    mail: str | None = None
    """The id of the first in its mail, where it went in one with others."""
    cause: str = ""
    """Stands for what it was said of (``merging.causes``)."""
    whose: str = ""
    """As ``Outreach.whose``."""

    @property
    def named(self) -> str:
        """What its mail is called."""
        return self.mail or self.outreach_id


RECEIPTS = ("delivered", "bounced", "complained")
ANSWERED = 1 << len(RECEIPTS)
"""The bit of a message that the customer has answered."""


class Suppression(Open):
    """An address that is used no more."""

    mark: str
    """Its ``address_mark``."""
    of: Klass
    why: Literal["hard", "complained"]
    code: str | None = None
    at: Micros


class SoftBounce(NamedTuple):
    """A message that came back for now."""

    mark: str
    of: Klass
    at: Micros
    outreach_id: str
